/** Virtual time: a thousand engine steps at a batch of 36, so that hz × 1000 is steps a second. */
import { bench } from 'vitest'
import { createRandom } from '../../src/random/random.js'
import { createEngine, createSequence, enqueue, step } from '../../src/simulate/engine.js'
import { resolveProfile } from '../../src/simulate/profiles.js'

const resolved = resolveProfile('8b-h100')
if (!resolved.ok || resolved.profile.kind !== 'engine') throw new Error('8b-h100 is an engine profile')
const random = createRandom('bench')
const engine = createEngine(resolved.profile.constants, random.fork('engine'))
const noHashes = new Float64Array(0)
let nextId = 0
let nowMs = 0

bench('1000 engine steps, mean batch 36', () => {
  for (let i = 0; i < 1000; i++) {
    while (engine.running.length + engine.waiting.length - engine.waitingHead < 36) {
      const sequence = createSequence(nextId++, 100 + random.int(500), 100 + random.int(200), noHashes)
      enqueue(engine, sequence, nowMs)
    }
    nowMs += step(engine, nowMs)?.durationMs ?? 0
  }
})
