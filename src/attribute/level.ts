/** What the calls of a group usually take, as a multiple of what the curve says: the level from which faults depart. */
import { lazyQuantile } from './groups.js'
import type { Noise } from './noise.js'
import { createSketch } from './sketch.js'

/** Log ratios: the median, and how far the lower half lies about it. */
export interface Level {
  log: number
  sd: number
}

export interface LevelWatch {
  add(log: number): void
  /** Undefined while the group is on the curve, or too few calls were seen to say. */
  value(noise: Noise): Level | undefined
}

const LEAST_CALLS = 40
/** A group is off its curve from here up, and from one standard deviation of the scatter. */
const OFF = Math.log(1.1)
/** A sketch counts from 1 up, to within 1 %. */
const SCALE = 1000
/** Share of a normal distribution below −.674 sd: a quarter. */
const QUARTER_SD = 0.674

/** By quantiles from the middle down, which faults of less than three calls in four leave alone. */
export function createLevelWatch(): LevelWatch {
  const ratios = createSketch()
  const [middle, quarter] = [lazyQuantile(ratios, 0.5), lazyQuantile(ratios, 0.25)]
  return {
    add(log) {
      if (!Number.isNaN(log)) ratios.add(SCALE * Math.exp(log))
    },
    value({ centre, sd }) {
      const ratio = middle.value(LEAST_CALLS)
      if (ratio === undefined) return undefined
      const log = Math.log(ratio / SCALE)
      const low = Math.log((quarter.value(LEAST_CALLS) ?? ratio) / SCALE)
      // Three calls in four are off it: what began at some time has not been the level all along.
      if (low - centre < Math.max(OFF, sd)) return undefined
      return { log, sd: Math.max(sd, (log - low) / QUARTER_SD) }
    },
  }
}
