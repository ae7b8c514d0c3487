/**
 * Loaded before every test file: each process that a test starts carries a canary beside the keys that it was given, and
 * none of them may stand in what it writes to a pipe or leaves in its folder, in any form.
 */
import childProcess from 'node:child_process'
import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach } from 'vitest'
import { createSearch, formsOf } from './secret-forms.js'

export const CANARY_NAME = 'PLUMBLINE_CANARY_API_KEY'
/** Every character that some encoding changes, and nothing that looks like a key. */
export const CANARY = 'c4nary"in\\the+coal/mine=sings&<low>%~71828182845'

export interface Leak {
  /** What was started. */
  command: string
  /** `stdout`, `stderr`, or a path. */
  where: string
  /** The name of the variable whose value it is. */
  name: string
}

const leaks: Leak[] = []

/** What was found since it was last asked; the next test begins with nothing. */
export const takeLeaks = (): Leak[] => leaks.splice(0)

/** Throws with what leaked. */
function expectNone(): void {
  const found = takeLeaks()
  if (found.length > 0) throw new Error(`secrets in output:\n${found.map(tell).join('\n')}`)
}

const tell = ({ command, where, name }: Leak): string => `  ${name} in ${where} of: ${command}`

afterEach(expectNone)
afterAll(expectNone)

/** By the names of variables: what a test gives a process to keep. */
const IS_SECRET = /(?:_|^)(?:KEY|TOKEN|SECRET|PASSWORD)$/
const LEAST_LENGTH = 12

interface Secret {
  name: string
  forms: readonly string[]
}

function secretsOf(pairs: readonly string[]): Secret[] {
  return pairs.flatMap((pair): Secret[] => {
    const end = pair.indexOf('=')
    const [name, value] = [pair.slice(0, end), pair.slice(end + 1)]
    return IS_SECRET.test(name) && value.length >= LEAST_LENGTH ? [{ name, forms: formsOf(value) }] : []
  })
}

/** A search that knows whose form it has found. */
function searchFor(secrets: readonly Secret[]): (piece: string | Uint8Array) => string[] {
  const search = createSearch(secrets.flatMap(({ forms }) => forms))
  return (piece) => {
    const found = search(piece)
    if (found.length === 0) return []
    return secrets.filter(({ forms }) => forms.some((form) => found.includes(form))).map(({ name }) => name)
  }
}

function note(command: string, where: string, names: readonly string[]): void {
  for (const name of names)
    if (!leaks.some((leak) => leak.command === command && leak.where === where && leak.name === name))
      leaks.push({ command, where, name })
}

/** Listens without taking anything away: a listener of `data` would start the stream before the test reads it. */
function overhear(stream: Readable | null | undefined, hear: (piece: string | Uint8Array) => void): void {
  if (!stream) return
  const push = stream.push.bind(stream)
  stream.push = (piece: unknown, encoding?: BufferEncoding): boolean => {
    if (typeof piece === 'string' || piece instanceof Uint8Array) hear(piece)
    return push(piece, encoding)
  }
}

const WINDOW = 1 << 20
/** A file longer than this is one that a test made to be long. */
const MOST_BYTES = 64 << 20

/** Files of a folder of a test's own: below the temporary folder, never the repository. */
function searchFolder(folder: string, secrets: readonly Secret[], command: string): void {
  if (!folder.startsWith(join(tmpdir(), 'plumbline-'))) return
  for (const path of filesUnder(folder)) {
    const names = namesIn(path, secrets)
    if (names.length > 0) note(command, path, names)
  }
}

/** A clone's packages and history. */
const NOT_OURS = /(?:^|\/)(?:node_modules|\.git)\//

function filesUnder(folder: string): string[] {
  try {
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    return names.filter((name) => !NOT_OURS.test(name)).map((name) => join(folder, name))
  } catch {
    return [] // gone with its test
  }
}

