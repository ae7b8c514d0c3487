/** When a failed request ends the run, and when it is tried again. */
import type { Outcome, Sample } from '../sample/sample.js'
import type { Stop } from './events.js'
import { WARM_UP } from './warm-up.js'

/** Failures that the next request would meet as well: the run stops at the first. */
const FATAL: Partial<Record<Outcome, Stop['reason']>> = {
  'http-401': 'unauthorized',
  'http-403': 'unauthorized',
  redirect: 'redirect',
}

/** Failures that, met before anything succeeded, mean that there is nothing to measure. */
const FATAL_AT_FIRST: Partial<Record<Outcome, Stop['reason']>> = {
  refused: 'unreachable',
  dns: 'unreachable',
  tls: 'unreachable',
  'not-streaming': 'not-streaming',
  'http-404': 'unreachable',
  'http-400': 'unreachable',
}

const RETRIED: ReadonlySet<Outcome> = new Set(['http-429', 'http-5xx', 'refused', 'reset', 'closed'])

export function shouldRetry(outcome: Outcome): boolean {
  return RETRIED.has(outcome)
}

/** Failures by target; decides when to give up. */
export interface StopRules {
  /**
   * Why the run must stop after this sample, or null. In a storm every try counts; one that a rate limit refused
   * and that is made again (`isHeld`) does not where something passed before: there the run slows down instead.
   */
  judge(sample: Sample, isHeld?: boolean): Stop | null
  /** Why a run that carried out its plan is a failure all the same, or null. A request that a later try answered has not failed. */
  verdict(): Stop | null
}

// Before this many tries the run goes on: one failure of two is no storm.
const LEAST_TRIES = 20

/** `before`: samples of the earlier part of a run that is taken up again; they count as well. */
export function createStopRules(errorLimit: number, before: readonly Sample[] = []): StopRules {
  const succeeded = new Set<string>()
  let tries = 0
  let firstTries = 0
  let answered = 0
  let last = ''
  const overLimit = (failed: number, of: number): Stop | null => {
    if (of === 0 || failed / of <= errorLimit) return null
    const share = `${failed} of ${of} requests failed, above the limit of ${percent(errorLimit)}`
    return { reason: 'error-limit', message: `${share}; the last one: ${last}` }
  }
  /** False where the sample is no failure. */
  function count(sample: Sample, isHeld: boolean): boolean {
    // What we cut off ourselves says nothing of the target.
    if (sample.outcome === 'aborted') return false
    if (!isHeld || !succeeded.has(sample.target)) tries++
    if (sample.attempt === 1) firstTries++
    if (sample.outcome !== 'ok') return true
    answered++
    succeeded.add(sample.target)
    return false
  }
  for (const sample of before) {
    if (wasNegotiated(sample)) continue
    if (count(sample, sample.outcome === 'http-429')) last = reasonOf(sample)
  }
  return {
    verdict: () => overLimit(firstTries - answered, firstTries),
    judge(sample, isHeld = false) {
      if (!count(sample, isHeld)) return null
      const message = reasonOf(sample)
      const fatal = FATAL[sample.outcome]
      if (fatal !== undefined) return { reason: fatal, message }
      const first = succeeded.has(sample.target) ? undefined : FATAL_AT_FIRST[sample.outcome]
      if (first !== undefined) return { reason: first, message: withRemedy(message, sample.outcome) }
      last = message
      return tries >= LEAST_TRIES ? overLimit(tries - answered, tries) : null
    },
  }
}

/** A server that takes fewer parameters than we send; those that it names itself `negotiate` has left out before. */
function withRemedy(message: string, outcome: Outcome): string {
  if (outcome !== 'http-400') return message
  return `${message}; a parameter that the server does not take can be left out with quirks, or set with body, under its target`
}

/** A warm-up request refused for a parameter that was then left out: any other such refusal has ended its run. */
function wasNegotiated({ probe, outcome }: Sample): boolean {
  return probe === WARM_UP && (outcome === 'http-400' || outcome === 'http-4xx')
}

const reasonOf = ({ detail, outcome }: Sample): string => detail ?? outcome
const percent = (share: number): string => `${Math.round(share * 1000) / 10} %`
