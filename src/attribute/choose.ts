/** The curve that a span is read against: of its model, nearest in region and time. */
import type { Span } from '../span/span.js'
import { createKeyTree } from './key-tree.js'
import type { Known } from './known.js'

export interface Choice {
  known: Known
  /** End of the baseline to the start of the span, seconds; negative where the baseline is the later one. */
  ageS: number
  /** What makes it fit less well, in words. */
  doubts: readonly string[]
}

/** Older than this a curve is said to be stale. */
const STALE_S = 7 * 24 * 3600
const MOST_CACHED = 10_000
const NO_DOUBTS: readonly string[] = []

/**
 * Models fit by name, or by one being the dated form of the other (`gpt-x` and `gpt-x-2026-05-01`). A baseline of a
 * single model serves spans that name none. Undefined where no curve fits.
 */
export function chooseKnown(all: readonly Known[]): (span: Span) => Choice | undefined {
  const fitting = createKeyTree<readonly Known[]>(MOST_CACHED)
  return (span) => {
    const { modelRequested, modelServed, region } = span
    const names = [modelRequested, modelServed]
    let models = fitting.find(names)
    if (models === undefined) {
      models = all.filter(({ model }) => fits(model, modelRequested, modelServed, all))
      fitting.set(names, models)
    }
    const [only] = models
    if (only === undefined) return undefined
    const near = models.length === 1 ? only : nearest(models, span)
    const ageS = (span.startedAtMs - near.baseline.endedAtMs) / 1000
    if (
      near.hasPace &&
      Math.abs(ageS) <= STALE_S &&
      (region === undefined || near.region === undefined || near.region === region)
    )
      return { known: near, ageS, doubts: NO_DOUBTS }
    const doubts: string[] = []
    if (!near.hasPace)
      doubts.push('the baseline has no decode curve: add an output-length probe to its scenario, and run it')
    if (Math.abs(ageS) > STALE_S)
      doubts.push(
        `the baseline is ${Math.round(Math.abs(ageS) / 86_400)} days away in time: run its scenario again`,
      )
    if (region !== undefined && near.region !== undefined && near.region !== region) {
      doubts.push(`the baseline was measured in ${near.region}, the call was served in ${region}`)
    }
    return { known: near, ageS, doubts }
  }
}

function fits(
  model: string,
  requested: string | undefined,
  served: string | undefined,
  all: readonly Known[],
): boolean {
  const named = [requested, served].filter((name) => name !== undefined)
  if (named.length === 0) return new Set(all.map((known) => known.model)).size === 1
  return named.some((name) => isSameModel(name, model))
}

/** `provider/model` or a path against `model`, and dated or tagged names against plain ones. */
export function isSameModel(a: string, b: string): boolean {
  const bare = (name: string): string => name.slice(name.lastIndexOf('/') + 1)
  const [one, other] = [bare(a), bare(b)]
  const [plain, full] = one.length <= other.length ? [one, other] : [other, one]
  return plain === full || (full.startsWith(plain) && /^[-@:](?:\d|latest)/.test(full.slice(plain.length)))
}

function nearest(models: readonly Known[], { region, startedAtMs }: Span): Known {
  const distance = ({ region: at, baseline, hasPace, isPartial }: Known): number => {
    // A curve of the pace counts for more than place and time; a run that was broken off is as good as one a week away.
    const lacking = (hasPace ? 0 : 1e17) + (isPartial ? STALE_S * 1000 : 0)
    const elsewhere = region !== undefined && at !== undefined && at !== region ? 1e15 : 0
    return elsewhere + lacking + Math.abs(startedAtMs - baseline.endedAtMs)
  }
  return models.reduce((a, b) => (distance(b) < distance(a) ? b : a))
}
