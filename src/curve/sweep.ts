/** Curves of times that somebody else measured: a sweep of prompt lengths, a line a request. */
import type { Law } from '../plan/probe.js'
import type { Random } from '../random/random.js'
import { median } from '../stats/quantile.js'
import type { Curve } from './curve.js'
import { fitDecode } from './decode.js'
import type { TargetNote } from './fit-curves.js'
import type { Fitted } from './law.js'
import { predict } from './predict.js'
import { fitPrefill } from './prefill.js'
import { numbering, type Row } from './rows.js'

/** One request, or the typical time of one shape of request. */
export interface SweepPoint {
  promptTokens: number
  /** Of the prompt tokens, those served from the prefix cache. @default 0 */
  cachedTokens?: number | undefined
  /** @default 1 */
  outputTokens?: number | undefined
  ttftMs?: number | undefined
  tpotMs?: number | undefined
  /** The pass over all lengths that it belongs to. @default by itself, independent of all others */
  pass?: string | undefined
  /** @default sweep */
  target?: string | undefined
}

export interface SweepOptions {
  random: Random
  /** @default 999 */
  resamples?: number | undefined
}

const SWEEP = 'sweep'

/** Prefill and decode of each target, from requests made one at a time, in order of time. */
export function fitSweep(
  points: readonly SweepPoint[],
  { random, resamples = 999 }: SweepOptions,
): { curves: Curve[]; notes: TargetNote[] } {
  const curves: Curve[] = []
  const notes: TargetNote[] = []
  for (const [target, own] of byTarget(points)) {
    const rows = toRows(own)
    const options = (law: Law) => ({ random: random.fork(`${target}/${law}`), resamples })
    const fits: [Law, Fitted | null][] = [
      ['prefill', fitPrefill(rows, options('prefill'))],
      ['decode', fitDecode(rows, options('decode'))],
    ]
    for (const [law, fitted] of fits) {
      if (fitted === null) continue
      if ('note' in fitted) notes.push({ target, law, ...fitted.note })
      else curves.push({ target, law, ...fitted })
    }
  }
  return { curves, notes }
}

function toRows(points: readonly SweepPoint[]): Row[] {
  const blocks = numbering()
  const cells = numbering()
  return points.map((point, i) => {
    const { promptTokens, cachedTokens = 0, outputTokens = 1, ttftMs = null, tpotMs = null, pass } = point
    return {
      fresh: promptTokens - cachedTokens,
      cached: cachedTokens,
      context: promptTokens + outputTokens / 2,
      outputTokens,
      concurrency: 1,
      ttft: ttftMs,
      tpot: tpotMs,
      warm: cachedTokens > 0,
      apart: false,
      unverified: false,
      block: blocks(pass === undefined ? `row ${i}` : `pass ${pass}`),
      cell: cells(`${promptTokens}/${cachedTokens}`),
    }
  })
}

/** A length that was left out of the fit, against the median of what was measured there. */
export interface HeldOut {
  target: string
  promptTokens: number
  cachedTokens: number
  measuredMs: number
  predictedMs: number
  /** |predicted ÷ measured − 1|. */
  error: number
}

/**
 * Fits without every `every`-th prompt length of each target, the ends apart, and predicts these: a curve judged by what it
 * has not seen. A length outside the range of the rest is not predicted and not told.
 */
export function holdOut(points: readonly SweepPoint[], every: number, options: SweepOptions): HeldOut[] {
  return [...byTarget(points)].flatMap(([target, own]) => {
    const lengths = [...new Set(own.map(({ promptTokens }) => promptTokens))].sort((a, b) => a - b)
    const held = new Set(lengths.filter((_, i) => i % every === every - 1 && i < lengths.length - 1))
    const isHeld = ({ promptTokens }: SweepPoint): boolean => held.has(promptTokens)
    const { curves } = fitSweep(
      own.filter((point) => !isHeld(point)),
      options,
    )
    return shapesOf(own.filter(isHeld)).flatMap(([{ promptTokens, cachedTokens = 0 }, measuredMs]) => {
      const shape = { promptTokens, cachedTokens, outputTokens: 1, concurrency: 1 }
      const { ttft } = predict(curves, shape)
      if ('outside' in ttft) return []
      const error = Math.abs(ttft.ms / measuredMs - 1)
      return [{ target, promptTokens, cachedTokens, measuredMs, predictedMs: ttft.ms, error }]
    })
  })
}

/** Mean |predicted ÷ measured − 1| (MAPE); NaN of none. */
export const meanError = (held: readonly HeldOut[]): number =>
  held.reduce((sum, { error }) => sum + error, 0) / held.length

/** Each shape with the median of its times to first token. */
function shapesOf(points: readonly SweepPoint[]): [SweepPoint, number][] {
  const groups = new Map<string, { point: SweepPoint; times: number[] }>()
  for (const point of points) {
    if (point.ttftMs === undefined) continue
    const key = `${point.promptTokens}/${point.cachedTokens ?? 0}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { point, times: [point.ttftMs] })
    else group.times.push(point.ttftMs)
  }
  return Array.from(groups.values(), ({ point, times }) => [point, median(times)])
}

function byTarget(points: readonly SweepPoint[]): Map<string, SweepPoint[]> {
  const groups = new Map<string, SweepPoint[]>()
  for (const point of points) {
    const { target = SWEEP } = point
    const group = groups.get(target)
    if (group === undefined) groups.set(target, [point])
    else group.push(point)
  }
  return groups
}
