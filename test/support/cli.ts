/** The built command line as a process, in a folder of its own. */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { readSnapshot } from '../../src/snapshot/format.js'
import type { Snapshot } from '../../src/snapshot/snapshot.js'
import { ensureBuilt } from './build.js'

export interface CliOptions {
  /** Beside PATH; nothing else of our own environment reaches the process (no proxy, no CI, no key). */
  env?: Readonly<Record<string, string>> | undefined
  cwd?: string | undefined
  /** What stands on stdin; it is closed behind it. */
  input?: string | undefined
}

export interface CliResult {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

export interface RunningCli {
  process: ChildProcess
  /** What it wrote so far. */
  stdout(): string
  stderr(): string
  ended: Promise<CliResult>
  /** Waits for something to come true while it runs; throws when it ends first. */
  until(isTrue: () => boolean | Promise<boolean>): Promise<void>
}

export async function cliPath(): Promise<string> {
  return join(await ensureBuilt(), 'src', 'cli', 'main.js')
}

/** Killed at the end of the test, should it still run. */
export async function startCli(args: readonly string[], options: CliOptions = {}): Promise<RunningCli> {
  const child = spawn(process.execPath, [await cliPath(), ...args], {
    cwd: options.cwd,
    env: { PATH: process.env['PATH'], ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  child.stdin.on('error', () => undefined)
  child.stdin.end(options.input ?? '')
  const ended = new Promise<CliResult>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
  const until = async (isTrue: () => boolean | Promise<boolean>): Promise<void> => {
    while (!(await isTrue())) {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`it ended with ${child.exitCode ?? child.signalCode} before: ${stderr}`)
      await sleep(2)
    }
  }
  return { process: child, stdout: () => stdout, stderr: () => stderr, ended, until }
}

export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return (await startCli(args, options)).ended
}

/** `plumbline simulate` on a free port; stopped at the end of the test. Its URL ends in /v1. */
export async function startSimulate(args: readonly string[], env: CliOptions['env'] = {}): Promise<string> {
  const all = ['simulate', '--port', '0', '--json', ...args]
  const { process: child, stderr, ended } = await startCli(all, { env })
  if (child.stdout === null) throw new Error('no stdout')
  const lines = createInterface({ input: child.stdout })
  const first = await Promise.race([
    new Promise<string>((resolve) => lines.once('line', resolve)),
    ended.then(() => {
      throw new Error(`simulate ended: ${stderr()}`)
    }),
  ])
  const ready: unknown = JSON.parse(first)
  if (typeof ready !== 'object' || ready === null || !('url' in ready)) throw new Error(`no URL in ${first}`)
  return String(ready.url)
}

export interface Workspace {
  path: string
  /** Writes a file into the folder; answers with its path. */
  write(name: string, text: string): string
  read(name: string): string
  /** All snapshots of a scenario, oldest first, read and checked as any command reads them. */
  snapshots(scenario: string): Promise<Snapshot[]>
  /** The only one. */
  snapshot(scenario: string): Promise<Snapshot>
  journals(scenario: string): string[]
}

/** A folder that goes with the test; results lie in its `results`, where the command puts them by itself. */
export function workspace(): Workspace {
  const path = mkdtempSync(join(tmpdir(), 'plumbline-e2e-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  const resultsOf = (scenario: string): string[] => {
    const folder = join(path, 'results', scenario)
    if (!existsSync(folder)) return []
    return readdirSync(folder)
      .sort()
      .map((name) => join(folder, name))
  }
  const self: Workspace = {
    path,
    write(name, text) {
      writeFileSync(join(path, name), text)
      return join(path, name)
    },
    read: (name) => readFileSync(join(path, name), 'utf8'),
    async snapshots(scenario) {
      const files = resultsOf(scenario).filter((file) => /\/\d{8}T[^/]*\.json$/.test(file))
      return Promise.all(
        files.map(async (file) => {
          const snapshot = await readSnapshot(file)
          if (!snapshot.ok) throw new Error(snapshot.problem.message)
          return snapshot.value
        }),
      )
    },
    async snapshot(scenario) {
      const all = await self.snapshots(scenario)
      if (all.length !== 1 || all[0] === undefined)
        throw new Error(`${all.length} snapshots of ${scenario} in ${path}`)
      return all[0]
    },
    journals: (scenario) => resultsOf(scenario).filter((file) => file.endsWith('.journal')),
  }
  return self
}
