/** A run: targets opened, instrument calibrated, plan carried out, snapshot written. */
import { createRedactor } from '../border/redact.js'
import type { Scenario, Target } from '../scenario/scenario.js'
import type { RunOptions, RunResult } from './contract.js'
import { measureScenario } from './measure-scenario.js'
import { faultOfBudget } from './check-budget.js'
import type { LiveTarget } from './live-target.js'
import { openTarget } from './live-target.js'
import { noPrompts, readOwnPrompts } from './own-prompts.js'
import type { Simulators } from './simulators.js'
import { startSimulators } from './simulators.js'
import type { Crew } from './crew.js'
import { startCrew } from './crew.js'
import { withTrace } from './trace-file.js'
import { workersOf } from './workers.js'

export async function run(asked: Scenario, options: RunOptions): Promise<RunResult> {
  const fault = faultOfBudget(asked)
  if (fault !== null) return { kind: 'refused', exit: 2, message: fault }
  const traced = await withTrace(asked)
  if (!traced.ok) return { kind: 'refused', exit: 2, message: traced.message }
  const { scenario } = traced
  const started = await startSimulators(scenario.targets)
  if (!started.ok) return { kind: 'refused', exit: 3, message: started.message }
  const targets = new Map<string, LiveTarget>()
  const workers = workersOf(scenario, options.workers)
  let crew: Crew | null = null
  try {
    if (workers > 0) {
      const hired = await startCrew({ workers, clock: options.clock, entry: options.workerEntry })
      if ('problem' in hired) return { kind: 'refused', exit: 3, message: hired.problem }
      crew = hired
    }
    const redactor = createRedactor([])
    for (const target of scenario.targets) {
      const opened = await open(target, started.simulators, crew, redactor.add, options)
      if (!opened.ok) return { kind: 'refused', exit: 2, message: opened.message }
      targets.set(target.name, opened.live)
      opened.secrets.forEach(redactor.add)
    }
    const own = await ownPromptsOf(scenario, targets)
    if (!own.ok) return { kind: 'refused', exit: 2, message: own.message }
    return await measureScenario(scenario, {
      ...options,
      targets,
      crew,
      ownPrompts: own.prompts,
      redactor,
    })
  } finally {
    await Promise.all([...targets.values()].map((live) => live.transport.close()))
    await crew?.close()
    await started.simulators.close()
  }
}

function open(
  target: Target,
  simulators: Simulators,
  crew: Crew | null,
  onSecret: (secret: string) => void,
  options: RunOptions,
) {
  const baseUrl = simulators.urlOf(target.name) ?? target.baseUrl
  if (baseUrl === null) throw new Error(`target ${target.name} has neither a base URL nor a simulator`)
  return openTarget(target, baseUrl, {
    clock: options.clock,
    env: options.env,
    extraHeaders: options.extraHeaders ?? {},
    onSecret,
    maxConnections: MAX_CONNECTIONS,
    connect: options.connect ?? crew?.connect,
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
