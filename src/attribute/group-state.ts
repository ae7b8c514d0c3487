/** What is remembered of a group of spans (service, operation, model): ordinary lengths, usual times, levels, steps. Fixed memory. */
import { createCrowdMemory, type CrowdMemory } from './crowd.js'
import { serverFirstMs } from './direct.js'
import { lazyQuantile, type Group, type LazyQuantile } from './groups.js'
import { createLevelWatch, type LevelWatch } from './level.js'
import type { Observation } from './observation.js'
import { createOverlaps, type Overlaps } from './overlap.js'
import { createRouteMemory, createStepWatch, type RouteMemory, type StepWatch } from './routes.js'
import { createSketch } from './sketch.js'

/** Where a whole prompt in the cache saves less, no clock tells its share. */
const LEAST_SAVED_MS = 5

export interface GroupState {
  group: Group
  routes: RouteMemory
  steps: StepWatch
  crowds: CrowdMemory
  overlaps: Overlaps
  levels: { first: LevelWatch; rest: LevelWatch }
  /** Numbers of those that served it. */
  served: Set<number>
  spans: number
  queue: LazyQuantile
  outsideFirst: LazyQuantile
  outside: LazyQuantile
  /** Spans that looked as if they thought unseen, less those that did not; of about the last hundred. */
  hidden: number
  /** Share of calls whose stream was slow, of about the last three hundred. */
  slow: number
  /** Share of calls that were rate limited, of about the last hundred. */
  limited: number
}

export function createState(group: Group): GroupState {
  return {
    group,
    routes: createRouteMemory(),
    steps: createStepWatch(),
    crowds: createCrowdMemory(),
    overlaps: createOverlaps(),
    levels: { first: createLevelWatch(), rest: createLevelWatch() },
    served: new Set(),
    spans: 0,
    queue: lazyQuantile(createSketch(), 0.5),
    outsideFirst: lazyQuantile(createSketch(), 0.5),
    outside: lazyQuantile(createSketch(), 0.5),
    hidden: 0,
    slow: 0,
    limited: 0,
  }
}

export function remember(
  observation: Observation,
  state: GroupState,
  {
    outsideFirst,
    isElsewhere,
    isFirst,
  }: { outsideFirst: LazyQuantile; isElsewhere: boolean; isFirst: boolean },
): void {
  const { span, lengths, warmTokens, assumed, first, retryMs } = observation
  const prompt = lengths.fresh + lengths.cached
  state.group.add({
    // As it would be with a warm prefix: a cold cache makes no prompt longer.
    fresh: assumed.includes('fresh') ? undefined : prompt - warmTokens,
    output: assumed.includes('visible') ? undefined : lengths.visible,
    reasoning: assumed.includes('visible') ? undefined : lengths.reasoning,
    cached: span.cacheReadTokens,
    isFirst,
    prompt: assumed.includes('fresh') ? undefined : prompt,
    impliedShare: impliedShare(observation),
    duration: span.durationMs,
  })
  if (span.queueMs !== undefined) state.queue.add(span.queueMs)
  const serverTtftMs = serverFirstMs(span, first)
  if (first !== undefined && serverTtftMs !== undefined && span.ttftMs !== undefined) {
    outsideFirst.add(first.observedMs - serverTtftMs)
    // The way to another region is not what is usual.
    if (!isElsewhere) state.outsideFirst.add(first.observedMs - serverTtftMs)
  }
  if (span.serverMs !== undefined && span.serverMs !== serverTtftMs)
    state.outside.add(span.durationMs - retryMs - span.serverMs)
  if (observation.looksHidden !== undefined)
    state.hidden += (observation.looksHidden ? 1 : -1) - state.hidden / 100
  const isLimited = span.httpStatus === 429 || span.tries?.some(({ status }) => status === 429) === true
  state.limited += ((isLimited ? 1 : 0) - state.limited) / 100
  state.routes.add(span)
}

/** Share of the prompt that must have been cached for the span to be on the curve. */
function impliedShare({
  assumed,
  blind,
  known,
  lengths,
  first,
  whole,
  hidden,
}: Observation): number | undefined {
  if (blind || !assumed.includes('cached')) return undefined
  const prompt = lengths.fresh + lengths.cached
  const savedMs = known.ttft(prompt, 0).prefillFresh - known.ttft(0, prompt).prefillCached
  const { observedMs, expectedMs } = hidden || first === undefined ? whole : first
  if (savedMs < LEAST_SAVED_MS) return undefined
  return Math.min(1, Math.max(0, lengths.cached / prompt + (expectedMs - observedMs) / savedMs))
}
