import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createRandom } from '../../src/random/random.js'
import { createTimetable } from '../../src/schedule/firing.js'
import { faultsOfSchedule } from '../../src/schedule/fits.js'
import type { Caps, Ledger } from '../../src/schedule/ledger.js'
import { openLedger } from '../../src/schedule/ledger.js'
import { openState } from '../../src/schedule/state.js'

const DAY = 86_400_000
const noCaps: Caps = { perDay: null, perMonth: null }

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'plumbline-state-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

function open(path: string, caps: Caps): Ledger {
  const opened = openLedger(path, caps)
  if (!opened.ok) throw new Error(opened.message)
  return opened.ledger
}

describe('the ledger', () => {
  it('holds what a killed run had reserved: after a restart its worst case counts as spent', () => {
    const path = join(folder(), 'ledger')
    const caps = { perDay: 1, perMonth: null }
    const first = open(path, caps)
    const one = first.reserve({ scenario: 'a', amount: 0.6, dueMs: 0 }, 0)
    if (!('id' in one)) throw new Error('not reserved')
    first.settle(one.id, 0.1)
    first.reserve({ scenario: 'a', amount: 0.6, dueMs: 0 }, 0)
    first.close()
    const again = openLedger(path, caps)
    if (!again.ok) throw new Error(again.message)
    expect(again.unsettled).toBe(1)
    expect(again.ledger.spent(0).day).toBeCloseTo(0.7, 12)
    expect(again.ledger.reserve({ scenario: 'a', amount: 0.4, dueMs: 0 }, 0)).toEqual({ passed: 'day' })
    expect(again.ledger.reserve({ scenario: 'a', amount: 0.4, dueMs: 0 }, DAY)).toHaveProperty('id')
    again.ledger.close()
  })

  it('a last line that a kill tore is cut off and written over; a damaged one before it refuses the start', () => {
    const path = join(folder(), 'ledger')
    const first = open(path, noCaps)
    first.reserve({ scenario: 'a', amount: 0.5, dueMs: 0 }, 0)
    first.close()
    appendFileSync(path, '{"kind":"settle","id":"x","amo')
    const second = open(path, noCaps)
    expect(second.spent(0).day).toBe(0.5)
    second.reserve({ scenario: 'a', amount: 0.25, dueMs: 0 }, 0)
    second.close()
    expect(open(path, noCaps).spent(0).day).toBe(0.75)
    writeFileSync(path, `nonsense\n${readFileSync(path, 'utf8')}`)
    expect(openLedger(path, noCaps)).toMatchObject({
      ok: false,
      message: expect.stringContaining(':1:') as string,
    })
  })

  it.each([-1, NaN, Infinity])('a settlement of %s frees nothing', (amount) => {
    const ledger = open(join(folder(), 'ledger'), noCaps)
    const one = ledger.reserve({ scenario: 'a', amount: 0.5, dueMs: 0 }, 0)
    if (!('id' in one)) throw new Error('not reserved')
    ledger.settle(one.id, amount)
    expect(ledger.spent(0).day).toBe(0.5)
    ledger.close()
  })

  it('whatever comes in whatever order, over restarts: no day and no month passes its cap', () => {
    const step = fc.record({
      amount: fc.double({ min: 0.001, max: 0.7, noNaN: true }),
      used: fc.double({ min: 0, max: 1, noNaN: true }),
      afterMs: fc.integer({ min: 0, max: 2 * DAY }),
      isKilled: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const dir = mkdtempSync(join(tmpdir(), 'plumbline-ledger-'))
        const caps = { perDay: 1, perMonth: 5 }
        let ledger = open(join(dir, 'l'), caps)
        let atMs = Date.UTC(2027, 0, 30)
        for (const { amount, used, afterMs, isKilled } of steps) {
          atMs += afterMs
          const one = ledger.reserve({ scenario: 'a', amount, dueMs: 0 }, atMs)
          if ('id' in one && !isKilled) ledger.settle(one.id, amount * used)
          if (isKilled) {
            ledger.close()
            ledger = open(join(dir, 'l'), caps)
          }
          const { day, month } = ledger.spent(atMs)
          expect(day).toBeLessThanOrEqual(1 + 1e-9)
          expect(month).toBeLessThanOrEqual(5 + 1e-9)
        }
        ledger.close()
        rmSync(dir, { recursive: true })
      }),
      { numRuns: 20 },
    )
  })
})

