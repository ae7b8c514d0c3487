/** Virtual time, whole: router, fleet, engine, truth. The table says how many engine steps a second, at which batch. */
import { bench } from 'vitest'
import { createRandom } from '../../src/random/random.js'
import { resolveProfile } from '../../src/simulate/profiles.js'
import { runVirtual } from '../../src/simulate/virtual.js'

const resolved = resolveProfile('8b-h100')
if (!resolved.ok) throw new Error(resolved.problems.join('; '))
const setup = { profile: resolved.profile, incidents: [], seed: 1 }
const random = createRandom('bench')
let arrivalMs = 0
// 18 requests a second of 300 tokens keep about 50 sequences running on one replica.
const requests = Array.from({ length: 5_000 }, () => ({
  arrivalMs: (arrivalMs += random.exponential() * 55),
  promptTokens: 100 + random.int(500),
  outputTokens: 200 + random.int(200),
}))
let best = { stepsPerS: 0, requestsPerS: 0, meanBatch: 0 }

bench(
  '5,000 requests on one replica in virtual time',
  () => {
    const beganMs = performance.now()
    const { load } = runVirtual(setup, requests)
    const seconds = (performance.now() - beganMs) / 1000
    const stepsPerS = Math.round(load.steps / seconds)
    if (stepsPerS <= best.stepsPerS) return
    best = {
      stepsPerS,
      requestsPerS: Math.round(requests.length / seconds),
      meanBatch: Math.round((10 * load.stepSequences) / load.steps) / 10,
    }
  },
  { iterations: 20, teardown: () => console.table(best) },
)
