import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createDurations } from '../../src/attribute/durations.js'
import { createSummary } from '../../src/attribute/summary.js'
import { attributed } from '../report/attribution-data.js'

it('a quantile of durations lies within 2.5 % of the exact one', () => {
  const ms = fc.double({ min: 2, max: 5e6, noNaN: true })
  fc.assert(
    fc.property(fc.array(ms, { minLength: 1, maxLength: 300 }), fc.constantFrom(0.5, 0.95), (all, p) => {
      const durations = createDurations()
      for (const each of all) durations.add(each, 'none')
      const exact = all.toSorted((a, b) => a - b)[Math.ceil(p * all.length) - 1] ?? 0
      expect(Math.abs((durations.quantile(p) ?? 0) / exact - 1)).toBeLessThanOrEqual(0.0251)
    }),
  )
})

it('the spans beyond p95 are exactly those longer than the bound that is told, at most 5 %', () => {
  const ms = fc.double({ min: 2, max: 5e6, noNaN: true })
  fc.assert(
    fc.property(fc.array(ms, { minLength: 1, maxLength: 300 }), (all) => {
      const durations = createDurations()
      for (const each of all) durations.add(each, each > 1000 ? 'retry' : 'none')
      const { overMs, spans, verdicts } = durations.beyond(0.95)
      // A value on the bound itself may fall on either side by rounding.
      expect(Math.abs(all.filter((each) => each > overMs).length - spans)).toBeLessThanOrEqual(1)
      expect(spans).toBeLessThanOrEqual(all.length * 0.05)
      expect(verdicts.none + verdicts.retry).toBe(spans)
    }),
  )
})

it('a change of route is dated by the longest row: 3 false ones before 40 true ones do not move it', () => {
  const summary = createSummary(['service'])
  for (const minute of [1, 2, 3]) summary.add(attributed(minute * 60, 4000, 'route-change'))
  for (let minute = 305; minute < 345; minute++) summary.add(attributed(minute * 60, 4000, 'route-change'))
  expect(summary.result().all.routeChangedAt).toBe('2026-11-23T14:05:00.000Z')
})

it('beyond 500 groups spans are counted together, none is lost', () => {
  const summary = createSummary(['tenant'])
  for (let i = 0; i < 700; i++) summary.add(attributed(i, 900, 'none', { span: { tenant: `t${i}` } }))
  const { groups, others, all } = summary.result()
  expect([groups.length, others?.spans, all.spans]).toEqual([500, 200, 700])
})

it('of 1,000 spans at most 10 are kept: the worst of each verdict before the second worst of any', () => {
  const summary = createSummary(['service'])
  for (let i = 0; i < 1000; i++)
    summary.add(attributed(i, 2000 + i, i % 100 === 0 ? 'network' : i % 2 === 0 ? 'retry' : 'queueing'))
  const worst = summary.result().all.worst.map(({ verdict, durationMs }) => `${verdict} ${durationMs}`)
  expect(worst.slice(0, 4)).toEqual(['queueing 2999', 'retry 2998', 'network 2900', 'queueing 2997'])
  expect(worst.length).toBe(9)
})

it('doubts of one kind are counted together, whatever their numbers', () => {
  const summary = createSummary(['service'])
  for (let i = 0; i < 30; i++)
    summary.add(attributed(i, 900, 'none', { attribution: { doubts: [`fresh prompt ${8000 + i} tokens`] } }))
  expect(summary.result().coverage.doubts).toEqual([{ example: 'fresh prompt 8000 tokens', spans: 30 }])
})
