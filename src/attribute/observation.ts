/** One span held against the curve: what was expected by its lengths, what came, what an ordinary span would have taken. */
import type { Tier } from '../span/causes.js'
import type { Span } from '../span/span.js'
import type { Ordinary } from './groups.js'
import { LEAST_SPANS } from './groups.js'
import type { Known } from './known.js'

/** Tokens; `visible` is output less reasoning. */
export interface Lengths {
  fresh: number
  cached: number
  visible: number
  reasoning: number
}

/** Milliseconds by phase, as the curve has them. */
export interface Parts {
  base: number
  prefillFresh: number
  prefillCached: number
  reasoning: number
  decode: number
}

/** Part of the span that one clock reading bounds: what it took and what the curve says. Milliseconds. */
export interface Stretch {
  observedMs: number
  expectedMs: number
}

/** What lengths cost beyond the reference; milliseconds, 0 where they do not. */
export interface LengthExcess {
  'prefill-surge': number
  'cold-cache': number
  'long-output': number
  reasoning: number
}

export interface Observation {
  span: Span
  known: Known
  tier: Tier
  lengths: Lengths
  /** Of the lengths, those that the span does not tell and that were taken from its group. */
  assumed: readonly (keyof Lengths)[]
  /** Tokens that should have been cached. */
  warmTokens: number
  expected: Parts
  /** Failed attempts and the waits between them, where the trace tells. */
  retryMs: number
  /** Start of the served attempt to first output, and from there to the end; absent without a first-token time. */
  first: Stretch | undefined
  rest: Stretch | undefined
  /** All but the retries. */
  whole: Stretch
  /** Tokens were not counted: the curve has nothing to say of it, and only its group can be asked. */
  blind: boolean
  /** Reasoning was over before the first output came. */
  hidden: boolean
  /** What this span alone says of that; undefined where it did not think, or nothing is told. */
  looksHidden: boolean | undefined
  referenceMs: number
  excessMs: number
  /** Ordinary lengths, with the prefix warm. */
  reference: Lengths
  /** Too few calls of its group were seen: the longest lengths that the baseline sampled stand in for ordinary ones. */
  isEarly: boolean
  /** Sentences: lengths beyond the sampled range, a doubtful first-token time. */
  doubts: readonly string[]
}

/** Outputs shorter than this give no rate worth reading. */
const LEAST_DECODED = 8

export interface Context {
  known: Known
  ordinary: Ordinary
  /** Tokens that should have been cached, by what came before; 0 where nothing says so. */
  warmTokens: number
  /** Whether spans of its group think before their first output, as most of them look; undefined where none told. */
  hides?: boolean | undefined
}

export function observe(span: Span, { known, ordinary, warmTokens, hides }: Context): Observation {
  const assumed: (keyof Lengths)[] = []
  const lengths = lengthsOf(span, ordinary, warmTokens, known, assumed)
  const prompt = lengths.fresh + lengths.cached
  const warm = Math.max(lengths.cached, Math.min(warmTokens, Math.max(0, prompt - 1)))
  const retryMs = Math.min(span.durationMs, span.retryMs ?? 0)
  const firstMs = firstOutputMs(span)
  const looksHidden =
    firstMs === undefined || lengths.reasoning === 0 ? undefined : isHidden(span, firstMs, lengths, known)
  const hidden = firstMs === undefined || (looksHidden !== undefined && (hides ?? looksHidden))
  const wholeMs = span.durationMs - retryMs
  const blind = assumed.includes('fresh') || assumed.includes('visible')
  const expected = blind ? blindParts(known, wholeMs, firstMs) : partsOf(known, lengths)
  const expectedFirst =
    expected.base + expected.prefillFresh + expected.prefillCached + (hidden ? expected.reasoning : 0)
  const expectedRest = expected.decode + (hidden ? 0 : expected.reasoning)
  const decoded = lengths.visible + (hidden ? 0 : lengths.reasoning)
  const split = firstMs !== undefined && firstMs <= wholeMs
  const reference = referenceOf(lengths, warm, ordinary, known)
  const referenceMs = blind
    ? (ordinary.duration ?? sum(partsOf(known, { ...lengths, visible: known.longest.output })))
    : sum(partsOf(known, reference))
  return {
    span,
    known,
    tier: tierOf(span, firstMs !== undefined),
    lengths,
    assumed,
    warmTokens: warm,
    expected,
    retryMs,
    first: split ? { observedMs: firstMs, expectedMs: expectedFirst } : undefined,
    rest:
      split && decoded >= LEAST_DECODED
        ? { observedMs: wholeMs - firstMs, expectedMs: expectedRest }
        : undefined,
    whole: { observedMs: wholeMs, expectedMs: sum(expected) },
    blind,
    hidden,
    looksHidden,
    referenceMs,
    excessMs: Math.max(0, span.durationMs - referenceMs),
    reference,
    isEarly: ordinary.spans < LEAST_SPANS,
    doubts: doubtsOf(span, lengths, known, assumed),
  }
}

