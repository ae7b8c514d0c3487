/** The shift of the share of failed requests. */
import type { Outcome, Sample } from '../sample/sample.js'
import { fisherExact } from '../stats/fisher-exact.js'
import { wilson } from '../stats/wilson.js'
import type { Effect } from './effect.js'
import type { Joined } from './join.js'

/** Not the target's doing: stopped by hand, or out of resources of our own. */
export const OURS: ReadonlySet<string> = new Set<Outcome>(['aborted', 'resource'])

/** Fisher's exact test over all tries of the common cells, and Newcombe's interval. Null without requests. */
export function errorEffect({ pair, base, candidate }: Joined): Effect | null {
  const [a, b] = [count(base), count(candidate)]
  if (a.total === 0 || b.total === 0) return null
  const [ours, theirs] = [a.failed / a.total, b.failed / b.total]
  return {
    pair,
    name: 'errors',
    kind: 'errors',
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
    p: fisherExact({ successes: a.failed, total: a.total }, { successes: b.failed, total: b.total }).p,
    range: newcombe(a, b),
  }
}

interface Failures {
  failed: number
  total: number
}

function count(samples: readonly Sample[]): Failures {
  const tries = samples.filter(({ warmup, outcome }) => !warmup && !OURS.has(outcome))
  return { failed: tries.filter(({ outcome }) => outcome !== 'ok').length, total: tries.length }
}

/** 90 % interval of the difference of two shares by their Wilson intervals (Newcombe 1998, Stat. Med. 17, method 10). */
function newcombe(a: Failures, b: Failures): [number, number] {
  const [ours, theirs] = [a.failed / a.total, b.failed / b.total]
  const [first, second] = [wilson(a.failed, a.total, 0.9), wilson(b.failed, b.total, 0.9)]
  const d = theirs - ours
  return [
    d - Math.hypot(theirs - second.low, first.high - ours),
    d + Math.hypot(second.high - theirs, ours - first.low),
  ]
}
