import { describe, expect, it } from 'vitest'
import { composeReport } from '../../src/instrument/compose-report.js'
import type { LateTurn } from '../../src/instrument/watch-loop.js'
import { createRandom } from '../../src/random/random.js'
import { CALM, IDLE, RUN_START_UTC_MS, evenly, visitOf } from './data.js'

/** Visits of `count` Poisson arrivals each, a pause of a minute between them. */
function poissonVisits(
  seed: number,
  { visits, count, rate }: { visits: number; count: number; rate: number },
) {
  const random = createRandom(seed)
  return Array.from({ length: visits }, (_, block) => {
    let at = block * 60_000
    const starts = Array.from({ length: count }, () => (at += (random.exponential() * 1000) / rate))
    return visitOf(starts, { rate, block })
  }).flat()
}

const late = (fromMs: number, lateMs: number): LateTurn => ({
  atUtcMs: RUN_START_UTC_MS + fromMs + lateMs,
  lateMs,
})

describe('delivered arrivals against asked ones', () => {
  it('Poisson arrivals have a gap CV and an index of dispersion near 1, and no warning', () => {
    const samples = poissonVisits(7, { visits: 10, count: 101, rate: 20 })
    const { arrivals, warnings, overloaded } = composeReport(CALM, IDLE, samples)
    expect(arrivals).toHaveLength(1)
    expect(arrivals[0]).toMatchObject({ target: 'gpt', process: 'poisson', asked: 20 })
    expect(arrivals[0]!.gapCv).toBeGreaterThan(0.93)
    expect(arrivals[0]!.gapCv).toBeLessThan(1.09)
    expect(arrivals[0]!.dispersion).toBeGreaterThan(0.67)
    expect(arrivals[0]!.dispersion).toBeLessThan(1.4)
    expect(arrivals[0]!.delivered).toBeGreaterThan(18)
    expect(arrivals[0]!.delivered).toBeLessThan(22)
    expect({ warnings, overloaded }).toEqual({ warnings: [], overloaded: false })
  })

  it('cries wolf over Poisson arrivals in at most 4 % of 300 runs: two checks of 1 % each', () => {
    let alarms = 0
    for (let seed = 1; seed <= 300; seed++) {
      const samples = poissonVisits(seed, { visits: 4, count: 51, rate: 10 })
      if (composeReport(CALM, IDLE, samples).warnings.length > 0) alarms++
    }
    expect(alarms).toBeGreaterThan(0) // or nothing was checked
    expect(alarms).toBeLessThanOrEqual(12)
  })

  it('constant arrivals have a gap CV of 0, a dispersion near 0 and the rate that was asked', () => {
    const samples = visitOf(evenly(200, 50), { rate: 20, process: 'constant' })
    const { arrivals, warnings } = composeReport(CALM, IDLE, samples)
    expect(arrivals[0]).toMatchObject({ process: 'constant', delivered: 20, gapCv: 0 })
    expect(arrivals[0]!.dispersion).toBeLessThan(0.1)
    expect(warnings).toEqual([])
  })

  it('constant gaps where Poisson was asked are too even by both measures', () => {
    const { warnings, overloaded } = composeReport(CALM, IDLE, visitOf(evenly(201, 50), { rate: 20 }))
    expect(warnings).toEqual([
      expect.stringMatching(/arrivals not as asked: gap CV 0\.00/),
      expect.stringMatching(/arrivals not as asked: index of dispersion/),
    ])
    expect(overloaded).toBe(false)
  })

  it('gaps that vary by 1 ms are constant at 20/s, and by 4 ms are not', () => {
    const wobble = (ms: number) => evenly(101, 50).map((at, i) => at + (i % 2) * ms)
    const warningsOf = (ms: number) =>
      composeReport(CALM, IDLE, visitOf(wobble(ms), { rate: 20, process: 'constant' })).warnings
    expect(warningsOf(0.5)).toEqual([])
    expect(warningsOf(2)).toEqual([
      expect.stringMatching(/the gaps vary by 4\.0 %, equal ones by at most 2\.0 %/),
    ])
  })

  it('the pause between two visits is no gap', () => {
    const visits = [0, 1, 2].flatMap((block) =>
      visitOf(evenly(11, 100, block * 3_600_000), { rate: 10, process: 'constant', block }),
    )
    expect(composeReport(CALM, IDLE, visits).arrivals[0]).toMatchObject({ delivered: 10, gapCv: 0 })
  })

  it('says nothing of gaps below 3 arrivals, and nothing at all of a visit of one', () => {
    const two = composeReport(CALM, IDLE, visitOf([0, 90], { rate: 10 }))
    expect(two.arrivals[0]).toMatchObject({ gapCv: null, dispersion: null })
    expect(composeReport(CALM, IDLE, visitOf([0], { rate: 1 })).arrivals).toEqual([])
  })

  it('closed loops, warm-up and second tries are no arrivals', () => {
    const open = visitOf(evenly(3, 100), { rate: 10 })
    const warm = open.map((sample) => ({ ...sample, warmup: true }))
    const again = open.map((sample) => ({ ...sample, attempt: 2 }))
    const closed = visitOf(evenly(3, 100), { rate: null })
    expect(composeReport(CALM, IDLE, [...warm, ...again, ...closed]).arrivals).toEqual([])
  })

  it("of a user's own conversations the first turns are the arrivals of one visit", () => {
    const first = visitOf(evenly(30, 100), { rate: 10, process: 'constant' })
    const named = first.map((sample, i) => ({
      ...sample,
      cell: `prompts/${i + 1}.1/90/16/any/constant10-max50/reused`,
    }))
    const second = named.map((sample) => ({
      ...sample,
      cell: sample.cell.replace('.1/', '.2/'),
      atMs: sample.atMs + 60,
    }))
    const { arrivals, warnings } = composeReport(CALM, IDLE, [...named, ...second])
    expect(arrivals).toEqual([
      expect.objectContaining({ cell: 'prompts/*', process: 'constant', delivered: 10 }),
    ])
    expect(warnings).toEqual([])
  })
})

