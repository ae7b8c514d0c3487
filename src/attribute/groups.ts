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
  /** Tokens usually read from the cache, of spans that tell; undefined until some did. */
  usualCached(): number | undefined
  /** Share of the prompt that is usually cached, as the times of spans that do not tell imply. */
  impliedShare(): number | undefined
  add(lengths: {
    fresh?: number | undefined
    output?: number | undefined
    reasoning?: number | undefined
    cached?: number | undefined
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
  const cached = lazyQuantile(createSketch(), 0.5)
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
    usualCached: () => cached.value(10),
    impliedShare() {
      const scaled = implied.value(LEAST_IMPLYING)
      return scaled === undefined ? undefined : scaled / SHARE_SCALE
    },
    add(lengths) {
      spans++
      fresh.add(lengths.fresh)
      output.add(lengths.output)
      reasoning.add(lengths.reasoning)
      cached.add(lengths.cached)
      duration.add(lengths.duration)
      prompt.add(lengths.prompt)
      if (lengths.impliedShare !== undefined && implying++ < MOST_IMPLYING)
        implied.add(lengths.impliedShare * SHARE_SCALE)
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
