import { expect, test } from 'vitest'
import { cacheLifetime } from '../../probes/cache-lifetime.js'
import { createRandom } from '../../src/random/random.js'
import { letDecide } from './virtual-cache.js'

const settings = { ...cacheLifetime.defaults, withinS: 1800, shortestS: 5, ages: 8, prefixes: 2 }
const cache = { minimumTokens: 16, stepTokens: 16 }

test.each([20, 300, 450, 850])(
  'a lifetime of %i s lies in the bracket, which is at most 1.15 wide',
  (lifetimeS) => {
    const { reason } = letDecide(cacheLifetime, settings, { ...cache, lifetimeS }, createRandom(1))
    const [, warm, cold] = /still served after ([\d.]+) s and no longer after ([\d.]+) s/.exec(reason) ?? []
    expect(Number(warm)).toBeLessThanOrEqual(lifetimeS)
    expect(Number(cold)).toBeGreaterThan(lifetimeS)
    expect(Number(cold) / Number(warm)).toBeLessThan(1.15)
  },
)

test('the looks together take no longer than the time allowed: a look lasts as long as its longest age', () => {
  for (const lifetimeS of [6, 40, 200, 450, 890]) {
    let spentS = 0
    const timed = {
      ...cacheLifetime,
      next: (...args: Parameters<typeof cacheLifetime.next>) => {
        const next = cacheLifetime.next(...args)
        if ('ask' in next) spentS += Math.max(...next.ask.map(({ ageS }) => ageS ?? 0))
        return next
      },
    }
    letDecide(timed, settings, { ...cache, lifetimeS }, createRandom(lifetimeS))
    expect(spentS, `lifetime ${lifetimeS} s`).toBeLessThanOrEqual(1800 + 1e-9)
  }
})

test.each([
  { lifetimeS: 1e9, reason: 'prefixes are still served after 900 s' },
  { lifetimeS: 0, reason: 'no prefix was served again, not even after 5 s' },
])('a lifetime of $lifetimeS s is beyond what is asked: $reason', ({ lifetimeS, reason }) => {
  expect(letDecide(cacheLifetime, settings, { ...cache, lifetimeS }, createRandom(1)).reason).toBe(reason)
})
