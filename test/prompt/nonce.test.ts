import { expect, test } from 'vitest'
import { nonceFor } from '../../src/prompt/nonce.js'

test('a nonce is 7 lower-case words and the same for the same seed, run and label', () => {
  expect(nonceFor(1, 'run-a', 0)).toMatch(/^[a-z]+( [a-z]+){6}$/)
  expect(nonceFor(1, 'run-a', 0)).toBe(nonceFor('1', 'run-a', '0'))
})

test('seed, run id and label each change it, and their borders count', () => {
  const all = [
    nonceFor(1, 'run-a', 0),
    nonceFor(2, 'run-a', 0),
    nonceFor(1, 'run-b', 0),
    nonceFor(1, 'run-a', 1),
    nonceFor(1, 'run-a', 'prefix/0'),
    nonceFor(1, 'run-a1', 0),
    nonceFor(11, 'run-a', 0),
    nonceFor(1, '1run-a', 0),
  ]
  expect(new Set(all).size).toBe(all.length)
})

test('50,000 nonces of one run are all different, and each first word opens fewer than 1 %', () => {
  const all = Array.from({ length: 50_000 }, (_, i) => nonceFor(42, 'run', i))
  expect(new Set(all).size).toBe(50_000)
  const firsts = new Map<string, number>()
  for (const nonce of all) {
    const first = nonce.slice(0, nonce.indexOf(' '))
    firsts.set(first, (firsts.get(first) ?? 0) + 1)
  }
  expect(firsts.size).toBeGreaterThan(500)
  expect(Math.max(...firsts.values())).toBeLessThan(500)
})
