/** What the calls of each model are like: lengths, cache, overlap; in fixed memory. */
import type { Span } from '../span/span.js'
import { createSketch, type Sketch } from './sketch.js'

/** Calls of one model at one provider; tokens. */
export interface Population {
  provider: string | undefined
  model: string
  region: string | undefined
  /** Host that was asked. */
  serverAddress: string | undefined
  spans: number
  /** Start of the first call to start of the last, milliseconds. */
  lastsMs: number
  prompt: Lengths | undefined
  output: Lengths | undefined
  /** Of the calls that tell what the cache served: how many it served at all, what it served them and what not. */
  cached: { told: number; hits: number; prefix: Lengths; fresh: Lengths } | undefined
  /** Calls at once, of those of this model, seen at the start of each. */
  overlap: { p50: number; p99: number }
}

export interface Lengths {
  p10: number
  p50: number
  p90: number
  p99: number
}

export interface PopulationTally {
  add(span: Span): void
  /** The most calls first. */
  result(): Population[]
}

const MOST_MODELS = 200

export function createPopulation(): PopulationTally {
  const models = new Map<string, ReturnType<typeof createTally>>()
  return {
    add(span) {
      const model = span.modelRequested ?? span.modelServed
      if (model === undefined || span.error !== undefined) return
      const key = `${span.provider ?? ''}\n${model}\n${span.region ?? ''}`
      let tally = models.get(key)
      if (tally === undefined) {
        if (models.size >= MOST_MODELS) return
        tally = createTally(model, span)
        models.set(key, tally)
      }
      tally.add(span)
    },
    result: () => [...models.values()].map((tally) => tally.result()).sort((a, b) => b.spans - a.spans),
  }
}

function createTally(model: string, { provider, region, serverAddress }: Span) {
  const [prompt, output, hitPrefix, hitFresh] = [
    createSketch(),
    createSketch(),
    createSketch(),
    createSketch(),
  ]
  const overlap = createOverlap()
  let [spans, told, hits] = [0, 0, 0]
  let [firstMs, lastMs] = [Infinity, -Infinity]
  return {
    add(span: Span): void {
      const { inputTokens, outputTokens, cacheReadTokens, startedAtMs, durationMs } = span
      spans++
      firstMs = Math.min(firstMs, startedAtMs)
      lastMs = Math.max(lastMs, startedAtMs)
      overlap.add(startedAtMs, durationMs)
      if (inputTokens !== undefined) prompt.add(inputTokens)
      if (outputTokens !== undefined) output.add(outputTokens)
      if (cacheReadTokens === undefined || inputTokens === undefined) return
      told++
      if (cacheReadTokens === 0) return
      hits++
      hitPrefix.add(cacheReadTokens)
      hitFresh.add(inputTokens - cacheReadTokens)
    },
    result(): Population {
      const [prefix, fresh] = [lengthsOf(hitPrefix), lengthsOf(hitFresh)]
      return {
        provider,
        model,
        region,
        serverAddress,
        spans,
        lastsMs: lastMs - firstMs,
        prompt: lengthsOf(prompt),
        output: lengthsOf(output),
        cached: prefix === undefined || fresh === undefined ? undefined : { told, hits, prefix, fresh },
        overlap: overlap.result(),
      }
    },
  }
}

function lengthsOf(sketch: Sketch): Lengths | undefined {
  const at = (p: number): number => Math.round(sketch.quantile(p) ?? 0)
  return sketch.count === 0 ? undefined : { p10: at(0.1), p50: at(0.5), p90: at(0.9), p99: at(0.99) }
}

/** Overlap is looked at in the first so many calls: a part in one piece, since every other call would halve it. */
const MOST_LOOKED_AT = 50_000

function createOverlap(): {
  add(startMs: number, durationMs: number): void
  result(): Population['overlap']
} {
  const starts: number[] = []
  const ends: number[] = []
  return {
    add(startMs, durationMs) {
      if (starts.length >= MOST_LOOKED_AT) return
      starts.push(startMs)
      ends.push(startMs + durationMs)
    },
    result() {
      const [from, to] = [Float64Array.from(starts).sort(), Float64Array.from(ends).sort()]
      let ended = 0
      // Calls begun up to here less those that had ended by then, the call itself counted.
      const atStart = from.map((startMs, begun) => {
        while (ended < to.length && (to[ended] ?? Infinity) <= startMs && ended < begun) ended++
        return begun + 1 - ended
      })
      atStart.sort()
      const at = (p: number): number =>
        atStart[Math.min(atStart.length - 1, Math.floor(p * atStart.length))] ?? 1
      return { p50: at(0.5), p99: at(0.99) }
    },
  }
}
