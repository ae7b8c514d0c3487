/** Spans within the band: told without attributions they come to the same sums. */
import { expect, test } from 'vitest'
import { knownTargets } from '../../src/attribute/known.js'
import { createPairedAttributor, type AttributorOptions } from '../../src/attribute/paired.js'
import { createSummary, type GroupSummary } from '../../src/attribute/summary.js'
import { createRandom } from '../../src/random/random.js'
import type { Span } from '../../src/span/span.js'
import { simulatedSnapshot } from '../compare/simulated-snapshot.js'

const known = knownTargets(simulatedSnapshot('attribute'))
const START_MS = Date.UTC(2026, 10, 23, 10)

/** 19 in 20 on the curve (400 ms, 45 µs a fresh token, 10 ms an output token), one 2 s above it; some tell less, a few failed. */
function spans(): Span[] {
  const random = createRandom('sound')
  return Array.from({ length: 2000 }, (_, i) => {
    const inputTokens = 200 + Math.floor(random.next() * 3000)
    const outputTokens = 20 + Math.floor(random.next() * 200)
    const ttftMs = (400 + inputTokens * 0.045) * (0.95 + 0.1 * random.next()) + (i % 20 === 7 ? 2000 : 0)
    return {
      traceId: 't',
      spanId: String(i),
      operation: 'chat',
      dialect: 'test',
      service: `service ${i % 3}`,
      modelRequested: i % 50 === 0 ? 'another' : known[0]!.model,
      startedAtMs: START_MS + i * 500,
      durationMs: ttftMs + outputTokens * 11,
      ttftMs: i % 4 === 0 ? undefined : ttftMs,
      inputTokens,
      cacheReadTokens: i % 3 === 0 ? undefined : 0,
      outputTokens: i % 11 === 0 ? undefined : outputTokens,
      error: i % 97 === 0 ? 'timeout' : undefined,
      doubts: [],
      from: {},
    }
  })
}

test('2,000 spans come to the same summary whether those within the band are attributed or only told', () => {
  const summed = (isTold: boolean): { result: unknown; told: number; attributed: number } => {
    const summary = createSummary(['service', 'model'])
    let [told, attributed] = [0, 0]
    const onSound: AttributorOptions['onSound'] = (sound) => {
      told++
      summary.addSound(sound)
    }
    const attributor = createPairedAttributor({ known, onSound: isTold ? onSound : undefined })
    for (const pair of [...spans().flatMap((span) => attributor.push(span)), ...attributor.end()]) {
      attributed++
      summary.add(pair)
    }
    const { all, groups, others, coverage } = summary.result()
    // The order of the sums differs.
    const rounded = (group: GroupSummary): GroupSummary => ({
      ...group,
      excessMs: Math.round(group.excessMs * 1e3) / 1e3,
      unknownMs: Math.round(group.unknownMs * 1e3) / 1e3,
    })
    const result = { all: rounded(all), groups: groups.map(rounded), others, coverage }
    return { result, told, attributed }
  }
  const [whole, brief] = [summed(false), summed(true)]
  expect(brief.result).toEqual(whole.result)
  expect(whole.attributed).toBe(2000)
  expect(brief.told + brief.attributed).toBe(2000)
  expect(brief.told).toBeGreaterThan(1000)
})
