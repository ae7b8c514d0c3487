import { describe, expect, it } from 'vitest'
import { createRandom } from '../../src/random/random.js'
import { createTimetable, rhythmOf } from '../../src/schedule/firing.js'
import { firingsByMinute } from './every-minute.js'

const random = createRandom(1)
const at = (text: string): number => Date.parse(text)

function firings(cron: string, timezone: string, from: string, until: string, jitterMs = 0): string[] {
  const next = createTimetable({ cron, timezone, jitterMs }, random)
  const found: string[] = []
  for (let one = next(at(from) - 1); one !== null && one.dueMs < at(until); one = next(one.dueMs)) {
    found.push(new Date(one.dueMs).toISOString())
  }
  return found
}

const cases = [
  ['30 2 * * *', 'in the hour that is skipped and repeated'],
  ['17 */6 * * *', 'an interval of hours'],
  ['0 9 * * 1-5', 'weekdays'],
  ['15 1-3 1,15 * *', 'a range of hours on two days of the month'],
  ['*/20 * * * 0', 'an interval of minutes on Sundays, when the clocks change'],
] as const
const zones = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe'] as const

describe('a year, every minute of it looked at by another program', () => {
  it.each(cases.flatMap(([cron, why]) => zones.map((zone) => [cron, zone, why] as const)))(
    '%s in %s fires at exactly the instants that the calendar of the zone names (%s)',
    (cron, zone) => {
      const [from, until] = ['2027-01-01T00:00:00Z', '2028-01-01T00:00:00Z']
      const found = firings(cron, zone, from, until)
      expect(found.length).toBeGreaterThan(50)
      expect(found).toEqual(firingsByMinute(cron, zone, at(from), at(until)))
    },
  )
})

describe('daylight saving, by hand', () => {
  it('Berlin, 28 March 2027: 2:30 does not exist and fires once, at 3:00', () => {
    expect(firings('30 2 * * *', 'Europe/Berlin', '2027-03-27T12:00Z', '2027-03-29T12:00Z')).toEqual([
      '2027-03-28T01:00:00.000Z',
      '2027-03-29T00:30:00.000Z',
    ])
  })

  it('Berlin, 31 October 2027: 2:30 comes twice and fires the first time only', () => {
    expect(firings('30 2 * * *', 'Europe/Berlin', '2027-10-30T12:00Z', '2027-11-01T12:00Z')).toEqual([
      '2027-10-31T00:30:00.000Z',
      '2027-11-01T01:30:00.000Z',
    ])
  })

  it('an hour that is skipped does not stop an interval of 20 minutes: always 20 minutes between two', () => {
    const found = firings('*/20 * * * *', 'Europe/Berlin', '2027-03-28T00:00Z', '2027-03-28T03:00Z')
    expect(found.map((text) => text.slice(11, 16))).toEqual([
      '00:00',
      '00:20',
      '00:40',
      '01:00',
      '01:20',
      '01:40',
      '02:00',
      '02:20',
      '02:40',
    ])
  })

  it('Lord Howe moves by half an hour: 2:15 on 3 October 2027 does not exist and fires once, at 2:30', () => {
    expect(firings('15 2 * * *', 'Australia/Lord_Howe', '2027-10-02T00:00Z', '2027-10-03T00:00Z')).toEqual([
      '2027-10-02T15:30:00.000Z',
    ])
  })
})

describe('the calendar', () => {
  it('29 February comes in 2028 and 2032, and in no year between', () => {
    expect(firings('0 0 29 2 *', 'UTC', '2027-01-01T00:00Z', '2034-01-01T00:00Z')).toEqual([
      '2028-02-29T00:00:00.000Z',
      '2032-02-29T00:00:00.000Z',
    ])
  })

  it('the shortest time between two firings of 0 9 * * 1-5 is a day, and a week has five', () => {
    const next = createTimetable({ cron: '0 9 * * 1-5', timezone: 'UTC', jitterMs: 0 }, random)
    const rhythm = rhythmOf(next, at('2027-01-01T00:00Z'))
    expect(rhythm?.shortestMs).toBe(86_400_000)
    expect((rhythm?.perDay ?? 0) * 7).toBeCloseTo(5, 0)
  })
})

describe('jitter', () => {
  it('puts each start off by less than what is asked, differently each time, and the same after a restart', () => {
    const timetable = { cron: '*/5 * * * *', timezone: 'UTC', jitterMs: 60_000 }
    const delays = (seed: number): number[] => {
      const next = createTimetable(timetable, createRandom(seed))
      let last = at('2027-01-01T00:00Z')
      return Array.from({ length: 200 }, () => {
        const firing = next(last)
        if (firing === null) throw new Error('no firing')
        last = firing.dueMs
        return firing.startMs - firing.dueMs
      })
    }
    const drawn = delays(7)
    expect(Math.min(...drawn)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...drawn)).toBeLessThan(60_000)
    expect(new Set(drawn).size).toBeGreaterThan(190)
    expect(delays(7)).toEqual(drawn)
    expect(delays(8)).not.toEqual(drawn)
  })
})
