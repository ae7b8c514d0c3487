/** Runs the paced server in a child process: in one event loop with the client the timing error would mean nothing. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { PacedOptions } from './paced-server.js'

export interface PacedProcess {
  origin: string
  pid: number
  /** Ends the child and waits until it is gone. */
  close(): Promise<void>
}

export interface SpawnOptions {
  /** The program to run. */
  entry: string
  /** How long the child may take until it listens. */
  limitMs: number
}

/**
 * Resolves when the child listens, or with the reason why it does not; never rejects. The child never outlives its
 * parent, however that ends.
 */
export async function spawnPaced(
  options: PacedOptions,
  { entry, limitMs }: SpawnOptions,
): Promise<PacedProcess | { problem: string }> {
  const { streams, eventsPerStream, gapNs } = options
  const numbers = [streams, eventsPerStream, gapNs].map(String)
  const child = spawn(process.execPath, [entry, ...numbers], { stdio: ['pipe', 'pipe', 'ignore'] })
  const gone = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(`it ended with ${code ?? signal ?? 'no status'}`))
    child.once('error', (error) => resolve(error.message))
  })
  child.stdin.on('error', () => undefined)
  const lines = createInterface({ input: child.stdout })
  const ready = new Promise<string>((resolve) => lines.once('line', resolve))
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`it was not ready after ${limitMs} ms`), limitMs)
  })
  const close = async (): Promise<void> => {
    lines.close()
    child.kill('SIGKILL') // nothing of it is worth saving
    await gone
  }
  const first = await Promise.race([ready, gone, late])
  clearTimeout(timer)
  const port = portOf(first)
  if (port === null || child.pid === undefined) {
    await close()
    return { problem: first }
  }
  return { origin: `http://127.0.0.1:${port}`, pid: child.pid, close }
}

function portOf(line: string): number | null {
  return /^\d+$/.test(line) ? Number(line) : null
}

/** The built entry: beside this file, or in `dist` where this file runs as a source (tests). */
export function pacedEntry(): string {
  const beside = new URL('./paced-child.js', import.meta.url)
  return fileURLToPath(
    existsSync(beside) ? beside : new URL('../../dist/src/instrument/paced-child.js', import.meta.url),
  )
}
