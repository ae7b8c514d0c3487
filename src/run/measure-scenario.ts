/** Carries out the plan of a scenario on open targets and writes the snapshot. */
import { traceContextOf, traceparentOf } from '../border/trace-context.js'
import type { Redactor } from '../border/redact.js'
import { calibrate } from '../instrument/calibrate.js'
import { composeReport } from '../instrument/compose-report.js'
import type { InstrumentReport } from '../instrument/report.js'
import type { LoopReading } from '../instrument/watch-loop.js'
import { latest, watchLoop } from '../instrument/watch-loop.js'
import { createBudget } from '../plan/budget.js'
import type { Sample } from '../sample/sample.js'
import type { Scenario } from '../scenario/scenario.js'
import { createRandom } from '../random/random.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { nsToMs } from '../units/time.js'
import type { Exchange } from '../wire/exchange.js'
import { assemble } from './assemble.js'
import { backOffMs } from './back-off.js'
import { checkLengths } from './check-lengths.js'
import { conduct } from './conduct.js'
import type { Crew } from './crew.js'
import type { Stop } from './events.js'
import { createGate } from './gate.js'
import type { LiveTarget } from './live-target.js'
import { liveOf, toSnapshotTarget } from './live-target.js'
import { createMeasure } from './measure.js'
import type { OwnPrompts } from './own-prompts.js'
import { createPreparer } from './prepare.js'
import { createRecord } from './record.js'
import type { Recorder } from './recorder.js'
import { openRecorder } from './recorder.js'
import { createNegotiator } from './negotiate.js'
import { finishResults, openResults } from './results.js'
import type { OpenResults } from './results.js'
import type { RunOptions, RunResult } from './contract.js'
import { startScraper } from './scrape.js'
import { createSeen } from './seen.js'
import { createSender } from './sender.js'
import { sourcesOf } from './sources.js'
import { createStopRules } from './stop-rules.js'
import { warmUpRequests } from './warm-up.js'

export interface MeasureContext extends RunOptions {
  targets: ReadonlyMap<string, LiveTarget>
  /** Null: the main thread sends and stamps by itself. */
  crew: Crew | null
  ownPrompts: OwnPrompts
  redactor: Redactor
}

export async function measureScenario(scenario: Scenario, context: MeasureContext): Promise<RunResult> {
  const lives = [...context.targets.values()]
  const results = await openResults(scenario, lives, context)
  if (results.kind === 'refused') return results
  try {
    return await measureInto(results, scenario, context)
  } finally {
    // Whatever befell: the folder is free for the next run, and what is in the journal is on the disk.
    await results.journal.close()
  }
}

