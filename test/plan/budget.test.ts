import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Reservation } from '../../src/plan/budget.js'
import { createBudget } from '../../src/plan/budget.js'

const worst = { promptTokens: 100, outputTokens: 20, cost: 0.01 }

test('a request that could pass a limit is not sent, requests in flight counted', () => {
  const budget = createBudget({ requests: 2, tokens: null, cost: null })
  expect('passed' in budget.reserve(worst)).toBe(false)
  expect('passed' in budget.reserve(worst)).toBe(false)
  expect(budget.reserve(worst)).toEqual({ passed: 'requests' })
})

test('settling frees what was not used, and a second settling frees nothing more', () => {
  const budget = createBudget({ requests: null, tokens: 200, cost: null })
  const first = budget.reserve(worst) as Reservation
  expect(budget.reserve(worst)).toEqual({ passed: 'tokens' })
  first.settle({ promptTokens: 50, outputTokens: 10 })
  first.settle({ promptTokens: 0, outputTokens: 0 })
  expect(budget.used()).toMatchObject({ requests: 1, promptTokens: 50, outputTokens: 10 })
  expect('passed' in budget.reserve(worst)).toBe(false)
})

test.each([-1, Number.NaN, 1e308, 1.5, Infinity, undefined])('a usage of %s frees nothing', (lie) => {
  const budget = createBudget({ requests: null, tokens: 240, cost: null })
  const first = budget.reserve(worst) as Reservation
  first.settle({ promptTokens: lie, outputTokens: lie, cost: lie })
  expect(budget.used()).toMatchObject({ promptTokens: 100, outputTokens: 20 })
})

test('a request that never left frees all that it held', () => {
  const budget = createBudget({ requests: 1, tokens: null, cost: null })
  const first = budget.reserve(worst) as Reservation
  first.settle(null)
  expect(budget.used().requests).toBe(0)
  expect('passed' in budget.reserve(worst)).toBe(false)
})

test('what an earlier part of the run used counts', () => {
  const budget = createBudget(
    { requests: 10, tokens: null, cost: 1 },
    { requests: 10, promptTokens: 0, outputTokens: 0, cost: 0 },
  )
  expect(budget.reserve(worst)).toEqual({ passed: 'requests' })
})

test('no order of reserving and settling ever passes a limit, while usage stays inside the worst case', () => {
  const step = fc.record({ worst: fc.nat(50), used: fc.nat(50), settleFirst: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 0, max: 500 }), (steps, limit) => {
      const budget = createBudget({ requests: null, tokens: limit, cost: null })
      const open: { reservation: Reservation; used: number }[] = []
      for (const { worst: most, used, settleFirst } of steps) {
        const oldest = settleFirst ? open.shift() : undefined
        oldest?.reservation.settle({ promptTokens: oldest.used, outputTokens: 0 })
        const got = budget.reserve({ promptTokens: most, outputTokens: 0, cost: 0 })
        if (!('passed' in got)) open.push({ reservation: got, used: Math.min(used, most) })
      }
      for (const { reservation, used } of open) reservation.settle({ promptTokens: used, outputTokens: 0 })
      return budget.used().promptTokens <= limit
    }),
  )
})
