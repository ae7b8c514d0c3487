/** An exchange becomes a sample: every metric by its definition in one place. */
import type { CacheRules, Price } from '../provider/provider.js'
import type { OutputChannel, Protocol, Route, ServerTimings, Usage } from '../protocol/protocol.js'
import { nsToMs } from '../units/time.js'
import type { Exchange } from '../wire/exchange.js'
import { cacheState } from './cache-state.js'
import { costOf } from './cost.js'
import { describeOutcome, type TargetFacts } from './detail.js'
import { summariseGaps } from './gaps.js'
import { isSuccess, judge } from './outcome.js'
import type { Sample } from './sample.js'
import { readStream, type Stream } from './stream.js'

/** What a sample needs that the wire does not know. */
export interface SampleContext {
  id: string
  target: TargetFacts
  probe: string
  cell: string
  block: number
  attempt: number
  warmup: boolean
  asked: Sample['asked']
  /** When the request was meant to start, on the exchange's clock. */
  intendedNs: number
  /** Begin of the run on both clocks: places a sample in time without reading the wall clock again. */
  runStartNs: number
  runStartUtcMs: number
  /** Counts where the server does not; `exact` where it is the model's own. */
  tokenizer: { exact: boolean; count(text: string): number }
  /** What the server's chat template adds to a prompt, where that was learned, tokens. @default 0 */
  templateTokens?: number | undefined
  cacheRules: CacheRules
  price?: Price | undefined
  /** Takes secrets out of anything that a server may have echoed. */
  redact(text: string): string
}

/** Below these a time per token is noise. */
const LEAST_STREAMED_TOKENS = 8
const LEAST_ARRIVALS = 3

/** How far a prefix may be off when another tokenizer than the model's counted it, share of the prefix. */
const INEXACT_PREFIX = 0.05

const LONGEST_LABEL = 200 // characters of a string that the server chose

export function toSample(exchange: Exchange, protocol: Protocol, context: SampleContext): Sample {
  const { asked, target, intendedNs } = context
  const stream = isSuccess(exchange.status) ? readStream(exchange, protocol) : undefined
  const outcome = judge(exchange, stream, protocol)
  const ok = outcome === 'ok'
  const detail = describeOutcome(outcome, exchange, stream, protocol, target)

  const startNs = exchange.startNs ?? exchange.enqueuedNs
  const sinceStart = (ns: number | undefined) => (ns === undefined ? null : nsToMs(ns - startNs))
  const sinceIntended = (ns: number | undefined) => (ns === undefined ? null : nsToMs(ns - intendedNs))

  const output = readOutput(stream)
  const usage = trusted(stream?.usage ?? {})
  const counts = ok ? countTokens(usage, output, context) : { ...usage, tokenSource: sourceOf(usage) }
  const tpot = ok ? perToken(output, counts, context) : null
  const completeNs = ok ? (stream?.endNs ?? stream?.moments.at(-1)?.atNs) : undefined
  const headers = protocol.readHeaders(exchange.headers)

  return {
    id: context.id,
    target: target.name,
    probe: context.probe,
    cell: context.cell,
    block: context.block,
    attempt: context.attempt,
    warmup: context.warmup,
    outcome,
    status: exchange.status ?? null,
    ...(detail !== undefined && { detail: context.redact(detail) }),
    asked,
    startedAt: new Date(context.runStartUtcMs + nsToMs(startNs - context.runStartNs)).toISOString(),
    atMs: nsToMs(startNs - context.runStartNs),
    startDelay: nsToMs(startNs - intendedNs),
    reused: exchange.connection.reused,
    dns: exchange.connection.dnsMs,
    connect: exchange.connection.connectMs,
    tls: exchange.connection.tlsMs,
    ttfb: sinceStart(exchange.headersNs),
    ttfe: sinceStart(stream?.moments[0]?.atNs),
    ttft: sinceStart(output.arrivals[0]),
    ttfvt: sinceStart(output.firstVisibleNs),
    ttftIntended: sinceIntended(output.arrivals[0]),
    tpot,
    decodeRate: tpot === null ? null : 1000 / tpot,
    e2e: sinceStart(completeNs),
    e2eIntended: sinceIntended(completeNs),
    itl: summariseGaps(output.arrivals.map(nsToMs)),
    coalesced: output.events - output.arrivals.length,
    ...counts,
    cacheState: cacheState(expectation(context, usage), usage.cachedTokens, context.cacheRules),
    ...(stream?.finishReason !== undefined && { finishReason: label(stream.finishReason, context) }),
    bytes: exchange.body.length,
    ...pricedAt(costOf(counts, context.price)),
    ...reported(
      mergeTimings(headers.timings, stream?.timings),
      { ...headers.route, ...stream?.route },
      context,
    ),
  }
}

interface Output {
  /** Events that carried output: at most one a frame. */
  events: number
  /** Those of them that came with the first arrival. */
  firstEvents: number
  /** Distinct arrivals of output, nanoseconds, ascending. */
  arrivals: number[]
  firstVisibleNs: number | undefined
  /** Text that came with the first arrival, and in all. */
  firstText: string
  text: string
  reasoningStreamed: boolean
}

