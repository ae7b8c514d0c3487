import { expect, test } from 'vitest'
import { createRandom } from '../../src/random/random.js'
import { contentionPlot } from '../../src/report/page-curves.js'
import { subjectsOf } from '../../src/report/page-subject.js'
import { LAW, simulatedSnapshot } from '../compare/simulated-snapshot.js'

test('the band of contention is each load’s own: 2 % wide alone although a crowd scatters by 40 %', () => {
  const law = { ...LAW, ttftPerPeer: 50, tpotPerPeer: 1 }
  const cells = [1, 8].map((concurrency) => ({ probe: 'concurrency', promptTokens: 512, concurrency }))
  const random = createRandom('crowd')
  const alone = LAW.base + (512 * LAW.fresh) / 1000
  const noise = (_: unknown, __: unknown, ms: number): number =>
    Math.exp((ms < alone * 1.01 && ms > 300 ? 0.005 : 0.2) * random.normal())
  const [subject] = subjectsOf(simulatedSnapshot('crowd', { law, cells, noise }))
  const [series] = contentionPlot(subject!, 'ttft')!.series
  const [first, last] = [series!.band[0]!, series!.band.at(-1)!]
  expect([first[0], last[0]]).toEqual([1, 8])
  expect(first[2] / first[1]).toBeLessThan(1.04)
  expect(last[2] / last[1]).toBeGreaterThan(1.5)
  const held = series!.points.filter(([k, ms]) => k === 1 && ms >= first[1] && ms <= first[2]).length
  expect(held).toBeGreaterThanOrEqual(18)
})
