/** Builds `dist` once for tests that start the real program or a child process of it. */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const DIST = join(ROOT, 'dist')
const STAMP = join(DIST, '.built')
const MAIN = join(DIST, 'src', 'cli', 'main.js')
const LOCK = join(ROOT, 'node_modules', '.plumbline-build')
const SOURCES = ['src', 'probes', 'tsconfig.json', 'tsconfig.build.json', 'package.json']

/** Compiles when a source is newer than the last build. Returns the path of `dist`. */
export async function ensureBuilt(): Promise<string> {
  for (;;) {
    if (!isStale() && !existsSync(LOCK)) return DIST
    if (takeLock()) break
    await sleep(100)
  }
  try {
    if (isStale()) await compile()
  } finally {
    rmSync(LOCK, { recursive: true, force: true })
  }
  return DIST
}

function isStale(): boolean {
  // `npm run build` empties dist and leaves the stamp of the tests.
  const builtMs = existsSync(STAMP) && existsSync(MAIN) ? statSync(STAMP).mtimeMs : 0
  return SOURCES.some((source) => newestMs(join(ROOT, source)) > builtMs)
}

function newestMs(path: string): number {
  if (!existsSync(path)) return 0
  const { mtimeMs } = statSync(path)
  if (!statSync(path).isDirectory()) return mtimeMs
  return readdirSync(path).reduce((newest, name) => Math.max(newest, newestMs(join(path, name))), mtimeMs)
}

/** A folder is made by one process only. A lock older than two minutes belongs to a build that died. */
function takeLock(): boolean {
  try {
    mkdirSync(LOCK)
    return true
  } catch {
    if (existsSync(LOCK) && Date.now() - statSync(LOCK).mtimeMs > 120_000)
      rmSync(LOCK, { recursive: true, force: true })
    return false
  }
}

/** Type errors do not stop a build for tests (the compiler emits all the same): `npm run check` is there for them. */
async function compile(): Promise<void> {
  const startedMs = Date.now()
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
  await promisify(execFile)(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: ROOT }).catch(
    () => {},
  )
  if (!existsSync(join(DIST, 'src')))
    throw new Error('the build wrote nothing: run `npx tsc -p tsconfig.build.json`')
  writeFileSync(STAMP, '')
  // A source that was edited meanwhile is newer than this and built again by the next test.
  utimesSync(STAMP, startedMs / 1000, startedMs / 1000)
}
