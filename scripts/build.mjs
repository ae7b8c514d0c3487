// @ts-check
/** Compiles src and probes into dist, where that was not done already for the same sources. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../', import.meta.url))
const stamp = join(root, 'dist', '.stamp')
// Written by a build for tests, which may have compiled other sources since.
const builtForTests = join(root, 'dist', '.built')
const main = join(root, 'dist', 'src', 'cli', 'main.js')

/** True where dist holds the present sources. */
export function isBuilt() {
  if (!existsSync(main) || !existsSync(stamp)) return false
  if (existsSync(builtForTests) && statSync(builtForTests).mtimeMs > statSync(stamp).mtimeMs) return false
  return readFileSync(stamp, 'utf8') === hashOfSources()
}

/** Compiles into an empty dist; what the compiler says goes to the terminal. Returns false on a type error. */
export function build() {
  const hash = hashOfSources()
  for (const folder of ['src', 'probes', '.stamp']) {
    rmSync(join(root, 'dist', folder), { recursive: true, force: true })
  }
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const { status } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: 'inherit',
  })
  if (existsSync(main)) chmodSync(main, 0o755)
  if (status === 0) writeFileSync(stamp, hash)
  return status === 0
}

/** Of every path and content that the compiler's output depends on. */
function hashOfSources() {
  const hash = createHash('sha256')
  for (const name of ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json']) add(name)
  for (const folder of ['src', 'probes']) {
    const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).sort()
    for (const name of names) if (name.endsWith('.ts')) add(join(folder, name))
  }
  return hash.digest('hex')

  /** @param {string} path */
  function add(path) {
    const content = readFileSync(join(root, path))
    hash.update(`${path}\0${content.length}\0`).update(content)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url) && !build()) process.exitCode = 1
