/** The names of what can befall a request inside, on purpose and labelled. */

export const CAUSES = [
  'prefill-surge',
  'cold-cache',
  'noisy-neighbour',
  'queueing',
  'route-change',
  'retry',
  'slow-replica',
  'long-output',
  'reasoning',
  'client-stall',
  'network',
] as const

export type Cause = (typeof CAUSES)[number]

export function isCause(name: string): name is Cause {
  return CAUSES.some((cause) => cause === name)
}
