/** Spans in, in about the order of their ends; attributions out, in the order of the spans. All memory is bounded. */
import type { Span } from '../span/span.js'
import type { Attribution } from './attribution.js'
import { chooseKnown } from './choose.js'
import { conclude, isSound } from './conclude.js'
import { createConversations } from './conversations.js'
import { createPlaces } from './places.js'
import type { Known } from './known.js'
import { observe } from './observation.js'
import { isUntimed, unattributed } from './told.js'

export interface AttributorOptions {
  /** Of all baselines. */
  known: readonly Known[]
}

export interface Attributor {
  /**
   * Takes a span; gives those that are settled by it. `nowMs`, since 1970: no span ends later, whatever the clock of its
   * sender says. @default unknown, as in a file
   */
  push(span: Span, nowMs?: number): Attribution[]
  /** Those that need wait no longer when it is `nowMs` (since 1970): a clock for where no span comes any more. */
  release(nowMs: number): Attribution[]
  /** The rest. */
  end(): Attribution[]
}

/** A span waits for its neighbours: those that start up to so much later. */
const LOOK_AHEAD_MS = 10_000
const MOST_WAITING = 20_000

interface Waiting {
  dueMs: number
  /** Its attribution, where it needs no neighbours: most are within the band of the curve. */
  found: Attribution | (() => Attribution)
}

export function createAttributor({ known }: AttributorOptions): Attributor {
  const choose = chooseKnown(known)
  const conversations = createConversations()
  const places = createPlaces()
  let waiting: Waiting[] = []
  let head = 0
  let latestMs = -Infinity

  function look(span: Span, endMs: number): Waiting {
    const choice = choose(span)
    const dueMs = endMs + LOOK_AHEAD_MS
    if (choice === undefined || span.error !== undefined || isUntimed(span))
      return { dueMs, found: unattributed(span) }
    const place = places.of(span)
    const isFirst = conversations.isFirst(span)
    const warmTokens = conversations.warmTokens(span, place.usualCached(span, isFirst), choice.known)
    const observation = observe(span, {
      known: choice.known,
      ordinary: place.ordinary(),
      warmTokens,
      hides: place.hides(),
    })
    const passage = place.add(observation, isFirst)
    conversations.add(span)
    const settle = (): Attribution => conclude(observation, choice, place, passage)
    return { dueMs, found: isSound(observation) ? settle() : settle }
  }

  const settle = ({ found }: Waiting): Attribution => (typeof found === 'function' ? found() : found)

  function settleDue(): Attribution[] {
    const settled: Attribution[] = []
    for (let next = waiting[head]; next !== undefined; next = waiting[head]) {
      if (next.dueMs > latestMs && waiting.length - head <= MOST_WAITING) break
      settled.push(settle(next))
      head++
    }
    if (head > 4096 && head * 2 > waiting.length) {
      waiting = waiting.slice(head)
      head = 0
    }
    return settled
  }

  return {
    push(span, nowMs = Infinity) {
      const endMs = Math.min(nowMs, span.startedAtMs + span.durationMs)
      latestMs = Math.max(latestMs, endMs)
      waiting.push(look(span, endMs))
      return settleDue()
    },
    release(nowMs) {
      latestMs = Math.max(latestMs, nowMs)
      return settleDue()
    },
    end() {
      const rest = waiting.slice(head).map(settle)
      waiting = []
      head = 0
      return rest
    },
  }
}