function namesIn(path: string, secrets: readonly Secret[]): string[] {
  try {
    const stats = statSync(path)
    if (!stats.isFile() || stats.size > MOST_BYTES) return []
    const file = openSync(path, 'r')
    try {
      const search = searchFor(secrets)
      const window = Buffer.alloc(Math.min(WINDOW, stats.size))
      const found = new Set<string>()
      for (let read = readSync(file, window); read > 0; read = readSync(file, window))
        for (const name of search(window.subarray(0, read))) found.add(name)
      return [...found]
    } finally {
      closeSync(file)
    }
  } catch {
    return [] // gone in between, or not for us to read
  }
}

interface Spawned {
  stdout?: Readable | null
  stderr?: Readable | null
  once(event: 'exit', listener: () => void): void
}

type Call = (this: unknown, ...args: unknown[]) => unknown

/** As `ChildProcess.spawn` is called by all that start a process and do not wait for it. */
const isOptions = (value: unknown): value is { envPairs: string[]; args?: string[]; cwd?: string | URL } =>
  typeof value === 'object' && value !== null && 'envPairs' in value && Array.isArray(value.envPairs)

const isSpawned = (value: unknown): value is Spawned =>
  typeof value === 'object' && value !== null && 'once' in value && typeof value.once === 'function'

const asPath = (cwd: unknown): string =>
  cwd instanceof URL ? fileURLToPath(cwd) : typeof cwd === 'string' ? cwd : ''

/** Calls the one that Node has, whatever stands in its place since an earlier file of this process. */
function replace(of: object, name: string, make: (call: Call) => Call): void {
  const key = Symbol.for(`plumbline.canary.${name}`)
  const call: unknown = Reflect.get(of, key) ?? Reflect.get(of, name)
  if (typeof call !== 'function') throw new Error(`this Node has no ${name} to listen at`)
  Reflect.set(of, key, call)
  Reflect.set(
    of,
    name,
    make(function (...args) {
      return Reflect.apply(call, this, args)
    }),
  )
}

replace(childProcess.ChildProcess.prototype, 'spawn', (call) => {
  return function (options) {
    if (!isOptions(options)) throw new Error('this Node starts processes in another way')
    options.envPairs.push(`${CANARY_NAME}=${CANARY}`)
    const secrets = secretsOf(options.envPairs)
    const command = (options.args ?? []).join(' ')
    const status = call.call(this, options)
    if (!isSpawned(this)) return status
    for (const where of ['stdout', 'stderr'] as const) {
      const search = searchFor(secrets)
      overhear(this[where], (piece) => note(command, where, search(piece)))
    }
    this.once('exit', () => searchFolder(asPath(options.cwd), secrets, command))
    return status
  }
})

// What is waited for: `spawnSync` and `execFileSync`.
for (const name of ['spawnSync', 'execFileSync'])
  replace(childProcess, name, (call) => {
    return function (file, ...rest) {
      const args = Array.isArray(rest[0]) ? rest[0].map(String) : []
      const given: unknown = rest.at(-1)
      const options = typeof given === 'object' && given !== null && !Array.isArray(given) ? given : {}
      const asked: unknown = Reflect.get(options, 'env')
      const env = {
        ...(typeof asked === 'object' && asked !== null ? asked : process.env),
        [CANARY_NAME]: CANARY,
      }
      const secrets = secretsOf(Object.entries(env).map(([key, value]) => `${key}=${value}`))
      const command = [String(file), ...args].join(' ')
      const answer = call.call(this, file, args, { ...options, env })
      for (const where of ['stdout', 'stderr']) {
        const output: unknown =
          typeof answer === 'object' && answer !== null && where in answer
            ? Reflect.get(answer, where)
            : answer
        if (typeof output === 'string' || output instanceof Uint8Array)
          note(command, where, searchFor(secrets)(output))
      }
      searchFolder(asPath(Reflect.get(options, 'cwd')), secrets, command)
      return answer
    }
  })
syncBuiltinESMExports()
