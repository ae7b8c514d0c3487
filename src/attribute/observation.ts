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

/** An observation to be written over, with its stretches also where it has none. */
export interface Blank {
  observation: Observation
  first: Stretch
  rest: Stretch
}

const NOTHING_ASSUMED: readonly (keyof Lengths)[] = []

/** Of a span whose observation is soon done with: to make some twenty numbers anew for each costs more than to reckon them. */
export function observe(
  span: Span,
  { known, ordinary, warmTokens, hides }: Context,
  into: Blank = createBlank(span, known),
): Observation {
  const { observation } = into
  const { lengths, expected, reference, whole } = observation
  const assumed = assumedOf(span)
  fillLengths(lengths, span, ordinary, warmTokens, known)
  const prompt = lengths.fresh + lengths.cached
  const warm = Math.max(lengths.cached, Math.min(warmTokens, Math.max(0, prompt - 1)))
  const retryMs = Math.min(span.durationMs, span.retryMs ?? 0)
  const firstMs = firstOutputMs(span)
  const looksHidden =
    firstMs === undefined || lengths.reasoning === 0 ? undefined : isHidden(span, firstMs, lengths, known)
  const hidden = firstMs === undefined || (looksHidden !== undefined && (hides ?? looksHidden))
  const wholeMs = span.durationMs - retryMs
  const blind = span.inputTokens === undefined || span.outputTokens === undefined
  if (blind) fillBlind(expected, known, wholeMs, firstMs)
  else fillParts(expected, known, lengths)
  const decoded = lengths.visible + (hidden ? 0 : lengths.reasoning)
  const split = firstMs !== undefined && firstMs <= wholeMs
  fillReference(reference, lengths, warm, ordinary, known)
  const referenceMs = blind
    ? (ordinary.duration ?? costOf(known, { ...lengths, visible: known.longest.output }))
    : costOf(known, reference)
  observation.span = span
  observation.known = known
  observation.tier = tierOf(span, firstMs !== undefined)
  observation.assumed = assumed
  observation.warmTokens = warm
  observation.retryMs = retryMs
  observation.first = split ? into.first : undefined
  if (split) {
    into.first.observedMs = firstMs
    into.first.expectedMs =
      expected.base + expected.prefillFresh + expected.prefillCached + (hidden ? expected.reasoning : 0)
  }
  const hasRest = split && decoded >= LEAST_DECODED
  observation.rest = hasRest ? into.rest : undefined
  if (hasRest) {
    into.rest.observedMs = wholeMs - firstMs
    into.rest.expectedMs = expected.decode + (hidden ? 0 : expected.reasoning)
  }
  whole.observedMs = wholeMs
  whole.expectedMs = sum(expected)
  observation.blind = blind
  observation.hidden = hidden
  observation.looksHidden = looksHidden
  observation.referenceMs = referenceMs
  observation.excessMs = Math.max(0, span.durationMs - referenceMs)
  observation.isEarly = ordinary.spans < LEAST_SPANS
  observation.doubts = doubtsOf(span, lengths, known, assumed)
  return observation
}

export function createBlank(span: Span, known: Known): Blank {
  const stretch = (): Stretch => ({ observedMs: NaN, expectedMs: NaN })
  const lengths = (): Lengths => ({ fresh: NaN, cached: NaN, visible: NaN, reasoning: NaN })
  const observation: Observation = {
    span,
    known,
    tier: 'E',
    lengths: lengths(),
    assumed: NOTHING_ASSUMED,
    warmTokens: NaN,
    expected: createParts(),
    retryMs: NaN,
    first: undefined,
    rest: undefined,
    whole: stretch(),
    blind: false,
    hidden: false,
    looksHidden: undefined,
    referenceMs: NaN,
    excessMs: NaN,
    reference: lengths(),
    isEarly: false,
    doubts: NO_DOUBTS,
  }
  return { observation, first: stretch(), rest: stretch() }
}

