/** A run: targets opened, instrument calibrated, plan carried out, snapshot written. */
import { createRedactor } from '../border/redact.js'
import type { Environment } from '../credentials/api-key.js'
import type { Sample } from '../sample/sample.js'
import type { Scenario, Target } from '../scenario/scenario.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import type { Clock } from '../units/time.js'
import type { RunEvent, Stop, StopControl } from './events.js'
import { measureScenario } from './measure-scenario.js'
import { faultOfBudget } from './check-budget.js'
import type { LiveTarget } from './live-target.js'
import { openTarget } from './live-target.js'
import { noPrompts, readOwnPrompts } from './own-prompts.js'
import type { Simulators } from './simulators.js'
import { startSimulators } from './simulators.js'

export interface RunOptions {
  /** Folder of results; the snapshot goes to `<outDir>/<scenario>/<id>.json`. */
  outDir: string
  clock: Clock
  env: Environment
  /** Overrides the scenario's seed. */
  seed?: number | undefined
  /** Secret headers given on the command line; they go with every request and into no file. */
  extraHeaders?: Readonly<Record<string, string>> | undefined
  /** Take up the journal of a run that was broken off. */
  resume?: boolean | undefined
  control: StopControl
  onEvent(event: RunEvent): void
}

/** Nothing was measured: the command or a file is wrong (2), or the run could not begin (3). */
export interface Refused {
  kind: 'refused'
  exit: 2 | 3
  message: string
}

export type RunResult =
  | {
      kind: 'finished'
      snapshot: Snapshot
      /** All of them, also where the snapshot keeps a summary only. */
      samples: readonly Sample[]
      /** Where the snapshot lies. */
      path: string
      /** Why the run ended before its plan did, or null. */
      stop: Stop | null
    }
  | Refused

export async function run(scenario: Scenario, options: RunOptions): Promise<RunResult> {
  const fault = faultOfBudget(scenario)
  if (fault !== null) return { kind: 'refused', exit: 2, message: fault }
  const started = await startSimulators(scenario.targets)
  if (!started.ok) return { kind: 'refused', exit: 3, message: started.message }
  const targets = new Map<string, LiveTarget>()
  try {
    const secrets: string[] = []
    for (const target of scenario.targets) {
      const opened = await open(target, started.simulators, options)
      if (!opened.ok) return { kind: 'refused', exit: 2, message: opened.message }
      targets.set(target.name, opened.live)
      secrets.push(...opened.secrets)
    }
    const own = await ownPromptsOf(scenario, targets)
    if (!own.ok) return { kind: 'refused', exit: 2, message: own.message }
    return await measureScenario(scenario, {
      ...options,
      targets,
      ownPrompts: own.prompts,
      redactor: createRedactor(secrets),
    })
  } finally {
    await Promise.all([...targets.values()].map((live) => live.transport.close()))
    await started.simulators.close()
  }
}

function open(target: Target, simulators: Simulators, options: RunOptions) {
  const baseUrl = simulators.urlOf(target.name) ?? target.baseUrl
  if (baseUrl === null) throw new Error(`target ${target.name} has neither a base URL nor a simulator`)
  return openTarget(target, baseUrl, {
    clock: options.clock,
    env: options.env,
    extraHeaders: options.extraHeaders ?? {},
    maxConnections: MAX_CONNECTIONS,
  })
}

// Cells bound what is in flight; this only keeps a mistake from eating every descriptor.
const MAX_CONNECTIONS = 4096

async function ownPromptsOf(scenario: Scenario, targets: ReadonlyMap<string, LiveTarget>) {
  const { prompts } = scenario
  if (prompts === null) return { ok: true as const, prompts: noPrompts }
  const tokenizer = targets.get(prompts.targets[0] ?? '')?.tokenizer
  return readOwnPrompts(prompts, (text) => tokenizer?.count(text) ?? 0)
}
