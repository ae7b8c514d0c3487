/** Folders, child processes and results as the tests of this room need them. */
import type { ChildProcess } from 'node:child_process'
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, onTestFinished } from 'vitest'
import type { Result } from '../../src/snapshot/problem.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A folder that goes with the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'plumbline-snapshot-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Compiles child.ts once a file of tests, since Node 20 runs no TypeScript; answers where its JavaScript will be. */
export function compiledChild(): string {
  const folder = mkdtempSync(join(tmpdir(), 'plumbline-child-'))
  beforeAll(() => {
    const compilerOptions = {
      outDir: join(folder, 'out'),
      rootDir: root,
      noCheck: true,
      declaration: false,
      typeRoots: [join(root, 'node_modules/@types')],
    }
    const project = {
      extends: join(root, 'tsconfig.build.json'),
      compilerOptions,
      include: [],
      files: [fileURLToPath(new URL('./child.ts', import.meta.url))],
    }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(project))
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder])
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'out/test/snapshot/child.js')
}

export interface Child {
  process: ChildProcess
  /** What it printed so far. */
  lines(): string[]
  /** Resolves once it has printed a line that starts with `text`. */
  said(text: string): Promise<void>
  /** Resolves when it has ended and all it printed is read. */
  ended: Promise<void>
}

export function start(command: string, args: readonly string[]): Child {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  let text = ''
  const waiting = new Set<() => void>()
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    for (const check of waiting) check()
  })
  // The last line may be torn by the kill; only whole ones were said.
  const lines = (): string[] => text.split('\n').slice(0, -1)
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const said = async (beginning: string): Promise<void> => {
    const found = (): boolean => lines().some((line) => line.startsWith(beginning))
    let check = (): void => undefined
    await Promise.race([
      ended,
      new Promise<void>((resolve) => {
        check = (): void => void (found() && resolve())
        waiting.add(check)
        check()
      }),
    ])
    waiting.delete(check)
    if (!found()) throw new Error(`ended without "${beginning}": ${text}`)
  }
  return { process: child, lines, said, ended }
}

export function valueOf<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(result.problem.message)
  return result.value
}

export function kindOf(result: Result<unknown>): string {
  return result.ok ? 'ok' : result.problem.kind
}
