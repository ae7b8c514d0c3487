// @ts-check
/** Proves the package as users get it: what is in it, that it installs, and that its commands and types work. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, isBuilt } from './build.mjs'

const root = fileURLToPath(new URL('../', import.meta.url))
const ALLOWED = [
  /^package\.json$/,
  /^README\.md$/,
  /^LICENSE$/,
  /^CHANGELOG\.md$/,
  /^dist\/(?:src|probes)\/(?:[\w-]+\/)?[\w.-]+\.(?:js|d\.ts)$/,
  /^scenarios\/(?:dialects\/)?[\w.-]+\.(?:yaml|jsonl|json|mjs)$/,
]
const REQUIRED = [
  'package.json',
  'README.md',
  'LICENSE',
  'CHANGELOG.md',
  'dist/src/index.js',
  'dist/src/index.d.ts',
  'dist/src/cli/main.js',
  'dist/src/simulate/child.js',
  'scenarios/quickstart.yaml',
]
/** What scenarios take from the environment, as no name would do for all; validate asks that it be set, and sends nothing. */
const NAMES = {
  VLLM_MODEL: 'some-model',
  AZURE_OPENAI_ENDPOINT: 'https://example.openai.azure.com',
  AZURE_OPENAI_DEPLOYMENT: 'example',
  GOOGLE_CLOUD_PROJECT: 'example',
  AWS_REGION: 'eu-west-1',
}
const MAX_PACKED_BYTES = 2_000_000

const RUNTIME_SMOKE = `
import { run } from 'llm-plumbline'
if (typeof run !== 'function') throw new Error('run is no function')
`

const TYPE_SMOKE = `
import { run } from 'llm-plumbline'
type IsAny<T> = 0 extends 1 & T ? true : false
const runIsTyped: IsAny<typeof run> = false
const start: (...args: Parameters<typeof run>) => unknown = run
void [runIsTyped, start]
`

/** @type {string[]} */
const faults = []
const folder = mkdtempSync(join(tmpdir(), 'plumbline-pack-'))
try {
  if (!isBuilt() && !build()) faults.push('the build failed')
  else check()
} finally {
  if (faults.length === 0) rmSync(folder, { recursive: true, force: true })
}
if (faults.length > 0) {
  process.exitCode = 1
  for (const fault of faults) console.error(`pack: ${fault}`)
  console.error(`pack: faults above: ${faults.length}; the packed file and its installation are in ${folder}`)
}

function check() {
  const tarball = pack()
  if (tarball === null) return
  const app = join(folder, 'app')
  mkdirSync(app)
  writeFileSync(join(app, 'package.json'), '{"name":"app","private":true,"type":"module"}\n')
  const quiet = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', '--loglevel=error']
  if (run('npm', ['install', ...quiet, tarball], app) === null) return
  const home = join(app, 'node_modules', 'llm-plumbline')
  const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'))

  for (const command of ['plumbline', 'llm-plumbline']) {
    const said = run('npx', ['--no-install', command, '--version'], app)
    if (said !== null && said.trim() !== version)
      faults.push(`${command} --version says ${JSON.stringify(said)}`)
  }
  const shipped = readdirSync(join(home, 'scenarios')).filter((name) => name.endsWith('.yaml'))
  const paths = shipped.map((name) => join(home, 'scenarios', name))
  run('npx', ['--no-install', 'plumbline', 'validate', ...paths], app)
  run('node', ['--input-type=module', '-e', RUNTIME_SMOKE], app)
  writeFileSync(join(app, 'smoke.ts'), TYPE_SMOKE)
  writeFileSync(join(app, 'tsconfig.json'), JSON.stringify(consumer()))
  run('node', [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', app], app)
  if (faults.length === 0) console.log(`pack: ${version} installs, runs and type-checks as a dependency`)
}

/** The path of the packed file, or null. */
function pack() {
  const said = run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], root)
  if (said === null) return null
  /** @type {[{ filename: string, size: number, files: { path: string, mode: number }[] }]} */
  const [packed] = JSON.parse(said)
  const paths = packed.files.map(({ path }) => path)
  for (const path of paths) {
    if (!ALLOWED.some((pattern) => pattern.test(path))) faults.push(`${path} does not belong in the package`)
  }
  for (const path of REQUIRED) if (!paths.includes(path)) faults.push(`${path} is missing from the package`)
  if (packed.size > MAX_PACKED_BYTES) faults.push(`the packed file has ${packed.size} bytes`)
  const tarball = join(folder, packed.filename)
  return existsSync(tarball) ? tarball : (faults.push('npm pack wrote nothing'), null)
}

/** Runs a command and returns its output; where it fails, that is a fault. @param {string[]} args @param {string} cwd */
function run(/** @type {string} */ command, args, cwd) {
  const isNode = command === 'node'
  const { status, stdout, stderr, error } = spawnSync(isNode ? process.execPath : command, args, {
    cwd,
    encoding: 'utf8',
    env: { ...NAMES, ...process.env, NO_COLOR: '1' },
    shell: !isNode && process.platform === 'win32',
  })
  if (status === 0) return stdout
  const short = [command, ...args].join(' ').slice(0, 120)
  faults.push(`\`${short}\` ended with ${status ?? error?.message}\n${`${stdout}${stderr}`.slice(-2000)}`)
  return null
}

/** A strict consumer; only Node's types are borrowed from us. */
function consumer() {
  return {
    compilerOptions: {
      module: 'NodeNext',
      moduleResolution: 'NodeNext',
      target: 'ES2023',
      strict: true,
      noEmit: true,
      skipLibCheck: false,
      exactOptionalPropertyTypes: true,
      types: ['node'],
      typeRoots: [join(root, 'node_modules', '@types')],
    },
    files: ['smoke.ts'],
  }
}
