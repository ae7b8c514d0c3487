/** Reads the metrics of servers beside a run: once a second, over connections of its own. */
import type { TimedReading } from '../metrics/over-run.js'
import { overRun } from '../metrics/over-run.js'
import { readEngine } from '../metrics/engines.js'
import type { ServerMetrics } from '../metrics/server-metrics.js'
import { nsToMs } from '../units/time.js'
import type { WireRequest } from '../wire/exchange.js'
import type { Transport } from '../wire/transport.js'
import type { LiveTarget } from './live-target.js'

export interface Scraper {
  /** One last reading, then the end. */
  stop(): Promise<void>
  metrics(): ServerMetrics[]
}

export interface ScraperOptions {
  runStartNs: number
  note(text: string): void
}

const INTERVAL_MS = 1000
// A page of vLLM is some 100 kB; what is larger than this is no page of metrics.
const MOST_BYTES = 4 * 1024 * 1024
const DEADLINES = { connectMs: 2000, firstByteMs: 2000, gapMs: 2000, totalMs: 5000 }
/** A server that never answers is asked for a while, then left alone. */
const MOST_FAILURES = 10

interface Source {
  live: LiveTarget
  url: string
  request: WireRequest
  transport: Transport
  readings: TimedReading[]
  failed: number
  /** The reading that is not answered yet. */
  underWay: Promise<void> | undefined
}

/** Parsing a page takes well below a millisecond: only the few lines that are known are looked into. */
export function startScraper(lives: readonly LiveTarget[], options: ScraperOptions): Scraper {
  const { runStartNs, note } = options
  const sources = lives.flatMap((live) => (live.target.metrics === null ? [] : [sourceOf(live)]))

  async function read(source: Source): Promise<void> {
    if (isGivenUp(source)) return
    const exchange = await source.transport.send(source.request, { connection: 'reused' })
    const page = exchange.failure === undefined && exchange.status === 200 ? exchange.body : undefined
    const reading = page && readEngine(new TextDecoder().decode(page))
    if (reading !== undefined) {
      const atNs = exchange.headersNs ?? exchange.endNs
      source.readings.push({ atMs: nsToMs(atNs - runStartNs), ...reading })
      return
    }
    source.failed++
    if (source.failed === 1)
      note(`${source.live.target.name}: ${faultOf(source, exchange, page !== undefined)}`)
  }

  /** One at a time: a slow server is not asked again before it has answered. */
  function begin(source: Source): void {
    source.underWay ??= read(source).finally(() => (source.underWay = undefined))
  }

  const timers = sources.map((source) => {
    begin(source)
    return setInterval(() => begin(source), INTERVAL_MS)
  })
  return {
    async stop() {
      for (const timer of timers) clearInterval(timer)
      for (const { underWay } of sources) await underWay
      await Promise.all(sources.map(read))
      await Promise.all(sources.map(({ transport }) => transport.close()))
    },
    metrics: () =>
      sources.flatMap(({ live, url, failed, readings }) => {
        const intervalS = INTERVAL_MS / 1000
        return overRun({ target: live.target.name, url, intervalS, failed, readings }) ?? []
      }),
  }
}

function isGivenUp({ readings, failed }: Source): boolean {
  return readings.length === 0 && failed >= MOST_FAILURES
}

function sourceOf(live: LiveTarget): Source {
  const url = new URL(live.target.metrics?.url ?? '/metrics', live.baseUrl)
  // A key goes to the target's own host and nowhere else.
  const isOwn = url.origin === new URL(live.baseUrl).origin
  return {
    live,
    url: url.href,
    request: {
      method: 'GET',
      path: url.pathname,
      headers: { accept: 'text/plain', ...(isOwn ? live.headers : {}) },
      body: null,
      endMarker: null,
      deadlines: DEADLINES,
      maxBodyBytes: MOST_BYTES,
    },
    transport: live.connectBeside(url.origin),
    readings: [],
    failed: 0,
    underWay: undefined,
  }
}

function faultOf(
  { url }: Source,
  { status, failure }: Awaited<ReturnType<Transport['send']>>,
  isPage: boolean,
): string {
  const why = isPage
    ? 'it holds no metrics of vLLM, SGLang, llama.cpp or TGI'
    : (failure?.detail ??
      `it answered ${status}; vLLM serves metrics by itself, SGLang with --enable-metrics, llama.cpp with --metrics`)
  return `the metrics at ${url} could not be read: ${why}`
}