/** A curve's answer for lengths. The first output token belongs to the prefill, each further one to decode. */
function partsOf(known: Known, { fresh, cached, visible, reasoning }: Lengths): Parts {
  const prompt = fresh + cached
  const steps = Math.max(0, visible + reasoning - 1)
  const perToken = known.tpot(prompt + (visible + reasoning) / 2)
  const thinking = Math.min(reasoning, steps)
  const { base, prefillFresh, prefillCached } = known.ttft(fresh, cached)
  return {
    base,
    prefillFresh,
    prefillCached,
    reasoning: thinking * perToken,
    decode: (steps - thinking) * perToken,
  }
}

const NO_EXCESS: LengthExcess = { 'prefill-surge': 0, 'cold-cache': 0, 'long-output': 0, reasoning: 0 }

/** Without counted tokens: a prompt of middling length, and all behind it decode. */
function blindParts(known: Known, wholeMs: number, firstMs: number | undefined): Parts {
  const guess = known.ttft(known.typicalFresh, 0)
  const toFirst = Math.min(wholeMs, firstMs ?? guess.base + guess.prefillFresh)
  const base = Math.min(guess.base, toFirst)
  return {
    base,
    prefillFresh: toFirst - base,
    prefillCached: 0,
    reasoning: 0,
    decode: Math.max(0, wholeMs - toFirst),
  }
}

function lengthsOf(
  span: Span,
  ordinary: Ordinary,
  warmTokens: number,
  known: Known,
  assumed: (keyof Lengths)[],
): Lengths {
  const { inputTokens, cacheReadTokens, outputTokens, reasoningTokens } = span
  if (inputTokens === undefined) assumed.push('fresh')
  const prompt = inputTokens ?? known.typicalFresh
  if (cacheReadTokens === undefined) assumed.push('cached')
  const cached = Math.min(prompt, cacheReadTokens ?? warmTokens)
  if (outputTokens === undefined) assumed.push('visible')
  const output = outputTokens ?? ordinary.output ?? known.longest.output
  const reasoning = Math.min(output, reasoningTokens ?? 0)
  return { fresh: prompt - cached, cached, visible: output - reasoning, reasoning }
}

/** Ordinary lengths, the prefix warm; the longest sampled ones where too few spans were seen. */
function referenceOf(lengths: Lengths, warm: number, ordinary: Ordinary, known: Known): Lengths {
  const early = ordinary.spans < LEAST_SPANS
  const fresh = lengths.fresh + lengths.cached - warm
  const limit = (length: number, usual: number | undefined, longest: number): number =>
    Math.min(length, usual ?? (early && longest > 0 ? longest : length))
  return {
    fresh: limit(fresh, ordinary.fresh, known.longest.fresh),
    cached: warm,
    visible: limit(lengths.visible, ordinary.output, known.longest.output),
    reasoning: limit(lengths.reasoning, ordinary.reasoning, known.longest.output),
  }
}

