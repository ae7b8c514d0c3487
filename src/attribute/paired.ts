/** Spans in, in about the order of their ends; attributions with their spans out, in the same order. All memory is bounded. */
import type { Tier } from '../span/causes.js'
import type { Span } from '../span/span.js'
import type { Attribution } from './attribution.js'
import { chooseKnown, type Choice } from './choose.js'
import { conclude, isSound } from './conclude.js'
import { createConversations } from './conversations.js'
import type { Known } from './known.js'
import { createBlank, observe, type Blank, type Observation } from './observation.js'
import { createPlaces, type Place } from './places.js'
import { isUntimed, unattributed } from './told.js'

/** An attribution together with its span, which knows tenant, region and route. */
export interface Attributed {
  span: Span
  attribution: Attribution
}

/** A span within the band of its curve, by what a sum of many needs of it. */
export interface SoundSpan {
  span: Span
  tier: Tier
  /** Beyond the reference, less than a cause is listed from. */
  excessMs: number
  choice: Choice
  doubts: readonly string[]
}

export interface AttributorOptions {
  /** Of all baselines. */
  known: readonly Known[]
  /**
   * Takes every span within the band of its curve, at once, in place of its attribution: where only sums are wanted.
   * What it is given holds for the call alone. @default none: all have an attribution
   */
  onSound?: ((sound: Readonly<SoundSpan>) => void) | undefined
}

export interface PairedAttributor {
  /**
   * Takes a span; gives those that are settled by it. `nowMs`, since 1970: no span ends later, whatever the clock of its
   * sender says. @default unknown, as in a file
   */
  push(span: Span, nowMs?: number): readonly Attributed[]
  /** Those that need wait no longer when it is `nowMs` (since 1970): a clock for where no span comes any more. */
  release(nowMs: number): readonly Attributed[]
  /** The rest. */
  end(): readonly Attributed[]
}

/** A span waits for its neighbours: those that start up to so much later. */
const LOOK_AHEAD_MS = 10_000
const MOST_WAITING = 20_000
/** In a file, the first calls of a group wait for what those after them teach of it: by so much, and so many in all. */
const PATIENCE_MS = 300_000
const MOST_PATIENT = 2_000

interface Waiting {
  span: Span
  dueMs: number
  /** Its attribution, where it needs no neighbours: most are within the band of the curve. */
  found: Attribution | (() => Attribution)
  /** Where calls after it have more to teach: undefined where nothing waits for that. */
  place: Place | undefined
}

const NONE: readonly Attributed[] = []

export function createPairedAttributor({ known, onSound }: AttributorOptions): PairedAttributor {
  const choose = chooseKnown(known)
  const conversations = createConversations()
  const places = createPlaces()
  let waiting: Waiting[] = []
  let head = 0
  /** Up to here all is judged that need not wait for more of its group. */
  let ripe = 0
  let latestMs = -Infinity
  // Of a sound span nothing is kept: its observation is written over by the next.
  let blank: Blank | undefined

  /** `isFile`: nobody waits for the clock. */
  function look(span: Span, endMs: number, isFile: boolean): void {
    const dueMs = endMs + LOOK_AHEAD_MS
    const wait = (found: Waiting['found'], place?: Place): void =>
      void waiting.push({ span, dueMs, found, place: isFile ? place : undefined })
    const choice = choose(span)
    if (choice === undefined || span.error !== undefined || isUntimed(span)) return wait(unattributed(span))
    const place = places.of(span)
    const isFirst = conversations.isFirst(span)
    blank ??= createBlank(span, choice.known)
    const observation = observe(
      span,
      {
        known: choice.known,
        ordinary: place.ordinary(),
        warmTokens: conversations.warmTokens(span, place.usualCached(span, isFirst), choice.known),
        hides: place.hides(),
      },
      blank,
    )
    const passage = place.add(observation, isFirst)
    conversations.add(span)
    if (!isSound(observation)) {
      blank = undefined
      return wait(lazily(observation, choice, place, passage), place)
    }
    if (onSound === undefined) return wait(conclude(observation, choice, place, passage))
    const { tier, excessMs, doubts: own } = observation
    const doubts = choice.doubts.length === 0 ? own : [...choice.doubts, ...own]
    onSound({ span, tier, excessMs, choice, doubts })
  }

  /** Out they go in order; but what waits for one whose group is new is judged when it is due, not by what comes later. */
  function judgeDue(): void {
    for (ripe = Math.max(ripe, head); ripe < waiting.length; ripe++) {
      const next = waiting[ripe]!
      if (next.dueMs > latestMs) return
      if (typeof next.found === 'function' && next.place?.isNew() !== true) next.found = next.found()
    }
  }

  function settleDue(): readonly Attributed[] {
    let settled: Attributed[] | undefined
    judgeDue()
    for (let next = waiting[head]; next !== undefined; next = waiting[head]) {
      const held = waiting.length - head
      if (next.dueMs > latestMs && held <= MOST_WAITING) break
      if (next.place?.isNew() === true && next.dueMs + PATIENCE_MS > latestMs && held <= MOST_PATIENT) break
      settled ??= []
      settled.push(settle(next))
      head++
    }
    if (head > 64 && head * 2 > waiting.length) {
      waiting = waiting.slice(head)
      ripe = Math.max(0, ripe - head)
      head = 0
    }
    return settled ?? NONE
  }

  return {
    push(span, nowMs = Infinity) {
      const endMs = Math.min(nowMs, span.startedAtMs + span.durationMs)
      latestMs = Math.max(latestMs, endMs)
      look(span, endMs, nowMs === Infinity)
      return settleDue()
    },
    release(nowMs) {
      latestMs = Math.max(latestMs, nowMs)
      return settleDue()
    },
    end() {
      const rest = waiting.slice(head).map(settle)
      waiting = []
      head = ripe = 0
      return rest
    },
  }
}

/** Apart, so that no span within the band pays for what this one keeps. */
function lazily(observation: Observation, choice: Choice, place: Place, passage: number): () => Attribution {
  return () => conclude(observation, choice, place, passage)
}

function settle({ span, found }: Waiting): Attributed {
  return { span, attribution: typeof found === 'function' ? found() : found }
}
