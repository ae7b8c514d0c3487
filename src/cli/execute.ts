/** Runs one scenario for a command: progress, interruption, summary, comparison, exit code. */
import type { Budget, Sample, Scenario, Snapshot, Stop } from '../index.js'
import { dryRun, run, systemClock } from '../index.js'
import { writeFile } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { createProgressDisplay } from '../report/progress.js'
import { summaryOf } from '../report/summary.js'
import { terminalSummary } from '../report/terminal.js'
import { terminalText } from '../border/escape.js'
import { planText } from '../report/plan.js'
import { aftermath } from './aftermath.js'
import type { Aftermath } from './aftermath.js'
import type { RunFlags } from './flags.js'
import { stopOnSignals } from './interrupt.js'
import type { ExitCode, Io } from './io.js'
import { worst } from './io.js'

/** What a command says of one run under `--json`. */
export interface Executed {
  exit: ExitCode
  json: object
}

export async function execute(
  scenario: Scenario,
  flags: RunFlags,
  extraHeaders: Readonly<Record<string, string>>,
  io: Io,
): Promise<Executed> {
  const budgeted = { ...scenario, budget: narrowed(scenario.budget, flags) }
  if (flags.dryRun === true) return preview(budgeted, flags, io)
  const outDir = resolveOut(scenario, flags, io)
  const display = createProgressDisplay({ write: io.err, isLive: io.isLive, nowMs: () => performance.now() })
  const signals = stopOnSignals(() => {
    display.end()
    io.err('interrupted: waiting for what is in flight; again to stop at once\n')
  })
  const result = await run(budgeted, {
    outDir,
    clock: systemClock,
    env: io.env,
    seed: flags.seed,
    extraHeaders,
    resume: flags.resume,
    control: signals.control,
    onEvent: (event) => (flags.quiet === true && event.kind !== 'note' ? undefined : display.show(event)),
  }).finally(() => {
    display.end()
    signals.release()
  })
  if (result.kind === 'refused') {
    io.err(`error: ${terminalText(result.message, 4000)}\n`)
    return { exit: result.exit, json: { exit: result.exit, error: result.message } }
  }
  const { snapshot, samples, path, stop } = result
  const samplesFile = flags.samples ?? scenario.output.samples
  if (samplesFile !== null) await writeSamples(samplesFile, samples, io)
  const after = await aftermath(scenario, snapshot, path, outDir)
  if (flags.json !== true) show(snapshot, path, stop, after, io)
  const exit = worst([exitOfStop(stop), after.exit])
  const { samples: _samples, ...rest } = snapshot
  return {
    exit,
    json: {
      exit,
      path,
      stop,
      expectations: after.expectations,
      comparison: after.comparison,
      snapshot: rest,
    },
  }
}

function narrowed(budget: Budget, flags: RunFlags): Budget {
  return {
    requests: flags.budgetRequests ?? budget.requests,
    tokens: flags.budgetTokens ?? budget.tokens,
    cost: flags.budgetCost ?? budget.cost,
  }
}

function resolveOut(scenario: Scenario, flags: RunFlags, io: Io): string {
  const out = flags.out === '' ? scenario.output.dir : flags.out
  return isAbsolute(out) ? out : join(io.cwd, out)
}

async function preview(scenario: Scenario, flags: RunFlags, io: Io): Promise<Executed> {
  const plan = await dryRun(scenario, flags.seed)
  if (plan.kind === 'refused') {
    io.err(`error: ${terminalText(plan.message, 4000)}\n`)
    return { exit: 2, json: { exit: 2, error: plan.message } }
  }
  if (flags.json !== true) io.out(planText(plan))
  return { exit: 0, json: plan }
}

function exitOfStop(stop: Stop | null): ExitCode {
  if (stop === null) return 0
  return stop.reason === 'interrupted' ? 130 : 3
}

function show(snapshot: Snapshot, path: string, stop: Stop | null, after: Aftermath, io: Io): void {
  io.out(terminalSummary(summaryOf(snapshot)))
  io.out(`  snapshot: ${path}\n`)
  io.out(after.text)
  if (stop !== null) io.err(`stopped: ${terminalText(stop.message, 4000)}\n`)
}

async function writeSamples(file: string, samples: readonly Sample[], io: Io): Promise<void> {
  const lines = samples.map((sample) => `${JSON.stringify(sample)}\n`).join('')
  try {
    await writeFile(file, lines, { mode: 0o600 })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unwritable'
    io.err(`warning: the samples could not be written to ${file} (${code})\n`)
  }
}
