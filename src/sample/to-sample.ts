/** An exchange becomes a sample: every metric by its definition in one place. */
import type { CacheRules, Price } from '../provider/provider.js'
import type { Protocol, Usage } from '../protocol/protocol.js'
import { nsToMs } from '../units/time.js'
import type { Exchange } from '../wire/exchange.js'
import type { RightAnswer } from '../plan/probe.js'
import { judgeAnswer } from './answer.js'
import { cacheState } from './cache-state.js'
import { costOf } from './cost.js'
import { describeOutcome, type TargetFacts } from './detail.js'
import { summariseGaps } from './gaps.js'
import { isSuccess, judge } from './outcome.js'
import { readOutput, type Output } from './output.js'
import { label, reported } from './reported.js'
import type { Sample } from './sample.js'
import { readStream } from './stream.js'

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
  /** What the answer must be, where a question was asked. */
  right?: RightAnswer | undefined
  price?: Price | undefined
  /** Takes secrets out of anything that a server may have echoed. */
  redact(text: string): string
}

/** Below these a time per token is noise. */
const LEAST_STREAMED_TOKENS = 8
const LEAST_ARRIVALS = 3

/** How far a prefix may be off when another tokenizer than the model's counted it, share of the prefix. */
const INEXACT_PREFIX = 0.05

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
    ...(ok && judgeAnswer(stream, context.right, context.redact)),
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
    itl: summariseGaps(output.arrivals.map((ns) => nsToMs(ns - startNs))),
    coalesced: output.events - output.arrivals.length,
    ...counts,
    cacheState: cacheState(expectation(context, usage), cachedBy(usage, protocol), context.cacheRules),
    ...(stream?.finishReason !== undefined && { finishReason: label(stream.finishReason, context.redact) }),
    bytes: exchange.body.length,
    ...pricedAt(costOf(counts, context.price)),
    ...reported(headers, stream, context.redact),
    ...(output.comments > 0 && { comments: output.comments }),
  }
}

type Counts = Usage & Pick<Sample, 'tokenSource' | 'promptAssumed'>

/** A part larger than its whole is no count. */
function trusted(usage: Usage): Usage {
  const { promptTokens = Infinity, cachedTokens = 0, cacheWriteTokens = 0 } = usage
  if (cachedTokens + cacheWriteTokens <= promptTokens) return usage
  const { cachedTokens: _read, cacheWriteTokens: _written, cacheWritesByLifetime: _parts, ...rest } = usage
  return cachedTokens <= promptTokens ? { ...rest, cachedTokens: usage.cachedTokens } : rest
}

function sourceOf(usage: Usage): Sample['tokenSource'] {
  return usage.outputTokens === undefined && usage.promptTokens === undefined ? null : 'usage'
}

/** Counts of an answer that is whole. What the server left out is counted: the prompt was built to its length. */
function countTokens(usage: Usage, output: Output, { asked, tokenizer }: SampleContext): Counts {
  return {
    ...usage,
    promptTokens: usage.promptTokens ?? asked.promptTokens,
    ...(usage.promptTokens === undefined && { promptAssumed: true }),
    outputTokens: usage.outputTokens ?? tokenizer.count(output.counted.text),
    tokenSource: usage.outputTokens === undefined ? 'counted' : 'usage',
  }
}

/**
 * (last arrival − first arrival) ÷ (streamed tokens − tokens of the first arrival), milliseconds per token. Streamed
 * is the output less reasoning that never came over the wire. The first output event is all that came in the first
 * arrival: tokens that share its time were not decoded after it. Its tokens by the model's tokenizer, else by its
 * share of the characters, at least 1 and at most what it leaves of one token for every later event: a server that
 * sends each token by itself is then met exactly, however long its first word is. Summaries count nowhere; beside one,
 * or where reasoning was hidden, how much was reasoned must be known.
 */
function perToken(output: Output, counts: Counts, { tokenizer }: SampleContext): number | null {
  const { reasoningStreamed, reasoningHidden } = output
  const { arrivals, firstText, text, events, firstEvents } = output.counted
  if (reasoningHidden && counts.reasoningTokens === undefined) return null
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

/** What the server says that it read from its cache; undefined: nothing. */
function cachedBy({ cachedTokens, promptTokens }: Usage, { omitsZeros }: Protocol): number | undefined {
  return cachedTokens ?? (omitsZeros && promptTokens !== undefined ? 0 : undefined)
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
