/** More draws of `law.timing.test.ts`. */
import { test, vi } from 'vitest'
import { expectSimulatedLaw, PATIENCE_MS } from './law.js'

vi.setConfig({ testTimeout: PATIENCE_MS })

test.each([3, 4, 5])(
  'a law of the simulated provider drawn at random comes back: base within 2 ms, slope 3 %, tpot 2 % (draw %i)',
  expectSimulatedLaw,
)
