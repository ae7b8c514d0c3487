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

/** Causes that a server can make; the others lie with what its client sends. */
export const SERVICE_CAUSES: ReadonlySet<Cause> = new Set<Cause>([
  'cold-cache',
  'noisy-neighbour',
  'queueing',
  'route-change',
  'slow-replica',
  'network',
])
