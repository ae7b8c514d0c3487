import { existsSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import type { Arrivals } from '../../src/plan/arrivals.js'
import { arrivalOffsetsNs } from '../../src/plan/arrivals.js'
import { readTrace } from '../../src/plan/arrivals-trace.js'
import { createRandom } from '../../src/random/random.js'
import { gapCv, indexOfDispersion } from '../../src/stats/arrivals.js'

const COUNT = 20_000
const offsets = (load: Arrivals, count = COUNT, seed = 7): number[] =>
  arrivalOffsetsNs(load, count, createRandom(seed))
const gapsOf = (times: readonly number[]): number[] => times.slice(1).map((at, i) => at - times[i]!)
const dispersion = (times: readonly number[]): number =>
  indexOfDispersion(times, 1000, { start: 0, end: times.at(-1)! + 1 })!
const rateOf = (times: readonly number[]): number => ((times.length - 1) / (times.at(-1)! - times[0]!)) * 1e9

test('constant arrivals have equal gaps and start at 0', () => {
  expect(offsets({ arrivals: 'constant', rate: 4 }, 4)).toEqual([0, 250e6, 500e6, 750e6])
})

test('20,000 Poisson arrivals keep rate within 2 %, gap CV within .03 and dispersion within .1 of 1', () => {
  const times = offsets({ arrivals: 'poisson', rate: 50 })
  expect(rateOf(times) / 50).toBeCloseTo(1, 1.7)
  expect(Math.abs(gapCv(gapsOf(times)) - 1)).toBeLessThan(0.03)
  expect(Math.abs(dispersion(times) - 1)).toBeLessThan(0.1)
})

// The plan is made once and its requests dealt out; together they must be the process again.
test.each([1, 2, 8])(
  '20,000 Poisson arrivals merged from %i workers keep dispersion within .9-1.1',
  (workers) => {
    const times = offsets({ arrivals: 'poisson', rate: 200 }, COUNT, 11)
    const shares = Array.from({ length: workers }, (_, w) => times.filter((_at, i) => i % workers === w))
    const merged = shares.flat().toSorted((a, b) => a - b)
    expect(merged).toHaveLength(COUNT)
    expect(dispersion(merged)).toBeGreaterThan(0.9)
    expect(dispersion(merged)).toBeLessThan(1.1)
    // Workers that share a seed instead make bunches of equal arrivals: 9.1 has been seen of eight.
    const seeded = Array.from({ length: workers }, () =>
      offsets({ arrivals: 'poisson', rate: 200 / workers }, COUNT / workers, 11),
    )
    if (workers > 1) expect(dispersion(seeded.flat().toSorted((a, b) => a - b))).toBeGreaterThan(1.5)
  },
)

test.each([1, 5, 20])('constant arrivals at %i/s have a gap CV below .02, in nanoseconds', (rate) => {
  expect(gapCv(gapsOf(offsets({ arrivals: 'constant', rate }, 2000)))).toBeLessThan(0.02)
})

test.each([0.25, 0.5, 1, 4, 25])(
  'gamma arrivals of burstiness %d keep their rate and a gap CV of 1/√burstiness',
  (burstiness) => {
    const times = offsets({ arrivals: 'gamma', rate: 50, burstiness })
    expect(Math.abs(rateOf(times) / 50 - 1)).toBeLessThan(0.05)
    expect(Math.abs(gapCv(gapsOf(times)) * Math.sqrt(burstiness) - 1)).toBeLessThan(0.04)
  },
)

describe('ramp', () => {
  it('goes from 2/s to 10/s in a straight line: rates at both ends, 600 arrivals in 100 s', () => {
    const times = offsets({ arrivals: 'ramp', rate: 2, rateTo: 10 }, 600)
    const gaps = gapsOf(times)
    expect(times[0]).toBe(0)
    expect(1e9 / gaps[0]!).toBeCloseTo(2, 1)
    expect(1e9 / gaps.at(-1)!).toBeCloseTo(10, 1)
    // Half of the time has passed where the integral says: 50·2 + 8·50²/200 = 200 arrivals.
    expect(times[200]! / 1e9).toBeCloseTo(50, 6)
  })

  it('may fall to almost nothing, and without a change is constant', () => {
    expect(1e9 / gapsOf(offsets({ arrivals: 'ramp', rate: 10, rateTo: 2 }, 600)).at(-1)!).toBeCloseTo(2.06, 2)
    expect(offsets({ arrivals: 'ramp', rate: 4, rateTo: 4 }, 4)).toEqual([0, 250e6, 500e6, 750e6])
  })
})

test('4 steps from 1/s to 4/s are four levels of equal time and 1, 2, 3 and 4 arrivals a second', () => {
  const seconds = offsets({ arrivals: 'step', rate: 1, rateTo: 4, steps: 4 }, 100).map((ns) => ns / 1e9)
  const inLevel = [0, 1, 2, 3].map((level) => seconds.filter((at) => Math.floor(at / 10) === level).length)
  expect(inLevel).toEqual([10, 20, 30, 40])
})

test('offsets never go backwards, for any process, rate and seed', () => {
  fc.assert(
    fc.property(
      fc.record({
        arrivals: fc.constantFrom('constant', 'poisson', 'gamma', 'ramp', 'step'),
        rate: fc.double({ min: 0.1, max: 1000, noNaN: true }),
        rateTo: fc.double({ min: 0.1, max: 1000, noNaN: true }),
        burstiness: fc.double({ min: 0.05, max: 100, noNaN: true }),
        steps: fc.integer({ min: 1, max: 20 }),
      }),
      fc.integer(),
      (load, seed) => {
        const times = offsets(load, 50, seed)
        return times.every((at, i) => Number.isFinite(at) && at >= (times[i - 1] ?? 0))
      },
    ),
  )
})

describe('trace', () => {
  const mooncake = '{"timestamp": 1000, "input_length": 9}\n{"timestamp": 4000}\n{"timestamp": 2000}\n'

  it('of Mooncake: milliseconds, sorted, from the first', () => {
    expect(readTrace(mooncake)).toMatchObject({ ok: true, offsetsMs: [0, 1000, 3000], format: 'mooncake' })
  })

  it('of Azure: seven decimals of a second', () => {
    const csv =
      'TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,4808,10\n2023-11-16 18:17:04.0319600,3180,8\n'
    const read = readTrace(csv)
    expect(read).toMatchObject({ ok: true, format: 'azure' })
    expect(read.ok && read.offsetsMs[1]).toBeCloseTo(52, 3)
  })

  it("of the project's own spans: startedAtMs", () => {
    const read = readTrace('{"startedAtMs": 5}\n{"startedAtMs": 25}\n')
    expect(read).toMatchObject({ ok: true, format: 'spans', offsetsMs: [0, 20] })
  })

  it('twice as fast halves every offset', () => {
    expect(readTrace(mooncake, 2)).toMatchObject({ offsetsMs: [0, 500, 1500], ratePerS: 2 / 1.5 })
  })

  it.each([
    ['', 'it is empty'],
    ['{"timestamp": 1}\n', 'it has fewer than 2 arrivals'],
    ['{"timestamp": 1}\n{"timestamp": 1}\n', 'all its arrivals are at the same instant'],
    ['{"timestamp": 1}\nno json\n', 'line 2 has no time of arrival'],
    ['TIMESTAMP,x\nyesterday,1\n', 'line 2 has no time of arrival: a date'],
  ])('%j is refused: %s', (text, why) => {
    expect(readTrace(text)).toMatchObject({ ok: false, problem: expect.stringContaining(why) as string })
  })

  it('is replayed to the nanosecond, and begins again behind its mean gap', () => {
    const load = { arrivals: 'trace', rate: 1, offsetsMs: [0, 1000, 3000] } as const
    expect(offsets(load, 5).map((ns) => ns / 1e6)).toEqual([0, 1000, 3000, 4500, 5500])
  })

  const folder = '../shared/data'
  it.runIf(existsSync(folder))('Mooncake (FAST 25) and Azure (2023) are read whole', () => {
    const read = (file: string) => readTrace(readFileSync(`${folder}/${file}`, 'utf8'))
    for (const file of [
      'mooncake-fast25/conversation_trace.jsonl',
      'azure-llm-2023/AzureLLMInferenceTrace_code.csv',
    ]) {
      const trace = read(file)
      expect(trace.ok && trace.offsetsMs.length).toBeGreaterThan(5000)
      expect(trace.ok && trace.ratePerS).toBeGreaterThan(0.5)
    }
  })
})
