/** Self-calibration: how late the instrument stamps what a bare server of known timing sends. */
import { frameBody } from '../protocol/frame.js'
import { quantiles } from '../stats/quantile.js'
import { nsToMs, type Clock } from '../units/time.js'
import type { Exchange, WireRequest } from '../wire/exchange.js'
import { createTransport, type Transport, type TransportOptions } from '../wire/transport.js'
import { hrtimeOffsetNs, timerStepNs } from './clock-check.js'
import { pacedEntry, spawnPaced } from './paced-process.js'
import { END_MARKER, type PacedOptions } from './paced-server.js'
import type { InstrumentReport } from './report.js'

export interface Calibration {
  /** As asked for; `error.streams` is how many there were. */
  streams: number
  /** Smallest step of the clock, nanoseconds. */
  timerNs: number
  error: InstrumentReport['error']
  warnings: string[]
}

export interface CalibrateOptions {
  /** Streams at once: as many as the run will have. */
  streams: number
  clock: Clock
  /** Length of the burst. */
  durationMs?: number | undefined
  /** How the run connects, where that is not by one transport on this event loop. */
  connect?: ((options: TransportOptions) => Transport) | undefined
  /** The paced server's program; another one only in tests. */
  entry?: string | undefined
}

/** With more, the child would need a core of its own for longer than a start may take. */
const MOST_STREAMS = 500
const TOKENS_PER_S = 50
/** Fewer streams send faster, so that a short burst still holds the events of a p99. */
const LEAST_EVENTS_PER_S = 400
const FEW_STREAMS = 8
/**
 * Few streams are no load for the loop; with many, one stall of 2 ms in a second already sets the p99, so that they are
 * listened to for longer.
 */
const BURST_MS = { few: 750, many: 1800 } as const
/**
 * The first of the events meet code that is not yet compiled and a heap that still grows (stalls of 2 to 5 ms until some
 * 300 ms after the first event at 500 streams); a run warms up before it measures.
 */
const WARM_UP_SHARE = 0.3
const LEAST_EVENTS = 100
const START_LIMIT_MS = 5_000

/** Never throws: an instrument that could not be calibrated says so in `warnings`. */
export async function calibrate(options: CalibrateOptions): Promise<Calibration> {
  const { clock } = options
  const timerNs = timerStepNs(clock)
  const warnings: string[] = []
  const streams = Math.max(1, Math.min(options.streams, MOST_STREAMS))
  if (streams < options.streams)
    warnings.push(
      `calibrated with ${streams} streams, not with the ${options.streams} of the run: the timing error there can be larger`,
    )
  const durationMs = options.durationMs ?? (streams <= FEW_STREAMS ? BURST_MS.few : BURST_MS.many)
  const burst = await receiveBurst(pacing(streams, durationMs), options).catch(asProblem)
  if ('problem' in burst) {
    warnings.push(`not calibrated, the timing error is not known: ${burst.problem}`)
    return { streams: options.streams, timerNs, error: null, warnings }
  }
  const errors = burst.errorsNs
  if (errors.length < LEAST_EVENTS) {
    warnings.push(`not calibrated, the timing error is not known: only ${errors.length} events came`)
    return { streams: options.streams, timerNs, error: null, warnings }
  }
  if (burst.failed > 0)
    warnings.push(`${burst.failed} of ${streams} streams of the calibration broke off: ${burst.why}`)
  const [p50, p99] = quantiles(errors, [0.5, 0.99]).map((ns) => Math.round(ns / 1000) / 1000)
  return {
    streams: options.streams,
    timerNs,
    error: { p50: p50!, p99: p99!, streams, n: errors.length },
    warnings,
  }
}

function pacing(streams: number, durationMs: number): PacedOptions {
  const perStream = Math.max(TOKENS_PER_S, LEAST_EVENTS_PER_S / streams)
  const eventsPerStream = Math.max(2, Math.round((perStream * durationMs) / 1000))
  return { streams, eventsPerStream, gapNs: 1e9 / perStream }
}

interface Burst {
  /** Arrival stamp less send stamp, one an event. */
  errorsNs: number[]
  failed: number
  /** Why the first of them failed. */
  why: string
}

/** Out of file descriptors, `spawn` fails in ways that no type tells of. */
function asProblem(error: unknown): { problem: string } {
  return { problem: error instanceof Error ? error.message : String(error) }
}

async function receiveBurst(
  paced: PacedOptions,
  { clock, entry, connect = createTransport }: CalibrateOptions,
): Promise<Burst | { problem: string }> {
  const server = await spawnPaced(paced, { entry: entry ?? pacedEntry(), limitMs: START_LIMIT_MS })
  if ('problem' in server) return { problem: `the paced server did not start: ${server.problem}` }
  const transport = connect({
    origin: server.origin,
    clock,
    http: '1.1',
    maxConnections: paced.streams,
    proxy: 'none',
  })
  try {
    await transport.warm(paced.streams)
    const request = requestOf(paced)
    const sent = Array.from({ length: paced.streams }, () =>
      transport.send(request, { connection: 'reused' }),
    )
    const exchanges = await Promise.all(sent)
    const offsetNs = hrtimeOffsetNs(clock)
    const skipped = Math.floor(paced.eventsPerStream * WARM_UP_SHARE)
    const failures = exchanges.flatMap((exchange) => exchange.failure ?? [])
    return {
      errorsNs: exchanges.flatMap((exchange) => errorsOf(exchange, offsetNs, skipped)),
      failed: failures.length,
      why: failures[0]?.detail ?? '',
    }
  } finally {
    await transport.close()
    await server.close()
  }
}

function requestOf({ eventsPerStream, gapNs }: PacedOptions): WireRequest {
  const burstMs = nsToMs(eventsPerStream * gapNs)
  const limitMs = 2 * burstMs + 3_000
  return {
    method: 'GET',
    path: '/',
    headers: {},
    body: null,
    endMarker: END_MARKER,
    deadlines: { connectMs: limitMs, firstByteMs: limitMs, gapMs: limitMs, totalMs: limitMs },
  }
}

const SENT = /"sentNs":"(\d+)"/

/**
 * Without the first `skipped`, and without the last: in that round all streams end within one gap, and handing over what
 * they brought makes it 10 ms late, as no run whose streams began at different times ever is.
 */
function errorsOf({ body, chunkEnd, chunkNs }: Exchange, offsetNs: bigint, skipped: number): number[] {
  return frameBody(body, chunkEnd, 'sse')
    .frames.flatMap(({ frame, chunk }) => {
      const sentNs = SENT.exec(frame.data)?.[1]
      const arrivedNs = chunkNs[chunk]
      if (sentNs === undefined || arrivedNs === undefined) return []
      return [arrivedNs - Number(BigInt(sentNs) - offsetNs)]
    })
    .slice(skipped, -1)
}
