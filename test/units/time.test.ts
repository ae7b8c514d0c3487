/** Moments as text, against the engine's own. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { isoTime } from '../../src/units/time.js'

it('any moment since 1970 is written as Date writes it, fractions of a millisecond cut off', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 8.64e15, noNaN: true }),
      fc.double({ min: 0, max: 120_000, noNaN: true }),
      (at, later) => {
        for (const ms of [at, Math.min(8.64e15, at + later)])
          expect(isoTime(ms)).toBe(new Date(ms).toISOString())
      },
    ),
  )
  for (const none of [NaN, Infinity, 9e15]) expect(() => isoTime(none)).toThrow(RangeError)
})
