import { expect, test } from 'vitest'
import { duration, figure, interval, money, percent, plural } from '../../src/report/numbers.js'

test.each([
  [null, '—'],
  [undefined, '—'],
  [Number.NaN, '—'],
  [0, '0'],
  [0.04217, '0.042'],
  [4.2071, '4.21'],
  [42.071, '42.1'],
  [420.71, '421'],
  [42071, '42,100'],
  [-7.2345, '-7.23'],
])('%s is written as %s: three digits at most', (value, text) => {
  expect(figure(value)).toBe(text)
})

test('an interval of which one end is not known is not written', () => {
  expect(interval(1.234, 5.678)).toBe('[1.23, 5.68]')
  expect(interval(null, 5)).toBe('')
  expect(interval(1, undefined)).toBe('')
})

test.each([
  [850, '850 ms'],
  [26_400, '26 s'],
  [59_700, '1 min'],
  [250_000, '4 min 10 s'],
  [7_500_000, '2 h 5 min'],
])('%d ms reads %s', (ms, text) => {
  expect(duration(ms)).toBe(text)
})

test('shares, money and counts', () => {
  expect(percent(0.0514)).toBe('5.1 %')
  expect(money({ currency: 'USD', amount: 0.00231 })).toBe('0.0023 USD')
  expect(money({ currency: 'USD', amount: 12.345 })).toBe('12.35 USD')
  expect(plural(1, 'sample')).toBe('1 sample')
  expect(plural(1204, 'sample')).toBe('1,204 samples')
})

test('an interval narrower than three digits shows as many as it takes to see its width, up to six', () => {
  expect(interval(6.3981, 6.4042)).toBe('[6.398, 6.404]')
  expect(interval(27_312, 27_318)).toBe('[27,310, 27,320]')
  expect(interval(6.4, 6.4), 'exact').toBe('[6.40, 6.40]')
  expect(interval(6.4000001, 6.4000002), 'beyond what is measured').toBe('[6.40, 6.40]')
})
