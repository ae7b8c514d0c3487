/** The noises that intervals and verdicts are held against: factors on the times of a simulated run. */
import { autoregressive, lognormal, type RunDesign } from '../curve/simulated-run.js'

type Noise = RunDesign['noise']

export interface NamedNoise {
  name: string
  /** A chain of its own for each run. `perBlock`: requests in a block. */
  make: (perBlock: number) => Noise
  /** Of the factor: what the law of the conditional median is off by. Null where it depends on the time itself. */
  median: number | null
}

// Φ⁻¹(.5 ÷ .7): where the median lies in the fast regime, when the slow one does not reach down to it.
const AT_SEVEN_TENTHS = 0.565949
// Φ⁻¹(.5 ÷ .9), for one in ten.
const AT_NINE_TENTHS = 0.13971

const JITTER = 0.1

const bimodal: NamedNoise = {
  name: 'bimodal 30 % x 1.6',
  make: () => (random) => lognormal(JITTER)(random) * (random.next() < 0.3 ? 1.6 : 1),
  median: Math.exp(JITTER * AT_SEVEN_TENTHS),
}
const outliers: NamedNoise = {
  name: 'outliers 10 % x 1.8-6',
  make: () => (random) => lognormal(JITTER)(random) * (random.next() < 0.1 ? 1.8 + 4.2 * random.next() : 1),
  median: Math.exp(JITTER * AT_NINE_TENTHS),
}
const blockShifts: NamedNoise = { name: 'block shifts .2 + .12', make: shiftingBlocks(0.2, 0.12), median: 1 }
const spells: NamedNoise = {
  name: 'slow spells of 30 requests',
  make: () => slowSpells(30, 0.3, 1.6),
  median: bimodal.median,
}
const plain = (name: string, sd: number): NamedNoise => ({ name, make: () => lognormal(sd), median: 1 })
const chain = (rho: number, sd = 0.25): NamedNoise => ({
  name: `AR(1) ${rho}, ${sd}`,
  make: () => autoregressive(rho, sd),
  median: 1,
})

/** The table of STATISTICS §1. */
export const CURVE_NOISES: readonly NamedNoise[] = [
  plain('clean .05', 0.05),
  plain('lognormal .30', 0.3),
  outliers,
  bimodal,
  chain(0.8),
  blockShifts,
  { name: 'queue 80 ms, sigma 1.1', make: () => queue(80, 1.1), median: null },
  spells,
]

/** The table of STATISTICS §3, then runs that creep: each block like the one before, all of them near one another. */
export const GATE_NOISES: readonly NamedNoise[] = [
  plain('idle 1 %', 0.01),
  plain('lognormal .25', 0.25),
  bimodal,
  outliers,
  blockShifts,
  chain(0.5),
  chain(0.8),
  spells,
  chain(0.98, 0.01),
  chain(0.98, 0.02),
]

/** Each block as a whole is off by its own factor; requests scatter about that. */
function shiftingBlocks(between: number, within: number) {
  return (perBlock: number): Noise => {
    const state = { ttft: { asked: 0, shift: 0 }, tpot: { asked: 0, shift: 0 } }
    return (random, metric) => {
      const own = state[metric]
      if (own.asked++ % perBlock === 0) own.shift = between * random.normal()
      return Math.exp(own.shift + within * random.normal())
    }
  }
}

/** A chain of two states: `share` of the requests slower by `ratio`, in spells of `length` requests on average. */
function slowSpells(length: number, share: number, ratio: number): Noise {
  const slow: Partial<Record<'ttft' | 'tpot', boolean>> = {}
  const leave = 1 / length
  const enter = (leave * share) / (1 - share)
  return (random, metric) => {
    const before = slow[metric] ?? random.next() < share
    const now = random.next() < (before ? leave : enter) ? !before : before
    slow[metric] = now
    return lognormal(JITTER)(random) * (now ? ratio : 1)
  }
}

/** A wait in front of the first token, log-normal about `ms`; decode does not queue. */
function queue(ms: number, sigma: number): Noise {
  return (random, metric, lawMs) => {
    const wait = metric === 'ttft' ? ms * Math.exp(sigma * random.normal()) : 0
    return lognormal(0.05)(random) + wait / lawMs
  }
}
