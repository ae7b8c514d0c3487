/** The shifts of shares of requests: that failed, and that were answered wrongly. */
import type { Outcome, Sample } from '../sample/sample.js'
import { fisherExact } from '../stats/fisher-exact.js'
import { wilson } from '../stats/wilson.js'
import type { Effect } from './effect.js'
import type { Joined } from './join.js'

/** Not the target's doing: stopped by hand, or out of resources of our own. */
export const OURS: ReadonlySet<string> = new Set<Outcome>(['aborted', 'resource'])

/** Over all tries of the common cells. Null without requests. */
export function errorEffect(joined: Joined): Effect | null {
  return shareEffect(joined, 'errors', (samples) => {
    const tries = samples.filter(({ warmup, outcome }) => !warmup && !OURS.has(outcome))
    return { count: tries.filter(({ outcome }) => outcome !== 'ok').length, total: tries.length }
  })
}

/** Wrong answers to questions that have one right answer. Null where none was asked. */
export function canaryEffect(joined: Joined): Effect | null {
  return shareEffect(joined, 'canary', (samples) => {
    const answers = samples.filter(
      ({ warmup, outcome, answer }) => !warmup && outcome === 'ok' && answer !== undefined,
    )
    return { count: answers.filter(({ answer }) => answer === 'wrong').length, total: answers.length }
  })
}

interface Share {
  count: number
  total: number
}

/** Fisher's exact test, and Newcombe's interval. */
function shareEffect(
  { pair, base, candidate }: Joined,
  name: 'errors' | 'canary',
  shareOf: (samples: readonly Sample[]) => Share,
): Effect | null {
  const [a, b] = [shareOf(base), shareOf(candidate)]
  if (a.total === 0 || b.total === 0) return null
  const [ours, theirs] = [a.count / a.total, b.count / b.total]
  return {
    pair,
    name,
    kind: 'share',
    gated: true,
    why: null,
    base: ours,
    candidate: theirs,
    unit: 'share',
    scale: 'share',
    d: theirs - ours,
    se: null,
    df: null,
    f: null,
    gEff: null,
    blocks: [a.total, b.total],
    hodgesLehmann: null,
    p: fisherExact({ successes: a.count, total: a.total }, { successes: b.count, total: b.total }).p,
    range: newcombe(a, b),
  }
}

/** 90 % interval of the difference of two shares by their Wilson intervals (Newcombe 1998, Stat. Med. 17, method 10). */
function newcombe(a: Share, b: Share): [number, number] {
  const [ours, theirs] = [a.count / a.total, b.count / b.total]
  const [first, second] = [wilson(a.count, a.total, 0.9), wilson(b.count, b.total, 0.9)]
  const d = theirs - ours
  return [
    d - Math.hypot(theirs - second.low, first.high - ours),
    d + Math.hypot(second.high - theirs, ours - first.low),
  ]
}
