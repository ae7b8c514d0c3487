/** What lengths cost beyond ordinary ones, by cause. */
import { costOf, type Lengths } from './lengths.js'
import type { Observation } from './observation.js'

/** What lengths cost beyond the reference; milliseconds, 0 where they do not. */
export interface LengthExcess {
  'prefill-surge': number
  'cold-cache': number
  'long-output': number
  reasoning: number
}

const NO_EXCESS: LengthExcess = { 'prefill-surge': 0, 'cold-cache': 0, 'long-output': 0, reasoning: 0 }

/** What each length costs, one after the other, so that the parts add up to expected less reference. */
export function lengthExcess({
  blind,
  lengths,
  warmTokens: warm,
  reference,
  known,
}: Observation): LengthExcess {
  if (blind) return NO_EXCESS
  const warmed = { ...lengths, fresh: lengths.fresh + lengths.cached - warm, cached: warm }
  const short = { ...warmed, fresh: reference.fresh }
  const terse = { ...short, visible: reference.visible }
  const costs = (at: Lengths): number => costOf(known, at)
  const [asItWas, ifWarm, ifShort, ifTerse, ordinary] = [
    costs(lengths),
    costs(warmed),
    costs(short),
    costs(terse),
    costs(reference),
  ]
  return {
    'cold-cache': Math.max(0, asItWas - ifWarm),
    'prefill-surge': Math.max(0, ifWarm - ifShort),
    'long-output': Math.max(0, ifShort - ifTerse),
    reasoning: Math.max(0, ifTerse - ordinary),
  }
}
