/** How fast one account may be asked, learned from its refusals and its headers: arithmetic, no clock. */
import type { RateLimits } from '../protocol/protocol.js'

/** Nanoseconds of the run's clock throughout. */
export interface Throttle {
  /** Nothing may start before. */
  holdUntilNs: number
  /** Least time between two starts; 0 until a limit was met. */
  gapNs: number
  lastStartNs: number
  /** Requests refused by the limit, and how many of them since one last passed. */
  refused: number
  inARow: number
  /** Since the last hold was over: what was asked, what was refused, and what its headers told of the refill. */
  window: { startNs: number; asked: number; refused: number; toldNs: number | undefined }
  /** Successes since the gap last changed. */
  streak: number
  /** How the gap was come by: by a first guess, by refusals on it, or told by headers. */
  gapIs: 'none' | 'guessed' | 'met' | 'told'
}

export function createThrottle(nowNs: number): Throttle {
  const window = { startNs: nowNs, asked: 0, refused: 0, toldNs: undefined }
  return {
    holdUntilNs: nowNs,
    gapNs: 0,
    lastStartNs: -Infinity,
    refused: 0,
    inARow: 0,
    window,
    streak: 0,
    gapIs: 'none',
  }
}

/** When the next request may start. */
export function opensAtNs({ holdUntilNs, lastStartNs, gapNs }: Throttle): number {
  return Math.max(holdUntilNs, gapNs === 0 ? -Infinity : lastStartNs + gapNs)
}

export function onStart(throttle: Throttle, nowNs: number): void {
  throttle.lastStartNs = nowNs
  throttle.window.asked++
}

/** A refusal on a pace already learned means that it was too fast. */
const SLOWER = 1.25
const SLOWEST_STEP = 2

/**
 * How fast a pace is tried to be raised: a first guess is bad (Retry-After comes in whole seconds), so it is halved
 * every few successes until the limit is met; from then on in small steps, so that at most some 3 % are refused.
 */
const RISE = {
  guessed: { patience: 3, factor: 0.5 },
  met: { patience: 20, factor: 0.9 },
}

export function onPassed(throttle: Throttle): void {
  const { gapIs } = throttle
  throttle.inARow = 0
  if (gapIs === 'none' || gapIs === 'told' || ++throttle.streak < RISE[gapIs].patience) return
  throttle.gapNs *= RISE[gapIs].factor
  throttle.streak = 0
}

export interface Refusal {
  /** Of the request that was refused. */
  startNs: number
  nowNs: number
  /** How long the account asks to be left alone; undefined where it does not say. */
  waitNs: number | undefined
  /** Time between two requests by the headers (`refillNs`); undefined where they tell none, or more than may be waited. */
  toldNs: number | undefined
}

// Where a refusal names no wait: half a second, doubled with every further one.
const FIRST_WAIT_NS = 0.5e9
const LONGEST_WAIT_NS = 8e9

export function onRefused(throttle: Throttle, refusal: Refusal): void {
  const { startNs, nowNs, waitNs, toldNs } = refusal
  const { window } = throttle
  throttle.refused++
  throttle.streak = 0
  const ownWaitNs = Math.min(LONGEST_WAIT_NS, FIRST_WAIT_NS * 2 ** throttle.inARow)
  throttle.holdUntilNs = Math.max(throttle.holdUntilNs, nowNs + (waitNs ?? ownWaitNs))
  // What was in the air before the last hold teaches nothing new.
  if (startNs < window.startNs) return
  if (window.refused === 0) throttle.inARow++
  window.refused++
  window.toldNs = toldNs ?? window.toldNs
}

/**
 * To be called before a start, once nothing is held any more. Of a window that met the limit the account let `asked −
 * refused` requests pass in the time up to the end of the hold: that is its rate, unless its headers told the refill
 * itself. The first window holds the bucket's burst as well and is too fast; the next one has no burst in it.
 */
export function learn(throttle: Throttle, nowNs: number): void {
  const { window, holdUntilNs, gapNs } = throttle
  if (window.refused === 0 || nowNs < holdUntilNs) return
  const passed = window.asked - window.refused
  const countedNs = (holdUntilNs - window.startNs) / Math.max(1, passed)
  throttle.window = { startNs: nowNs, asked: 0, refused: 0, toldNs: undefined }
  if (window.toldNs !== undefined) {
    throttle.gapNs = Math.max(window.toldNs, gapNs * SLOWER)
    throttle.gapIs = 'told'
  } else if (passed === 0) {
    return // Nothing passed: the hold was too short, which says nothing of the rate.
  } else if (throttle.gapIs === 'none') {
    throttle.gapNs = countedNs
    throttle.gapIs = 'guessed'
  } else {
    throttle.gapNs = Math.min(Math.max(countedNs, gapNs * SLOWER), gapNs * SLOWEST_STEP)
    throttle.gapIs = 'met'
  }
}

/**
 * Nanoseconds a request, by the limit of which the least is left: `reset` is the time until the bucket is whole
 * again, so what is missing comes back at missing ÷ reset (OpenAI, "Rate limits", headers; Anthropic the same).
 */
export function refillNs(limits: RateLimits | undefined, tokens: number): number | undefined {
  if (limits === undefined) return undefined
  const byRequests = refill(limits.limitRequests, limits.remainingRequests, limits.resetRequestsS, 1)
  const byTokens = refill(limits.limitTokens, limits.remainingTokens, limits.resetTokensS, tokens)
  const known = [byRequests, byTokens].filter((each) => each !== undefined)
  return known.sort((a, b) => a.left - b.left)[0]?.ns
}

function refill(
  limit: number | undefined,
  remaining: number | undefined,
  resetS: number | undefined,
  need: number,
): { left: number; ns: number } | undefined {
  if (limit === undefined || remaining === undefined || resetS === undefined) return undefined
  const missing = limit - remaining
  // One with room for the request did not refuse it: its window says nothing of the pace.
  if (remaining >= need || missing <= 0 || resetS <= 0) return undefined
  return { left: remaining / limit, ns: (resetS / missing) * need * 1e9 }
}
