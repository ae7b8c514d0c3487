/** One span held against the curve: what was expected by its lengths, what came, what an ordinary span would have taken. */
import type { Tier } from '../span/causes.js'
import type { Span } from '../span/span.js'
import type { Ordinary } from './groups.js'
import { LEAST_SPANS } from './groups.js'
import type { Known } from './known.js'
import { costOf, createParts, fillParts, sum, type Lengths, type Parts } from './lengths.js'
import { doubtsOf, firstOutputMs, NO_DOUBTS, tierOf } from './tells.js'

/** Part of the span that one clock reading bounds: what it took and what the curve says. Milliseconds. */
export interface Stretch {
  observedMs: number
  expectedMs: number
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

const scratch = createParts()

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
