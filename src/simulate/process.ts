/** Runs the simulator in a child process, so that client and server never share an event loop. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import type { SimulateOptions } from './options.js'

export interface SpawnedSimulator {
  readonly url: string
  readonly pid: number
  /** Ends the child and waits until it is gone. */
  close(): Promise<void>
}

const Ready = z.union([z.object({ url: z.string(), pid: z.int() }), z.object({ error: z.string() })])

/**
 * Resolves when the child listens. Throws an Error with the reason when it can't. The child never outlives its
 * parent, however that ends, and does not keep it alive either.
 */
export async function spawnSimulator(options: SimulateOptions = {}): Promise<SpawnedSimulator> {
  const child = spawn(process.execPath, [ROOMY, entryPath(), JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })
  const failed = exited.then(([code]) => {
    throw new Error(`the simulator ended with ${String(code)} before it was ready`)
  })
  const [line]: unknown[] = await Promise.race([once(lines, 'line'), failed])
  failed.catch(() => {})
  const ready = Ready.parse(JSON.parse(String(line)))
  if ('error' in ready) throw new Error(ready.error)
  child.unref()
  for (const pipe of [child.stdin, child.stdout])
    if ('unref' in pipe && typeof pipe.unref === 'function') pipe.unref()
  return {
    ...ready,
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.ref()
      child.kill('SIGTERM')
      await exited
    },
  }
}

/** Young objects get 64 MB, so that a collection, which holds up every token that is due, comes a fourth as often. */
const ROOMY = '--max-semi-space-size=64'

/** The built entry: beside this file, or in `dist` where this file runs as a source (tests). */
function entryPath(): string {
  const beside = new URL('./child.js', import.meta.url)
  return fileURLToPath(
    existsSync(beside) ? beside : new URL('../../dist/src/simulate/child.js', import.meta.url),
  )
}
