/** The names of causes, verdicts and phases: what attribution says and labelled spans are labelled with. */

/** A named reason for the excess of a span over its reference. */
export const causes = [
  'prefill-surge',
  'cold-cache',
  'noisy-neighbour',
  'route-change',
  'queueing',
  'retry',
  'slow-replica',
  'long-output',
  'reasoning',
  'client-stall',
  'network',
] as const
export type Cause = (typeof causes)[number]

/** `none`: no excess worth listing; `unknown`: an excess whose cause the evidence does not show. */
export type Verdict = Cause | 'none' | 'unknown'
export const verdicts: readonly Verdict[] = [...causes, 'none', 'unknown']

/** Where the time of a span goes; the milliseconds of all phases add up to its duration. */
export const phases = [
  'network', // all that the curve's base holds: gateway and front end too
  'queue',
  'prefillFresh',
  'prefillCached',
  'reasoning',
  'decode',
  'retry', // failed attempts and the waits between them
  'client', // the caller itself: a stalled event loop, a slow reader
] as const
export type Phase = (typeof phases)[number]

/** Milliseconds. */
export type Phases = Record<Phase, number>

/**
 * How much a span tells. A: timings of the server itself; B: TTFT, tokens and cache counts; C: TTFT and tokens;
 * D: duration and tokens; E: duration alone.
 */
export const tiers = ['A', 'B', 'C', 'D', 'E'] as const
export type Tier = (typeof tiers)[number]