const createParts = (): Parts => ({
  base: NaN,
  prefillFresh: NaN,
  prefillCached: NaN,
  reasoning: NaN,
  decode: NaN,
})

/** A curve's answer for lengths. The first output token belongs to the prefill, each further one to decode. */
function fillParts(into: Parts, known: Known, { fresh, cached, visible, reasoning }: Lengths): void {
  const prompt = fresh + cached
  const steps = Math.max(0, visible + reasoning - 1)
  const perToken = known.tpot(prompt + (visible + reasoning) / 2)
  const thinking = Math.min(reasoning, steps)
  const { base, prefillFresh, prefillCached } = known.ttft(fresh, cached)
  into.base = base
  into.prefillFresh = prefillFresh
  into.prefillCached = prefillCached
  into.reasoning = thinking * perToken
  into.decode = (steps - thinking) * perToken
}

const scratch = createParts()

/** Milliseconds of a call of these lengths. */
function costOf(known: Known, lengths: Lengths): number {
  fillParts(scratch, known, lengths)
  return sum(scratch)
}

const NO_EXCESS: LengthExcess = { 'prefill-surge': 0, 'cold-cache': 0, 'long-output': 0, reasoning: 0 }

/** Without counted tokens: a prompt of middling length, and all behind it decode. */
function fillBlind(into: Parts, known: Known, wholeMs: number, firstMs: number | undefined): void {
  const guess = known.ttft(known.typicalFresh, 0)
  const toFirst = Math.min(wholeMs, firstMs ?? guess.base + guess.prefillFresh)
  const base = Math.min(guess.base, toFirst)
  into.base = base
  into.prefillFresh = toFirst - base
  into.prefillCached = 0
  into.reasoning = 0
  into.decode = Math.max(0, wholeMs - toFirst)
}

function assumedOf({ inputTokens, cacheReadTokens, outputTokens }: Span): readonly (keyof Lengths)[] {
  if (inputTokens !== undefined && cacheReadTokens !== undefined && outputTokens !== undefined)
    return NOTHING_ASSUMED
  const assumed: (keyof Lengths)[] = []
  if (inputTokens === undefined) assumed.push('fresh')
  if (cacheReadTokens === undefined) assumed.push('cached')
  if (outputTokens === undefined) assumed.push('visible')
  return assumed
}

function fillLengths(
  into: Lengths,
  { inputTokens, cacheReadTokens, outputTokens, reasoningTokens }: Span,
  ordinary: Ordinary,
  warmTokens: number,
  known: Known,
): void {
  const prompt = inputTokens ?? known.typicalFresh
  const cached = Math.min(prompt, cacheReadTokens ?? warmTokens)
  const output = outputTokens ?? ordinary.output ?? known.longest.output
  const reasoning = Math.min(output, reasoningTokens ?? 0)
  into.fresh = prompt - cached
  into.cached = cached
  into.visible = output - reasoning
  into.reasoning = reasoning
}

/** Ordinary lengths, the prefix warm; the longest sampled ones where too few spans were seen. */
function fillReference(
  into: Lengths,
  lengths: Lengths,
  warm: number,
  ordinary: Ordinary,
  { longest }: Known,
): void {
  const isEarly = ordinary.spans < LEAST_SPANS
  const fresh = lengths.fresh + lengths.cached - warm
  into.fresh = limited(fresh, ordinary.fresh, isEarly, longest.fresh)
  into.cached = warm
  into.visible = limited(lengths.visible, ordinary.output, isEarly, longest.output)
  into.reasoning = limited(lengths.reasoning, ordinary.reasoning, isEarly, longest.output)
}

function limited(length: number, usual: number | undefined, isEarly: boolean, longest: number): number {
  return Math.min(length, usual ?? (isEarly && longest > 0 ? longest : length))
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
  const costs = (at: Lengths): number => costOf(known, at)
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
  fillParts(scratch, known, lengths)
  const without = scratch.base + scratch.prefillFresh + scratch.prefillCached
  return firstMs > without + scratch.reasoning / 2
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
