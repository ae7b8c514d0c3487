import { expect, test } from 'vitest'
import { join } from '../../src/compare/join.js'
import { summarise } from '../../src/run/summarise.js'
import type { Snapshot } from '../../src/snapshot/snapshot.js'
import { simulatedSnapshot } from './simulated-snapshot.js'

test('a cell whose load a rate limit held back, on either side, is not compared; a note names it', () => {
  const base = simulatedSnapshot('base')
  const candidate = simulatedSnapshot('candidate')
  const summary = summarise(candidate.samples)
  const [first] = summary
  if (first === undefined) throw new Error('no row')
  const limited: Snapshot = {
    ...candidate,
    summary: summary.map((row) => (row === first ? { ...row, rateLimited: 3 } : row)),
  }
  const whole = join(base, candidate, undefined).joined[0]!
  expect(whole.cells.has(first.cell)).toBe(true)
  for (const { joined, notes } of [join(base, limited, undefined), join(limited, base, undefined)]) {
    expect(joined[0]!.cells).toEqual(new Set([...whole.cells].filter((cell) => cell !== first.cell)))
    expect(joined[0]!.candidate.some(({ cell }) => cell === first.cell)).toBe(false)
    expect(joined[0]!.whole).toBe(false)
    expect(notes).toEqual([expect.stringContaining(`${first.cell} is not compared: a rate limit`)])
  }
})
