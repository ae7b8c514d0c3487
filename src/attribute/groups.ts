/** What is ordinary in a group of spans (service, operation, model): lengths, and prefixes that are warm. Fixed memory. */
import { createSketch, type Sketch } from './sketch.js'

/** Lengths up to which a span is ordinary, and what is usual beside them; undefined until enough spans were seen. */
export interface Ordinary {
  spans: number
  fresh: number | undefined
  output: number | undefined
  reasoning: number | undefined
  /** Milliseconds. */
  duration: number | undefined
  /** Tokens, cached or not. */
  prompt: number | undefined
}

export interface Group {
  /** As it stood before the span at hand. */
  ordinary(): Ordinary
  /**
   * Tokens of a prompt of that length that are usually read from the cache, of spans that tell: where three in four find any;
   * `isFirst`: of those that begin a conversation. Undefined until some did.
   */
  usualCached(prompt: number | undefined, isFirst: boolean): number | undefined
  /** Share of the prompt that is usually cached, as the times of spans that do not tell imply. */
  impliedShare(): number | undefined
  add(lengths: {
    fresh?: number | undefined
    output?: number | undefined
    reasoning?: number | undefined
    cached?: number | undefined
    isFirst?: boolean | undefined
    impliedShare?: number | undefined
    duration?: number | undefined
    prompt?: number | undefined
  }): void
}

/** Below this number of spans the longest length that the baseline sampled stands in. */
export const LEAST_SPANS = 100
const ORDINARY = 0.9
/** Quantiles are looked up anew when this share of new spans has come in. */
const REFRESH = 0.02
const MOST_GROUPS = 2_000
/** The share of the cache is learned from so many spans and then kept: else it would follow a service that gets slower. */
const LEAST_IMPLYING = 30
const MOST_IMPLYING = 300
/** A sketch counts from 1 up. */
const SHARE_SCALE = 1e6

export function createGroups(): (key: string) => Group {
  const groups = new Map<string, Group>()
  return (key) => {
    const known = groups.get(key)
    if (known !== undefined) return known
    // A service that puts an id in its name would grow without end: the oldest group is forgotten.
    const oldest = groups.size >= MOST_GROUPS ? groups.keys().next().value : undefined
    if (oldest !== undefined) groups.delete(oldest)
    const group = createGroup()
    groups.set(key, group)
    return group
  }
}

function createGroup(): Group {
  let spans = 0
  const fresh = lazyQuantile(createSketch(), ORDINARY)
  const output = lazyQuantile(createSketch(), ORDINARY)
  const reasoning = lazyQuantile(createSketch(), ORDINARY)
  const [all, first] = [createUsualCached(), createUsualCached()]
  const prompt = lazyQuantile(createSketch(), ORDINARY)
  const duration = lazyQuantile(createSketch(), ORDINARY)
  const implied = lazyQuantile(createSketch(), 0.5)
  let implying = 0
  return {
    ordinary: () => ({
      spans,
      fresh: fresh.value(LEAST_SPANS),
      output: output.value(LEAST_SPANS),
      reasoning: reasoning.value(LEAST_SPANS),
      duration: duration.value(LEAST_SPANS),
      prompt: prompt.value(LEAST_SPANS),
    }),
    usualCached: (length, isFirst) => (isFirst ? (first.value(length) ?? 0) : all.value(length)),
    impliedShare() {
      const scaled = implied.value(LEAST_IMPLYING)
      return scaled === undefined ? undefined : scaled / SHARE_SCALE
    },
    add(lengths) {
      spans++
      fresh.add(lengths.fresh)
      output.add(lengths.output)
      reasoning.add(lengths.reasoning)
      all.add(lengths.cached, lengths.prompt)
      if (lengths.isFirst === true) first.add(lengths.cached, lengths.prompt)
      duration.add(lengths.duration)
      prompt.add(lengths.prompt)
      if (lengths.impliedShare !== undefined && implying++ < MOST_IMPLYING)
        implied.add(lengths.impliedShare * SHARE_SCALE)
    },
  }
}

const LEAST_CACHED = 10

/** What the middle call finds in the cache, at most the middle share of a prompt; nothing where one in four finds nothing. */
function createUsualCached() {
  const found = createSketch()
  const [middle, quarter] = [lazyQuantile(found, 0.5), lazyQuantile(found, 0.25)]
  const share = lazyQuantile(createSketch(), 0.5)
  return {
    add(cached: number | undefined, prompt: number | undefined): void {
      middle.add(cached)
      if (cached !== undefined && prompt !== undefined && prompt > 0)
        share.add((cached / prompt) * SHARE_SCALE)
    },
    value(prompt: number | undefined): number | undefined {
      const usual = middle.value(LEAST_CACHED)
      if (usual === undefined || prompt === undefined) return usual
      if ((quarter.value(LEAST_CACHED) ?? 0) < 1) return 0
      const most = ((share.value(LEAST_CACHED) ?? SHARE_SCALE) / SHARE_SCALE) * prompt
      return Math.min(usual, most)
    },
  }
}

export interface LazyQuantile {
  add(value: number | undefined): void
  /** Undefined below so many values. */
  value(least: number): number | undefined
}

/** A quantile of a stream that is looked up anew only when enough has come in. */
export function lazyQuantile(sketch: Sketch, p: number): LazyQuantile {
  let at = 0
  let held: number | undefined
  return {
    add(value) {
      if (value !== undefined) sketch.add(value)
    },
    value(least) {
      if (sketch.count < least) return undefined
      if (held === undefined || sketch.count > at * (1 + REFRESH)) {
        held = sketch.quantile(p)
        at = sketch.count
      }
      return held
    },
  }
}