describe('start delay', () => {
  it('of a tenth of the starts, by the fault of the client, is an overload', () => {
    const delays = evenly(100, 0).map((_, i) => (i % 10 === 0 ? 40 : 0.1))
    const { overloaded, warnings, arrivals } = composeReport(
      CALM,
      IDLE,
      visitOf(evenly(100, 100), { rate: 10, process: 'constant' }, delays),
    )
    expect(overloaded).toBe(true)
    expect(warnings[0]).toMatch(
      /overloaded: gpt, .*: 10 of 100 starts came more than 10 ms late \(p99 40 ms\)/,
    )
    expect(arrivals[0]!.startDelay).toEqual({ p50: 0.1, p99: 40, max: 40 })
  })

  it('counts too where each visit holds one request and nothing is known of the gaps', () => {
    const visits = evenly(20, 1000).flatMap((at, block) => visitOf([at], { rate: 1, block }, [400]))
    const { overloaded, arrivals } = composeReport(CALM, IDLE, visits)
    expect(arrivals).toEqual([])
    expect(overloaded).toBe(true)
  })

  it('of one start in 50 is a warning only', () => {
    const delays = evenly(50, 0).map((_, i) => (i === 20 ? 40 : 0.1))
    const samples = visitOf(evenly(50, 100), { rate: 10, process: 'constant' }, delays)
    const { overloaded, warnings } = composeReport(CALM, IDLE, samples)
    expect(overloaded).toBe(false)
    expect(warnings).toEqual([expect.stringMatching(/1 of 50 starts came more than 10 ms late/)])
  })

  it('at the bound of requests in flight is the fault of the target, not an overload', () => {
    // Due every 100 ms, each takes 300 ms, one at a time: the client starts them every 300 ms.
    const starts = evenly(20, 300)
    const delays = starts.map((at, i) => at - i * 100)
    const samples = visitOf(starts, { rate: 10, process: 'constant', maxInFlight: 1, e2e: 300 }, delays)
    const { overloaded, warnings } = composeReport(CALM, IDLE, samples)
    expect(overloaded).toBe(false)
    expect(warnings).toEqual([expect.stringMatching(/19 of 20 starts waited for one of 1 in flight to end/)])
  })

  it('does not hold the opening of a new connection', () => {
    const samples = visitOf(
      evenly(30, 100),
      { rate: 10, process: 'constant' },
      evenly(30, 0).map(() => 45),
    ).map((sample) => ({ ...sample, reused: false, connect: 15, tls: 30 }))
    const { arrivals, warnings } = composeReport(CALM, IDLE, samples)
    expect(arrivals[0]!.startDelay.max).toBe(0)
    expect(warnings).toEqual([])
  })
})