async function measureInto(
  results: OpenResults,
  scenario: Scenario,
  context: MeasureContext,
): Promise<RunResult> {
  const { clock, control, onEvent, targets, crew, ownPrompts, redactor } = context
  const { journal, run, before } = results

  const random = createRandom(run.seed)
  const budget = createBudget(scenario.budget, before.used)
  // Set back by what an earlier part of the run took, so that the samples of both lie on one axis.
  const runStartUtcMs = Date.parse(run.startedAt)
  const partStartNs = clock.nowNs()
  const runStartNs = partStartNs - (clock.utcMs() - runStartUtcMs) * 1e6

  let stopped: Stop | null = null
  const stop = (reason: Stop): void => void (stopped ??= reason)
  const stopping = (): boolean => stopped !== null || control.drain.aborted

  const seen = createSeen((): readonly Sample[] => record.samples(), random.fork('seen'), context.fit)
  const ownRequests = ownPrompts.conversations
  const plan = sourcesOf(scenario, { random, seen: seen.of, fit: seen.fit, ownRequests })
  const preparer = createPreparer({
    seed: run.seed,
    runId: `${run.id}/${before.resumptions}`,
    targets,
    ownMessages: ownPrompts.messages,
  })
  const problem = plan.problem ?? checkLengths(plan.conditions, (target) => liveOf(targets, target).builder)
  if (problem !== null) {
    // What an earlier part of the run measured must stay.
    if (before.resumptions === 0) await journal.discard()
    return { kind: 'refused', exit: 2, message: `${scenario.file ?? scenario.name}: ${problem}` }
  }

  const lives = [...targets.values()]
  const measured = lives.filter(({ target }) => plan.targets.has(target.name))
  const warmUps = measured.flatMap(({ target, tokenizer }) =>
    warmUpRequests(target.name, plan.conditions, scenario.warmupRequests, tokenizer.exact),
  )
  const record = createRecord({
    journal,
    budget,
    before,
    // What an earlier part of the run has finished need not be done again.
    planned:
      plan.planned === null ? null : Math.max(0, plan.planned + warmUps.length - before.samples.length),
    currency: run.currency,
    elapsedMs: () => nsToMs(clock.nowNs() - partStartNs),
    onEvent,
    onDiskProblem: stop,
  })
  const opened = await openRecording(
    { run, part: before.resumptions, runStartNs },
    lives,
    record.note,
    context,
  )
  if (!opened.ok) {
    if (before.resumptions === 0) await journal.discard()
    return { kind: 'refused', exit: 2, message: opened.message }
  }
  const { recorder } = opened
  for (const note of plan.notes) record.note(note)
  const unsync = record.keepSynced()

  onEvent({ kind: 'phase', text: 'calibrating the instrument' })
  const calibration = await calibrate({ streams: plan.mostInFlight, clock, connect: crew?.connect })
  const loop = watchLoop()
  // Of a crew the loop that was latest: it is there that the stamps are taken.
  const reading = async (): Promise<LoopReading> =>
    crew === null ? loop.read() : latest(loop.read(), await crew.loops())
  const instrument = async (): Promise<InstrumentReport> =>
    composeReport(calibration, await reading(), record.samples(), crew?.workers)
  record.append({ kind: 'instrument', instrument: await instrument() })

  const rules = createStopRules(scenario.errorLimit, before.samples)
  const backOff = (exchange: Exchange, attempt: number): number | null =>
    backOffMs(exchange, attempt, clock.utcMs(), scenario.maxRetryAfterS)
  const gate = createGate({
    clock,
    maxRetryAfterS: scenario.maxRetryAfterS,
    stop,
    stopping,
    drain: control.drain,
    note: record.note,
  })
  const negotiator = createNegotiator(targets, record.note)
  const scraper = startScraper(measured, { runStartNs, note: record.note })
  const sender = createSender({
    budget,
    cut: control.cut,
    nextId: record.nextId,
    headersOf: (id) => {
      return context.traceparent === true ? { traceparent: traceparentOf(traceContextOf(run.id, id)) } : {}
    },
    onReserve: record.reserve,
    measure: createMeasure({ runStartNs, runStartUtcMs, redact: redactor.text }),
    onLanded(prepared, exchange) {
      gate.heed(prepared, exchange)
      const lost = crew?.lost() ?? null
      if (lost !== null) stop({ reason: 'worker', message: lost })
    },
    onExchange: (exchange, prepared, sent) => recorder?.exchange(exchange, prepared, sent),
    onSample(sample, reported, exchange) {
      record.add(sample, reported)
      if (negotiator.learn(sample)) return
      const { outcome, attempt } = sample
      const isTriedAgain = attempt < scenario.attempts && backOff(exchange, attempt) !== null
      const reason = rules.judge(sample, outcome === 'http-429' && isTriedAgain)
      if (reason !== null) stop(reason)
    },
  })
  try {
    await conduct(scenario, plan, {
      random,
      targets,
      record,
      seen,
      isDone: before.isDone,
      onEvent,
      visit: {
        clock,
        random: random.fork('arrivals'),
        sender,
        preparer,
        attempts: scenario.attempts,
        backOffMs: backOff,
        pass: gate.pass,
        stop,
        stopping,
        drain: control.drain,
        note: record.note,
      },
    })
    sender.settle()
  } finally {
    unsync()
    loop.stop()
    await scraper.stop()
  }
  for (const note of gate.notes()) record.note(note)
  if (control.drain.aborted)
    stop({ reason: 'interrupted', message: 'interrupted; what was measured is saved' })
  const failing = rules.verdict()
  if (failing !== null) stop(failing)

  const ended: Stop | null = stopped
  onEvent({ kind: 'phase', text: 'fitting curves' })
  const end = {
    endedAt: new Date(runStartUtcMs + nsToMs(clock.nowNs() - runStartNs)).toISOString(),
    partialReason: reasonOf(ended),
    instrument: await instrument(),
    targets: lives.map(toSnapshotTarget),
    used: budget.used(),
    notes: [...before.notes, ...record.notes()],
    serverMetrics: scraper.metrics(),
  }
  recorder?.end(end)
  recorder?.close()
  const snapshot: Omit<Snapshot, 'checksum'> = assemble({
    ...end,
    id: run.id,
    startedAt: run.startedAt,
    scenario: run.scenario,
    provenance: run.provenance,
    samples: record.samples(),
    currency: run.currency,
    keep: scenario.output.keep,
    fit: context.fit,
  })
  return finishResults(snapshot, record.samples(), results, ended)
}

type OpenedRecording = { ok: true; recorder: Recorder | null } | { ok: false; message: string }

/** Null where none is asked for. */
async function openRecording(
  { run, part, runStartNs }: { run: OpenResults['run']; part: number; runStartNs: number },
  lives: readonly LiveTarget[],
  note: (text: string) => void,
  { record, redactor }: MeasureContext,
): Promise<OpenedRecording> {
  if (record === undefined) return { ok: true, recorder: null }
  const { id, startedAt, scenario, provenance, currency } = run
  const header = { run: id, startedAt, scenario, provenance, currency, targets: lives.map(toSnapshotTarget) }
  return openRecorder(record, { header, part, runStartNs, redactor, onProblem: note })
}

function reasonOf(stop: Stop | null): string | null {
  return stop === null ? null : stop.message
}
