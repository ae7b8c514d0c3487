/** A run inside the test's own process, in a folder that goes with the test. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { RunOptions, RunResult } from '../../src/run/contract.js'
import type { RunEvent } from '../../src/run/events.js'
import { loadScenario } from '../../src/run/load-scenario.js'
import { run } from '../../src/run/run.js'
import { systemClock } from '../../src/units/time.js'

export interface RunHere {
  folder: string
  result: RunResult
  events: RunEvent[]
}

export type Finished = Extract<RunResult, { kind: 'finished' }>

export async function runHere(yaml: string, options: Partial<RunOptions> = {}): Promise<RunHere> {
  const folder = mkdtempSync(join(tmpdir(), 'plumbline-run-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 's.yaml')
  writeFileSync(file, yaml)
  const env = options.env ?? {}
  const loaded = await loadScenario(file, { env, allowCode: false })
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'))
  const events: RunEvent[] = []
  const never = new AbortController().signal
  const result = await run(loaded.scenario, {
    outDir: join(folder, 'results'),
    clock: systemClock,
    env,
    seed: 1,
    control: { drain: never, cut: never },
    onEvent: (event) => events.push(event),
    ...options,
    ...(options.record && { record: { ...options.record, dir: join(folder, options.record.dir) } }),
  })
  return { folder, result, events }
}

export function finished({ result }: RunHere): Finished {
  if (result.kind === 'refused') throw new Error(result.message)
  return result
}