function readOutput(stream: Stream | undefined): Output {
  const output: Output = {
    events: 0,
    firstEvents: 0,
    arrivals: [],
    firstVisibleNs: undefined,
    firstText: '',
    text: '',
    reasoningStreamed: false,
  }
  const pieces: string[] = []
  let lastChunk: number | undefined
  for (const { chunk, atNs, events } of stream?.moments ?? []) {
    const channels = new Set<OutputChannel>()
    const before = pieces.length
    for (const event of events) {
      if (event.kind !== 'output') continue
      channels.add(event.channel)
      pieces.push(event.text)
    }
    if (channels.size === 0) continue
    output.events++
    if (chunk !== lastChunk) output.arrivals.push(atNs)
    lastChunk = chunk
    if (output.arrivals.length === 1) {
      output.firstEvents++
      output.firstText += pieces.slice(before).join('')
    }
    if (channels.has('text')) output.firstVisibleNs ??= atNs
    if (channels.has('reasoning')) output.reasoningStreamed = true
  }
  output.text = pieces.join('')
  return output
}

type Counts = Usage & { tokenSource: Sample['tokenSource'] }

/** A part larger than its whole is no count. */
function trusted(usage: Usage): Usage {
  const { promptTokens, cachedTokens } = usage
  if (promptTokens === undefined || cachedTokens === undefined || cachedTokens <= promptTokens) return usage
  const { cachedTokens: _lie, ...rest } = usage
  return rest
}

function sourceOf(usage: Usage): Sample['tokenSource'] {
  return usage.outputTokens === undefined && usage.promptTokens === undefined ? null : 'usage'
}

/** Counts of an answer that is whole. What the server left out is counted: the prompt was built to its length. */
function countTokens(usage: Usage, output: Output, { asked, tokenizer }: SampleContext): Counts {
  return {
    ...usage,
    promptTokens: usage.promptTokens ?? asked.promptTokens,
    outputTokens: usage.outputTokens ?? tokenizer.count(output.text),
    tokenSource: usage.outputTokens === undefined ? 'counted' : 'usage',
  }
}

/**
 * (last arrival − first arrival) ÷ (streamed tokens − tokens of the first arrival), milliseconds per token. Streamed
 * is the output less reasoning that never came over the wire. The first output event is all that came in the first
 * arrival: tokens that share its time were not decoded after it. Its tokens by the model's tokenizer, else by its
 * share of the characters, at least 1 and at most what it leaves of one token for every later event: a server that
 * sends each token by itself is then met exactly, however long its first word is.
 */
function perToken(output: Output, counts: Counts, { tokenizer }: SampleContext): number | null {
  const { arrivals, firstText, text, reasoningStreamed, events, firstEvents } = output
  const hidden = reasoningStreamed ? 0 : (counts.reasoningTokens ?? 0)
  const streamed = (counts.outputTokens ?? 0) - hidden
  if (streamed < LEAST_STREAMED_TOKENS || arrivals.length < LEAST_ARRIVALS) return null
  const first = tokenizer.exact
    ? tokenizer.count(firstText)
    : Math.min((streamed * firstText.length) / text.length, streamed - (events - firstEvents))
  const later = streamed - Math.max(1, first)
  const elapsedNs = (arrivals.at(-1) ?? 0) - (arrivals[0] ?? 0)
  return later > 0 && elapsedNs > 0 ? nsToMs(elapsedNs) / later : null
}

/**
 * The prefix in the server's tokens. Where our tokenizer is not the model's, prefix and prompt are off by about the
 * same factor, which the reported prompt tells. The prefix was asked for with the chat template in it, of which only
 * the part before the text can be cached.
 */
function expectation({ asked, tokenizer, templateTokens = 0 }: SampleContext, usage: Usage) {
  const { cache, prefixTokens, promptTokens } = asked
  if (tokenizer.exact) return { cache, prefixTokens, slackTokens: 0 }
  const factor = usage.promptTokens === undefined ? 1 : usage.promptTokens / Math.max(1, promptTokens)
  const inServerTokens = prefixTokens * factor
  const slackTokens = INEXACT_PREFIX * inServerTokens + Math.max(0, templateTokens)
  return { cache, prefixTokens: inServerTokens, slackTokens }
}

function pricedAt(cost: Sample['cost']): Pick<Sample, 'cost'> {
  return cost ? { cost } : {}
}

/** Headers speak first, the stream has the last word, field by field. */
function mergeTimings(
  ofHeaders: ServerTimings | undefined,
  ofStream: ServerTimings | undefined,
): ServerTimings | undefined {
  if (!ofHeaders || !ofStream) return ofStream ?? ofHeaders
  return { ...ofHeaders, ...ofStream, raw: { ...ofHeaders.raw, ...ofStream.raw } }
}

/** A server may echo a key anywhere, so all its strings pass the redactor before they are cut to size. */
function label(value: string, { redact }: SampleContext): string {
  return redact(value).slice(0, LONGEST_LABEL)
}

function reported(
  timings: ServerTimings | undefined,
  route: Route,
  context: SampleContext,
): Pick<Sample, 'serverTimings' | 'route'> {
  const clean = (value: string | number) => (typeof value === 'string' ? label(value, context) : value)
  const mapValues = (fields: Readonly<Record<string, string | number>>) =>
    Object.fromEntries(Object.entries(fields).map(([name, value]) => [label(name, context), clean(value)]))
  const entries = Object.entries(route).flatMap(([name, value]) =>
    typeof value === 'string' ? [[name, label(value, context)] as const] : [],
  )
  return {
    ...(timings && { serverTimings: { ...timings, raw: mapValues(timings.raw) } }),
    ...(entries.length > 0 && { route: Object.fromEntries(entries) }),
  }
}
