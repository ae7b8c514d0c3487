/** Which baseline a call is read against. */
import { expect, test } from 'vitest'
import { chooseKnown } from '../../src/attribute/choose.js'
import { knownTargets } from '../../src/attribute/known.js'
import type { Span } from '../../src/span/span.js'
import { simulatedSnapshot } from '../compare/simulated-snapshot.js'

const sound = simulatedSnapshot('sound')
const HOUR_MS = 3_600_000
const endedMs = Date.parse(sound.endedAt)

/** The same run, ended so many hours later. */
const later = (id: string, hours: number) => ({
  ...sound,
  id,
  endedAt: new Date(endedMs + hours * HOUR_MS).toISOString(),
})
const withoutPace = { ...later('no pace', 24), curves: sound.curves.filter(({ law }) => law !== 'decode') }
const partial = { ...later('partial', 24), partial: true, partialReason: 'interrupted' }

const span: Span = {
  traceId: 't',
  spanId: 's',
  operation: 'chat',
  dialect: 'test',
  startedAtMs: endedMs + 24 * HOUR_MS,
  durationMs: 1000,
  doubts: [],
  from: {},
}
const chosen = (...snapshots: (typeof sound)[]) => {
  const choice = chooseKnown(snapshots.flatMap((each) => knownTargets(each)))(span)
  return { id: choice?.known.baseline.id, doubts: choice?.doubts }
}

test('the nearest in time, but none without a decode curve, and none broken off, where a whole one is less than a week farther', () => {
  expect(chosen(sound, later('near', 20))).toEqual({ id: 'near', doubts: [] })
  expect(chosen(sound, withoutPace)).toEqual({ id: sound.id, doubts: [] })
  expect(chosen(sound, partial)).toEqual({ id: sound.id, doubts: [] })
})

test('where there is no other, a baseline without a decode curve serves, and the call says so', () => {
  expect(chosen(withoutPace)).toEqual({ id: 'no pace', doubts: [expect.stringContaining('no decode curve')] })
  expect(chosen(partial)).toEqual({ id: 'partial', doubts: [] })
})
