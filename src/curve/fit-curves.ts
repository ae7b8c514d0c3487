/** From the samples of a run to the curves of its targets. */
import type { Law } from '../plan/probe.js'
import type { Random } from '../random/random.js'
import type { Sample } from '../sample/sample.js'
import { fitCache } from './cache.js'
import { fitContention } from './contention.js'
import type { Curve } from './curve.js'
import { fitDecode } from './decode.js'
import type { Fitted, FitNote, FitOptions } from './law.js'
import { fitPrefill } from './prefill.js'
import { toRows } from './rows.js'

export interface FitCurvesOptions {
  random: Random
  /** Names, in the order wanted. @default every target that has samples */
  targets?: readonly string[] | undefined
  /** @default 999 */
  resamples?: number | undefined
  /** @default all of them */
  laws?: readonly Law[] | undefined
  /** Prefill with its quadratic, or without. @default where it earns its place */
  curved?: boolean | undefined
}

/** A curve that could not be fitted although samples of its kind were taken. */
export interface TargetNote extends FitNote {
  target: string
  law: Law
}

const CONTENTION_PROBE = 'concurrency'

/** Each curve from its own stream of chance, so that a target more changes no other's interval. */
export function fitCurves(
  samples: readonly Sample[],
  options: FitCurvesOptions,
): { curves: Curve[]; notes: TargetNote[] } {
  const targets = options.targets ?? [...new Set(samples.map(({ target }) => target))]
  const curves: Curve[] = []
  const notes: TargetNote[] = []
  for (const target of targets) {
    const own = samples.filter((sample) => sample.target === target)
    for (const [law, fitted] of fitAll(own, target, options)) {
      if (fitted === null) continue
      if ('note' in fitted) notes.push({ target, law, ...fitted.note })
      else curves.push({ target, law, ...fitted })
    }
  }
  return { curves, notes }
}

function fitAll(own: readonly Sample[], target: string, options: FitCurvesOptions): [Law, Fitted | null][] {
  const { random, resamples = 999, curved, laws } = options
  const forLaw = (law: Law): FitOptions => ({ random: random.fork(`${target}/${law}`), resamples, curved })
  const rows = toRows(own)
  const contended = toRows(oneLength(own.filter(({ probe }) => probe === CONTENTION_PROBE)))
  const fits: [Law, () => Fitted | null][] = [
    ['prefill', () => fitPrefill(rows, forLaw('prefill'))],
    ['decode', () => fitDecode(rows, forLaw('decode'))],
    ['contention', () => fitContention(contended, forLaw('contention'))],
    ['cache', () => fitCache(own)],
  ]
  return fits.filter(([law]) => laws?.includes(law) ?? true).map(([law, fit]) => [law, fit()])
}

/** The law holds at one pair of lengths: of several, the one with most samples (its range of validity says which). */
function oneLength(samples: readonly Sample[]): readonly Sample[] {
  const groups = new Map<string, Sample[]>()
  for (const sample of samples) {
    const key = `${sample.asked.promptTokens}/${sample.asked.outputTokens}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [sample])
    else group.push(sample)
  }
  return [...groups.values()].reduce<readonly Sample[]>((a, b) => (b.length > a.length ? b : a), [])
}