describe('the folder of state', () => {
  const options = { caps: noCaps, newSeed: () => 'seed' }

  it('what was set is there after a restart, the seed of the jitter too; results keep their .gitignore', async () => {
    const out = join(folder(), 'results')
    const first = await openState(out, 'a', options)
    if (!first.ok) throw new Error(first.message)
    await Promise.all([
      first.state.memory.set('a', { lastDueMs: 5 }),
      first.state.memory.set('a', { alert: { health: 'failure', sinceMs: 1, toldMs: 2 } }),
    ])
    first.state.close()
    const second = await openState(out, 'a', { ...options, newSeed: () => 'another' })
    if (!second.ok) throw new Error(second.message)
    expect(second.state.memory.seed).toBe('seed')
    expect(second.state.memory.lastDueMs('a')).toBe(5)
    expect(second.state.memory.alert('a')).toEqual({ health: 'failure', sinceMs: 1, toldMs: 2 })
    expect(readFileSync(join(out, '.gitignore'), 'utf8')).toContain('baseline.json')
    second.state.close()
  })

  it('a second scheduler on the same results is refused while the first one lives', async () => {
    const out = folder()
    const first = await openState(out, 'a', options)
    if (!first.ok) throw new Error(first.message)
    expect(await openState(out, 'a', options)).toMatchObject({ ok: false })
    first.state.close()
    const third = await openState(out, 'a', options)
    expect(third.ok).toBe(true)
    if (third.ok) third.state.close()
  })
})

describe('what cannot fit is refused before it starts', () => {
  const planned = (name: string, cron: string, runMs: number | null, more: object = {}) => {
    const job = { name, cron, timezone: 'UTC', jitterMs: 0, targets: ['t'], worstCost: 0, ...more }
    return { job, next: createTimetable(job, createRandom(1)), runMs }
  }
  const at = { atMs: Date.UTC(2027, 0, 1), caps: noCaps }

  it.each([
    ['a run of 20 min every 15', [planned('a', '*/15 * * * *', 20 * 60_000)], /took 20 min.*every 15 min/],
    [
      'a jitter as long as the interval',
      [planned('a', '* * * * *', null, { jitterMs: 60_000 })],
      /jitter is 60 s/,
    ],
    ['30 February', [planned('a', '0 0 30 2 *', null)], /never comes/],
    [
      '40 min an hour and 25 min an hour on one target',
      [planned('a', '0 * * * *', 40 * 60_000), planned('b', '30 * * * *', 25 * 60_000)],
      /26\.0 hours a day/,
    ],
  ])('%s', (_, jobs, fault) => {
    expect(faultsOfSchedule(jobs, at).join('\n')).toMatch(fault)
  })

  it('a budget above the cap of a day', () => {
    const jobs = [planned('a', '0 * * * *', null, { worstCost: 2 })]
    const faults = faultsOfSchedule(jobs, { ...at, caps: { perDay: 1, perMonth: null } })
    expect(faults.join('\n')).toMatch(/above the cap of 1 a day/)
  })

  it('40 min an hour and 15 min an hour fit, and so do 40 and 25 on two targets', () => {
    const first = planned('a', '0 * * * *', 40 * 60_000)
    expect(faultsOfSchedule([first, planned('b', '30 * * * *', 15 * 60_000)], at)).toEqual([])
    expect(
      faultsOfSchedule([first, planned('b', '30 * * * *', 25 * 60_000, { targets: ['u'] })], at),
    ).toEqual([])
  })
})
