/** Goodput: the share of requests inside a set of limits. */
import type { Sample } from './sample.js'

/** Of these the server knows nothing, so they say nothing of it. */
const OURS = new Set<Sample['outcome']>(['aborted', 'resource'])

/**
 * Share of the requests that kept every limit they were held against; failures kept none (DistServe, Zhong et al.
 * 2024, OSDI). In an open loop times count from the intended start, so a client held back hides nothing. Null where no
 * sample was held against limits.
 */
export function goodputOf(samples: readonly Sample[]): number | null {
  const judged = samples.filter(
    ({ warmup, outcome, asked }) => !warmup && !OURS.has(outcome) && asked.limits !== undefined,
  )
  return judged.length === 0 ? null : judged.filter(isInside).length / judged.length
}

function isInside({ outcome, asked, ...times }: Sample): boolean {
  const { limits = {}, rate } = asked
  if (outcome !== 'ok') return false
  const ttft = rate === null ? times.ttft : times.ttftIntended
  const e2e = rate === null ? times.e2e : times.e2eIntended
  return within(ttft, limits.ttft) && within(times.tpot, limits.tpot) && within(e2e, limits.e2e)
}

/** A time that there is none of (an answer too short for a time per token) breaks no limit. */
function within(ms: number | null, limit: number | undefined): boolean {
  return limit === undefined || ms === null || ms <= limit
}
