/** Runs one scenario for a command: progress, interruption, summary, comparison, exit code. */
import { dryRun } from '../run/dry-run.js'
import type { Stop } from '../run/events.js'
import { RECORDING_WARNING } from '../run/recorder.js'
import { run } from '../run/run.js'
import type { Budget, Scenario } from '../scenario/scenario.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { systemClock } from '../units/time.js'
import { isAbsolute, join } from 'node:path'
import { createProgressDisplay } from '../report/progress.js'
import { summaryOf } from '../report/summary.js'
import { canPlot, terminalSummary } from '../report/terminal.js'
import { terminalText } from '../border/escape.js'
import { planText } from '../report/plan.js'
import { aftermath } from './aftermath.js'
import type { Aftermath } from './aftermath.js'
import type { RunFlags } from './flags.js'
import { recordOption } from './flags.js'
import { stopOnSignals } from './interrupt.js'
import type { ExitCode, Io } from './io.js'
import { worst } from './io.js'
import { faultOfFile, writeSamples } from './samples-file.js'

/** What a command says of one run under `--json`. */
export interface Executed {
  exit: ExitCode
  json: object
  /** Ctrl-C came: no further scenario is run. */
  isInterrupted: boolean
}

export async function execute(
  scenario: Scenario,
  flags: RunFlags,
  {
    extraHeaders = {},
    isMore = false,
  }: { extraHeaders?: Readonly<Record<string, string>>; isMore?: boolean },
  io: Io,
): Promise<Executed> {
  const budgeted = { ...scenario, budget: narrowed(scenario.budget, flags) }
  if (flags.dryRun === true) return preview(budgeted, flags, io)
  const outDir = resolveOut(scenario, flags, io)
  const samplesFile = flags.samples ?? scenario.output.samples
  const unwritable = samplesFile === null ? null : await faultOfFile(samplesFile)
  if (unwritable !== null) {
    io.err(`error: ${terminalText(unwritable)}\n`)
    return { ...failed(2, unwritable), isInterrupted: false }
  }
  if (flags.record !== undefined) io.err(`note: ${RECORDING_WARNING}\n`)
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
    workers: flags.workers,
    extraHeaders,
    record: recordOption(flags),
    resume: flags.resume,
    control: signals.control,
    onEvent: (event) => (flags.quiet === true && event.kind !== 'note' ? undefined : display.show(event)),
  }).finally(() => {
    display.end()
    signals.release()
  })
  const isInterrupted = signals.control.drain.aborted
  if (result.kind === 'refused') {
    io.err(`error: ${terminalText(result.message, 4000)}\n`)
    return { ...failed(result.exit, result.message), isInterrupted }
  }
  const { snapshot, samples, path, stop } = result
  if (samplesFile !== null) await writeSamples(samplesFile, isMore, samples, io)
  const after = await aftermath(scenario, snapshot, path, outDir)
  if (after.warning !== null)
    io.err(`warning: the baseline was not used: ${terminalText(after.warning, 2000)}\n`)
  if (flags.json !== true) show(snapshot, path, stop, after, io)
  const exit = worst([exitOfStop(stop), after.exit])
  const { samples: _samples, ...rest } = snapshot
  return {
    exit,
    isInterrupted,
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
  const out = flags.out ?? scenario.output.dir
  return isAbsolute(out) ? out : join(io.cwd, out)
}

async function preview(scenario: Scenario, flags: RunFlags, io: Io): Promise<Executed> {
  const plan = await dryRun(scenario, flags.seed)
  if (plan.kind === 'refused') {
    io.err(`error: ${terminalText(plan.message, 4000)}\n`)
    return { ...failed(2, plan.message), isInterrupted: false }
  }
  if (flags.json !== true) io.out(planText(plan))
  return { exit: 0, json: plan, isInterrupted: false }
}

function failed(exit: ExitCode, error: string): { exit: ExitCode; json: object } {
  return { exit, json: { exit, error } }
}

function exitOfStop(stop: Stop | null): ExitCode {
  if (stop === null) return 0
  return stop.reason === 'interrupted' ? 130 : 3
}

function show(snapshot: Snapshot, path: string, stop: Stop | null, after: Aftermath, io: Io): void {
  io.out(terminalSummary(summaryOf(snapshot), canPlot(io.env)))
  io.out(`  snapshot: ${path}\n`)
  io.out(after.text)
  if (stop !== null) io.err(`stopped: ${terminalText(stop.message, 4000)}\n`)
}
