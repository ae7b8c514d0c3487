/** What lengths are ordinary in a service: the 90th percentile of what it sends, incidents included. */
import type { Cause } from './causes.js'
import type { Incident } from './incidents.js'
import { isDue } from './schedule.js'
import type { Draft } from './workload.js'

export interface OrdinaryLengths {
  /** Of the prompt, those that no earlier call has sent. */
  readonly freshTokens: number
  readonly visibleTokens: number
  readonly reasoningTokens: number
}

const ORDINARY_SHARE = 0.9

/** Incidents are taken at their share of the calls while they last; several of a cause are taken as independent. */
export function ordinaryLengths(drafts: readonly Draft[], incidents: readonly Incident[]): OrdinaryLengths {
  const over = (
    cause: Cause,
    lengthOf: (draft: Draft) => number,
    grown: (draft: Draft, length: number, value: number) => number,
  ): number => {
    const own = incidents.filter((incident) => incident.cause === cause)
    return quantile(
      drafts.flatMap((draft) => mixture(draft, lengthOf(draft), own, grown)),
      ORDINARY_SHARE,
    )
  }
  return {
    freshTokens: over(
      'prefill-surge',
      ({ promptTokens, sharedTokens }) => promptTokens - sharedTokens,
      // The factor is on the whole prompt.
      ({ sharedTokens }, fresh, factor) =>
        Math.max(1, Math.round((fresh + sharedTokens) * factor) - sharedTokens),
    ),
    visibleTokens: over(
      'long-output',
      ({ visibleTokens }) => visibleTokens,
      (_, length, factor) => Math.max(1, Math.round(length * factor)),
    ),
    reasoningTokens: over(
      'reasoning',
      ({ reasoningTokens }) => reasoningTokens,
      (_, length, more) => Math.round(length + more),
    ),
  }
}

interface Weighted {
  readonly length: number
  readonly weight: number
}

function mixture(
  draft: Draft,
  length: number,
  incidents: readonly Incident[],
  grown: (draft: Draft, length: number, value: number) => number,
): Weighted[] {
  let parts: Weighted[] = [{ length, weight: 1 }]
  for (const incident of incidents) {
    if (!isDue(incident, draft.arrivalMs)) continue
    const { share, value } = incident
    parts = parts.flatMap((part) => [
      { length: part.length, weight: part.weight * (1 - share) },
      { length: grown(draft, part.length, value), weight: part.weight * share },
    ])
  }
  return parts
}

/** The smallest length that has at least `share` of the weight at or below it. */
function quantile(weighted: Weighted[], share: number): number {
  weighted.sort((a, b) => a.length - b.length)
  const total = weighted.reduce((sum, { weight }) => sum + weight, 0)
  let sum = 0
  for (const { length, weight } of weighted) {
    sum += weight
    if (sum >= share * total) return length
  }
  return weighted.at(-1)?.length ?? 0
}
