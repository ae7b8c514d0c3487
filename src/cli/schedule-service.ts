/** Puts the scheduler together: runs, judgement, alerts, metrics, and what must outlive a restart. */
import { readFile } from 'node:fs/promises'
import { randomUUID } from 'node:crypto'
import { isAbsolute, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createRandom } from '../random/random.js'
import type { RunResult } from '../run/contract.js'
import type { StopControl } from '../run/events.js'
import { run } from '../run/run.js'
import type { Scenario } from '../scenario/scenario.js'
import { nextAlertState } from '../schedule/alert.js'
import type { Job, Outcome, ScheduleEvent } from '../schedule/job.js'
import { judgeRun } from '../schedule/judge.js'
import type { Caps } from '../schedule/ledger.js'
import { runScheduler } from '../schedule/scheduler.js'
import type { Reloaded } from '../schedule/scheduler.js'
import { openState } from '../schedule/state.js'
import { createTell } from '../schedule/tell.js'
import { createForwarder } from '../serve/forward.js'
import { startHealth } from '../serve/health.js'
import { metricsPage } from '../serve/metrics-page.js'
import { countRun, createCounts, jobOf as countsOf } from '../serve/metrics.js'
import { otlpMetrics } from '../serve/otlp-metrics.js'
import { probeSpans } from '../serve/probe-spans.js'
import { harnessVersion } from '../snapshot/provenance.js'
import { otlpRequest } from '../span/otlp-envelope.js'
import { systemClock } from '../units/time.js'
import type { Io } from './io.js'
import { terminalText } from '../border/escape.js'
import type { ScheduleFlags } from './schedule.js'
import { loadJobs, outDirOf } from './schedule-jobs.js'
import type { ScheduleFiles } from './schedule-jobs.js'

export interface ScheduleService {
  source: ScheduleFiles
  loaded: { jobs: readonly Job[]; scenarios: ReadonlyMap<string, Scenario> }
  flags: ScheduleFlags
  caps: Caps
  control: StopControl
  onEvent(event: ScheduleEvent): void
  io: Io
}

const HOUR_MS = 3_600_000
/** The loop turns every half minute. */
const ALIVE_MS = 120_000