/** What each length costs, one after the other, so that the parts add up to expected less reference. */
export function lengthExcess({
  blind,
  lengths,
  warmTokens: warm,
  reference,
  known,
}: Observation): LengthExcess {
  if (blind) return NO_EXCESS
  const warmed = { ...lengths, fresh: lengths.fresh + lengths.cached - warm, cached: warm }
  const short = { ...warmed, fresh: reference.fresh }
  const terse = { ...short, visible: reference.visible }
  const costs = (at: Lengths): number => sum(partsOf(known, at))
  const [asItWas, ifWarm, ifShort, ifTerse, ordinary] = [
    costs(lengths),
    costs(warmed),
    costs(short),
    costs(terse),
    costs(reference),
  ]
  return {
    'cold-cache': Math.max(0, asItWas - ifWarm),
    'prefill-surge': Math.max(0, ifWarm - ifShort),
    'long-output': Math.max(0, ifShort - ifTerse),
    reasoning: Math.max(0, ifTerse - ordinary),
  }
}

/**
 * Whether the model thought before its first output, and nobody saw it: then the first-token time holds the thinking.
 * A first visible text later than the first output says that the thinking was streamed; else the nearer reading holds.
 */
function isHidden({ ttfvtMs }: Span, firstMs: number, lengths: Lengths, known: Known): boolean {
  if (ttfvtMs !== undefined && ttfvtMs > firstMs * 1.01) return false
  const parts = partsOf(known, lengths)
  const without = parts.base + parts.prefillFresh + parts.prefillCached
  return firstMs > without + parts.reasoning / 2
}

/** Start of the served attempt to its first output; undefined where that is not told, or not to be believed. */
export function firstOutputMs(span: Span): number | undefined {
  // What a server times itself begins where its own span does, or so little later that the base holds it.
  const ttftMs = span.ttftMs ?? span.serverTtftMs
  if (ttftMs === undefined || span.doubts.includes('buffered') || ttftMs > span.durationMs) return undefined
  const retryMs = Math.min(span.durationMs, span.retryMs ?? 0)
  return span.ttftMs === undefined || span.ttftScope === 'attempt' ? ttftMs : Math.max(0, ttftMs - retryMs)
}

/** How much a span tells (`tiers`). `isTimed`: the time to its first output is known. */
export function tierOf(span: Span, isTimed: boolean): Tier {
  const { queueMs, prefillMs, decodeMs, inputTokens, outputTokens, cacheReadTokens } = span
  const counted = inputTokens !== undefined && outputTokens !== undefined
  if (counted && (queueMs !== undefined || prefillMs !== undefined || decodeMs !== undefined)) return 'A'
  if (isTimed && counted) return cacheReadTokens === undefined ? 'C' : 'B'
  return counted ? 'D' : 'E'
}

const NO_DOUBTS: readonly string[] = []

function doubtsOf(span: Span, lengths: Lengths, known: Known, assumed: readonly string[]): readonly string[] {
  const { longest } = known
  const isLong = isBeyond(lengths.fresh, longest.fresh) && !assumed.includes('fresh')
  const longestCached = Math.max(longest.cached, longest.fresh)
  const isFar = isBeyond(lengths.cached, longestCached)
  if (!isLong && !isFar && span.doubts.length === 0) return NO_DOUBTS
  const doubts: string[] = []
  const say = (what: string, value: number, most: number): void =>
    void doubts.push(
      `${what} ${Math.round(value)} tokens: the baseline sampled up to ${most}; run a scenario with longer prompts`,
    )
  if (isLong) say('fresh prompt', lengths.fresh, longest.fresh)
  if (isFar) say('cached prefix', lengths.cached, longestCached)
  if (span.doubts.includes('buffered'))
    doubts.push('the stream was held back: its first-token time says nothing')
  if (span.doubts.includes('usage-missing')) doubts.push('the server counted no tokens')
  return doubts
}

const isBeyond = (value: number, longest: number): boolean => longest > 0 && value > longest * 1.05

function sum(parts: Parts): number {
  return parts.base + parts.prefillFresh + parts.prefillCached + parts.reasoning + parts.decode
}
