import { expect, it } from 'vitest'
import { liveMonth } from './month.js'

it('the same seed gives the same month, to the last event and the last token charged', async () => {
  const first = await liveMonth(4)
  const second = await liveMonth(4)
  expect(first.runs).toBeGreaterThan(20)
  expect(second).toEqual(first)
})