/** Resolves once it was stopped: null, or why it could not begin. */
export async function serveSchedule(service: ScheduleService): Promise<string | null> {
  const { source, flags, caps, control, io } = service
  const [first] = service.loaded.jobs
  if (first === undefined) return 'no scenario was given'
  const out = flags.out ?? 'results'
  const outDir = isAbsolute(out) ? out : join(io.cwd, out)
  const opened = await openState(outDir, first.name, { caps, newSeed: randomUUID })
  if (!opened.ok) return opened.message
  const { memory, ledger, lock, unsettled } = opened.state
  if (unsettled > 0) {
    io.err(
      `note: ${unsettled} run(s) were killed before they were settled: their worst case counts as spent\n`,
    )
  }
  let { scenarios } = service.loaded
  let texts = await textsOf(source.files)
  let lastTurnMs = performance.now()
  const counts = createCounts(Date.now())
  const tell = createTell({
    command: flags.alertCommand,
    webhook: flags.alertWebhookEnv === undefined ? undefined : io.env[flags.alertWebhookEnv],
    env: io.env,
  })
  const forwarder = flags.otlp === undefined ? null : createForwarder({ url: flags.otlp })

  const health =
    flags.port === undefined
      ? null
      : await startHealth({
          host: flags.host,
          port: flags.port,
          token: flags.tokenEnv === undefined ? undefined : io.env[flags.tokenEnv],
          isAlive: () => performance.now() - lastTurnMs < ALIVE_MS,
          metrics: () => metricsPage(counts, { spent: ledger.spent(Date.now()), caps }),
        })
  if (health?.ok === false) {
    opened.state.close()
    return health.message
  }
  if (health !== null) io.err(`serving ${health.server.url}/healthz and /metrics\n`)

  function onEvent(event: ScheduleEvent): void {
    if (event.kind === 'missed') {
      const { missed } = countsOf(counts, event.job)
      missed.set(event.reason, (missed.get(event.reason) ?? 0) + event.count)
    }
    service.onEvent(event)
  }

  async function reload(): Promise<Reloaded> {
    const read = await textsOf(source.files)
    if (isSame(read, texts)) return null
    // An editor empties a file before it writes it: what is still changing waits for the next look.
    await sleep(SETTLED_MS)
    if (!isSame(await textsOf(source.files), read)) return null
    texts = read
    const loaded = await loadJobs(source, io)
    if (loaded.ok) ({ scenarios } = loaded)
    return loaded
  }

  async function runJob(job: Job): Promise<Outcome> {
    const scenario = scenarios.get(job.name)
    if (scenario === undefined) throw new Error(`no such scenario: ${job.name}`)
    const dir = outDirOf(scenario, flags.out, io)
    const result = await run(scenario, {
      outDir: dir,
      clock: systemClock,
      env: io.env,
      traceparent: flags.traceparent,
      control,
      onEvent: (event) => {
        if (event.kind === 'note') io.err(`${job.name}: ${terminalText(event.text, 2000)}\n`)
      },
    })
    const outcome = await judgeRun(scenario, result, dir)
    const { snapshot, samples } = result.kind === 'finished' ? result : { snapshot: null, samples: [] }
    countRun(counts, { scenario: job.name, outcome, endedMs: Date.now(), snapshot, samples })
    await Promise.all([alert(scenario, outcome), exportRun(result)])
    return outcome
  }

  async function alert(scenario: Scenario, outcome: Outcome): Promise<void> {
    const nowMs = Date.now()
    const { name } = scenario
    const repeatMs = flags.alertEvery * HOUR_MS
    const next = nextAlertState(memory.alert(name), outcome.health, { nowMs, repeatMs })
    let state = next.state
    if (next.alert !== null && state !== null && hasEar(flags)) {
      const fault = await tell({
        ...next.alert,
        scenario: name,
        targets: scenario.targets.map((target) => target.name),
        at: new Date(nowMs).toISOString(),
        since: new Date(state.sinceMs).toISOString(),
        sentences: outcome.sentences,
        snapshot: outcome.snapshot,
      })
      if (fault === null) state = { ...state, toldMs: nowMs }
      else onEvent({ kind: 'alert-failed', job: name, message: fault })
    }
    await remember(name, { alert: state })
  }

  async function remember(name: string, part: Parameters<typeof memory.set>[1]): Promise<void> {
    const fault = await memory.set(name, part)
    if (fault !== null) io.err(`warning: not remembered over a restart: ${terminalText(fault, 2000)}\n`)
  }

  async function exportRun(result: RunResult): Promise<void> {
    if (forwarder === null || result.kind !== 'finished') return
    const send = async (path: string, body: object): Promise<void> => {
      const sent = Buffer.from(JSON.stringify(body))
      const answer = await forwarder.pass(path, { 'content-type': 'application/json' }, sent)
      if (answer?.status === 200) return
      const what = answer === undefined ? 'did not answer' : `answered ${answer.status}`
      io.err(`warning: the OTLP receiver ${what} at ${path}\n`)
    }
    await send('/v1/metrics', otlpMetrics(counts, Date.now(), harnessVersion))
    const { resource, scope, spans } = probeSpans(result.snapshot, result.samples)
    for (let i = 0; i < spans.length; i += SPANS_A_REQUEST) {
      await send('/v1/traces', otlpRequest([{ resource, scope, spans: spans.slice(i, i + SPANS_A_REQUEST) }]))
    }
  }

  const renewal = setInterval(lock.renew, 10_000)
  await runScheduler({
    jobs: service.loaded.jobs,
    clock: systemClock,
    sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => undefined),
    run: runJob,
    reload,
    lastDueMs: memory.lastDueMs,
    remember: (name, dueMs) => remember(name, { lastDueMs: dueMs }),
    ledger,
    random: createRandom(memory.seed),
    stop: control.drain,
    onEvent,
    onTurn(next) {
      lastTurnMs = performance.now()
      for (const [name, ms] of next) countsOf(counts, name).nextS = ms / 1000
    },
    atOnce: flags.atOnce,
  })
  clearInterval(renewal)
  await Promise.all([health?.server.close(), forwarder?.close()])
  opened.state.close()
  return null
}

const SPANS_A_REQUEST = 500
const SETTLED_MS = 500

const hasEar = ({ alertCommand, alertWebhookEnv }: ScheduleFlags): boolean =>
  alertCommand !== undefined || alertWebhookEnv !== undefined

const isSame = (some: readonly string[], others: readonly string[]): boolean =>
  some.every((text, i) => text === others[i])

function textsOf(files: readonly string[]): Promise<string[]> {
  return Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')))
}
