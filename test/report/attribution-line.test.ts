/** The line of an attribution against the engine's own JSON. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Attribution } from '../../src/attribute/attribution.js'
import { attributionJson, attributionLine } from '../../src/report/attribution-json.js'
import { causes, phases, verdicts, type Phases } from '../../src/span/causes.js'

const ms = fc.oneof(
  fc.double({ min: 0, max: 1e5, noNaN: true }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, -0, 0.0004, 0.0005, 0.001, 12.34, 999.9996, 1e6 - 0.0001, 1e21, -3.2),
)
const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('a"b\\c', '\u2028', '\ud800'),
)

const attribution: fc.Arbitrary<Attribution> = fc.record({
  traceId: text,
  spanId: text,
  service: fc.option(text, { nil: undefined }),
  operation: text,
  model: fc.option(text, { nil: undefined }),
  startedAt: fc.constant('2026-11-23T09:00:00.123Z'),
  durationMs: ms,
  referenceMs: fc.option(ms),
  phases: fc
    .array(ms, { minLength: phases.length, maxLength: phases.length })
    .map((all) => Object.fromEntries(phases.map((name, i) => [name, all[i]])) as Phases),
  phaseSource: fc.dictionary(fc.constantFrom(...phases), fc.constantFrom('server', 'ttft', 'curve')),
  causes: fc.array(
    fc.record({
      cause: fc.constantFrom(...causes),
      ms,
      probability: fc.double({ min: 0, max: 1, noNaN: true }),
      evidence: fc.array(text, { maxLength: 2 }),
    }),
    { maxLength: 3 },
  ),
  unknownMs: ms,
  verdict: fc.constantFrom(...verdicts),
  confidence: fc.double({ min: 0, max: 1, noNaN: true }),
  tier: fc.constantFrom('A', 'B', 'C', 'D', 'E'),
  baseline: fc.option(fc.record({ id: text, ageS: ms })),
  doubts: fc.array(text, { maxLength: 2 }),
})

it('any attribution is written as JSON.stringify writes it, character by character', () => {
  fc.assert(
    fc.property(attribution, (each) => {
      expect(attributionLine(each)).toBe(JSON.stringify(attributionJson(each)))
    }),
    { numRuns: 500 },
  )
})
