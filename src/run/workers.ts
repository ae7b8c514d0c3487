/** How many threads a load needs. */
import { availableParallelism } from 'node:os'
import { createRandom } from '../random/random.js'
import type { Scenario } from '../scenario/scenario.js'
import { nothingSeen, sourcesOf } from './sources.js'

/**
 * Requests in flight for one event loop: with 500 streams of 50 tokens/s stamping takes a third of a core, with 1,000
 * more than half, and a stall is then made up for slowly (`npm run bench:truth`, docs/instrument.md).
 */
const STREAMS_A_LOOP = 500

/**
 * From so many on the main thread stamps nothing: what it parses and writes for the streams that have ended would make
 * the stamps of the others late.
 */
const STREAMS_FOR_A_THREAD = 16

/** Threads for so many requests in flight; no more than there are cores, for then they only disturb each other. 0: the main thread. */
export function loopsFor(inFlight: number, cores: number = availableParallelism()): number {
  if (inFlight < STREAMS_FOR_A_THREAD) return 0
  return Math.max(1, Math.min(cores, Math.ceil(inFlight / STREAMS_A_LOOP)))
}

/** As asked for on the command line or in the scenario, else by the load that its plan is likely to make. */
export function workersOf(scenario: Scenario, asked: number | undefined): number {
  const given = asked ?? scenario.workers
  if (given !== undefined) return given
  const { mostInFlight } = sourcesOf(scenario, {
    random: createRandom(scenario.seed ?? 1),
    ...nothingSeen,
    ownRequests: [],
  })
  return loopsFor(mostInFlight)
}
