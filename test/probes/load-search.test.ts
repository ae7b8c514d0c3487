import fc from 'fast-check'
import { expect, test } from 'vitest'
import { arrivalRate } from '../../probes/arrival-rate.js'
import { concurrency } from '../../probes/concurrency.js'
import { highest } from '../../probes/highest.js'
import type { CellAsk, CellSeen, Next, Seen } from '../../src/plan/probe.js'
import { createRandom } from '../../src/random/random.js'
import { emptyCell } from './virtual-cache.js'

test('the highest load that does is found within 13 %, in at most 20 steps, from any start', () => {
  const within = { least: 1, most: 1000, within: 1.13, round: Math.round }
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 999 }), fc.integer({ min: 1, max: 1000 }), (edge, from) => {
      const tried: { load: number; does: boolean }[] = []
      for (let i = 0; i < 20; i++) {
        const step = highest(tried, { ...within, from })
        if (!('ask' in step)) {
          expect(step.does).toBeLessThanOrEqual(edge)
          expect(step.fails).toBeGreaterThan(edge)
          expect(step.fails! - step.does!).toBeLessThanOrEqual(Math.max(1, 0.13 * step.does!))
          return
        }
        tried.push({ load: step.ask, does: step.ask <= edge })
      }
      throw new Error('more than 20 steps')
    }),
  )
})

/** Until it is done; `measure` says what a visit shows. */
function search(next: (seen: Seen) => Next, measure: (ask: CellAsk) => Partial<CellSeen>): string {
  const cells: CellSeen[] = []
  for (let blocks = 0; blocks < 40; blocks++) {
    const decided = next({ blocks, cells, halfWidths: {} })
    if ('done' in decided) return decided.done
    for (const ask of decided.ask) cells.push({ ...emptyCell(ask), n: 60, ...measure(ask) })
  }
  throw new Error('it never made up its mind')
}

test('concurrency with limits: the highest that keeps 95 % of the requests inside them', () => {
  const settings = { ...concurrency.defaults, upTo: 256, limits: { ttftMs: 800 } }
  const goodput = (ask: CellAsk) => ({ goodput: (ask.concurrency ?? 1) <= 24 ? 0.97 : 0.8 })
  const reason = search((seen) => concurrency.next(settings, seen, createRandom(1)), goodput)
  expect(reason).toMatch(
    /^the highest concurrency that keeps 95 % of the requests inside ttft ≤ 800 ms is (22|23|24) \(97\.0 %\); \d+ does not \(80\.0 %\)$/,
  )
})

test('concurrency without limits: the knee, where more streams stop bringing throughput', () => {
  const settings = { ...concurrency.defaults, upTo: 256 }
  // 16 at a time, the others wait.
  const served = (ask: CellAsk) => ({ e2e: 1000 * Math.max(1, (ask.concurrency ?? 1) / 16) })
  const reason = search((seen) => concurrency.next(settings, seen, createRandom(1)), served)
  expect(reason).toMatch(/^the knee lies at (16|17|18) requests in flight/)
})

test('arrival-rate: the highest rate that keeps the goodput, and the bound of the search where every rate does', () => {
  const settings = { ...arrivalRate.defaults, upTo: 50, limits: { e2eMs: 2000 } }
  const below = (perS: number) => (ask: CellAsk) => ({ goodput: (ask.rate ?? 0) <= perS ? 1 : 0.5 })
  const decide = (seen: Seen): Next => arrivalRate.next(settings, seen, createRandom(1))
  const [, found] = /the highest rate .* is ([\d.]+)\/s \(100\.0 %\)/.exec(search(decide, below(11))) ?? []
  expect(Number(found)).toBeLessThanOrEqual(11)
  expect(Number(found)).toBeGreaterThan(11 / 1.13 - 0.5)
  expect(search(decide, below(1e9))).toMatch(/is 50\/s \(100\.0 %\), the highest asked$/)
})