describe('the judgement of the instrument', () => {
  // In flight from 0 to 10 s, and from 60 to 70 s.
  const samples = [0, 60_000].flatMap((at, block) => visitOf([at], { rate: null, block, e2e: 10_000 }))

  it('an idle client is not overloaded and has nothing to warn of', () => {
    const report = composeReport(CALM, IDLE, samples)
    expect(report).toEqual({
      timerNs: 41,
      error: CALM.error,
      loopDelay: IDLE.delay,
      arrivals: [],
      overloaded: false,
      warnings: [],
    })
  })

  it('a stall of 500 ms counts when a request was in flight, and not in a quiet moment or a warm-up', () => {
    const judged = (fromMs: number, which = samples) =>
      composeReport(CALM, { ...IDLE, late: [late(fromMs, 600)] }, which).overloaded
    expect(judged(5_000)).toBe(true)
    expect(judged(30_000)).toBe(false)
    expect(judged(59_500)).toBe(true) // over only after the start
    expect(
      judged(
        5_000,
        samples.map((sample) => ({ ...sample, warmup: true })),
      ),
    ).toBe(false)
  })

  it('what was measured before a resumption is not laid beside the loop of now', () => {
    const loop = { ...IDLE, sinceUtcMs: RUN_START_UTC_MS + 40_000, late: [late(5_000, 600)] }
    expect(composeReport(CALM, loop, samples).overloaded).toBe(false)
  })

  it('one turn in 50 that comes 40 ms late makes tails uncertain, and no overload of 8 streams', () => {
    const turns = evenly(8, 1250).map((at) => late(at, 40))
    const first = samples.slice(0, 1)
    const { overloaded, warnings } = composeReport(CALM, { ...IDLE, late: turns }, first)
    expect(overloaded).toBe(false)
    expect(warnings).toEqual([expect.stringMatching(/event loop came 40 ms late at p99 while/)])
    const many = { ...CALM, streams: 200 }
    expect(composeReport(many, { ...IDLE, late: turns }, first).overloaded).toBe(true)
  })

  it('a loop of which every turn comes 10 ms late is overloaded with any number of streams', () => {
    const turns = evenly(280, 35).map((at) => late(at + 25, 10))
    const { overloaded, warnings } = composeReport(CALM, { ...IDLE, late: turns }, samples.slice(0, 1))
    expect(overloaded).toBe(true)
    expect(warnings[0]).toMatch(/10\.0 ms \(p50\)/)
  })

  it('a calibration with p99 40 ms is a warning at 8 streams and an overload at 200', () => {
    const withError = (streams: number) =>
      composeReport({ ...CALM, streams, error: { p50: 0.3, p99: 40, streams, n: 999 } }, IDLE, samples)
    expect(withError(8)).toMatchObject({
      overloaded: false,
      warnings: [expect.stringMatching(/tails are uncertain/)],
    })
    expect(withError(200)).toMatchObject({
      overloaded: true,
      warnings: [
        expect.stringMatching(
          /overloaded: its timing error is 0\.30 ms \(p50\) and 40\.0 ms \(p99\) with 200/,
        ),
      ],
    })
  })

  it('without a calibration it says why and judges by the rest', () => {
    const calibration = { ...CALM, error: null, warnings: ['not calibrated: no server'] }
    expect(composeReport(calibration, IDLE, samples)).toMatchObject({
      error: null,
      overloaded: false,
      warnings: ['not calibrated: no server'],
    })
  })

  it('a machine that slept makes durations wrong: overloaded', () => {
    expect(composeReport(CALM, { ...IDLE, suspendedMs: 60_000 }, samples)).toMatchObject({
      overloaded: true,
      warnings: [expect.stringMatching(/slept for 60\.0 s/)],
    })
  })
})
