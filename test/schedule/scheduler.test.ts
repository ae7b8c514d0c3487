import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createRandom } from '../../src/random/random.js'
import type { Job, Outcome, ScheduleEvent } from '../../src/schedule/job.js'
import type { Caps, Ledger } from '../../src/schedule/ledger.js'
import { openLedger } from '../../src/schedule/ledger.js'
import type { Reloaded } from '../../src/schedule/scheduler.js'
import { runScheduler } from '../../src/schedule/scheduler.js'
import type { VirtualTime } from './virtual-time.js'
import { virtualTime } from './virtual-time.js'

/** A year of settlements, each synced: a disk in memory keeps it short. */
const MEMORY = '/dev/shm'
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const at = (text: string): number => Date.parse(text)

const job = (name: string, cron: string, more: Partial<Job> = {}): Job => {
  return { name, cron, timezone: 'UTC', jitterMs: 0, targets: [name], worstCost: 0, ...more }
}
const good: Outcome = { health: 'ok', spent: 0, sentences: [], snapshot: null }

function ledgerFile(): string {
  const folder = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'plumbline-schedule-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'ledger.ndjson')
}

function ledgerAt(path: string, caps: Caps = { perDay: null, perMonth: null }): Ledger {
  const opened = openLedger(path, caps)
  if (!opened.ok) throw new Error(opened.message)
  return opened.ledger
}

interface Trial {
  time: VirtualTime
  events: ScheduleEvent[]
  /** Runs that began: which, and when by the wall clock. */
  starts: { job: string; at: string }[]
  /** Most runs at once. */
  most: () => number
  stop(): Promise<void>
  memory: Map<string, number>
}

interface TrialOptions {
  from: string
  jobs: readonly Job[]
  runMs?: number
  spent?: number
  ledger?: Ledger
  memory?: Map<string, number>
  reload?: () => Promise<Reloaded>
  atOnce?: number
  wakeMs?: number
}

function begin({ from, jobs, runMs = MINUTE, spent = 0, ...options }: TrialOptions): Trial {
  const time = virtualTime(at(from))
  const events: ScheduleEvent[] = []
  const starts: Trial['starts'] = []
  const memory = options.memory ?? new Map<string, number>()
  const stop = new AbortController()
  let inFlight = 0
  let most = 0
  const ended = runScheduler({
    jobs,
    clock: time.clock,
    sleep: time.sleep,
    run: async ({ name }) => {
      most = Math.max(most, ++inFlight)
      starts.push({ job: name, at: new Date(time.clock.utcMs()).toISOString() })
      await time.sleep(runMs)
      inFlight--
      return { ...good, spent }
    },
    reload: options.reload ?? (() => Promise.resolve(null)),
    lastDueMs: (name) => memory.get(name) ?? null,
    remember: (name, dueMs) => Promise.resolve(void memory.set(name, dueMs)),
    ledger: options.ledger ?? ledgerAt(ledgerFile()),
    random: createRandom(3),
    stop: stop.signal,
    onEvent: (event) => events.push(event),
    atOnce: options.atOnce,
    longestSleepMs: options.wakeMs ?? 10 * MINUTE,
  })
  return {
    time,
    events,
    starts,
    most: () => most,
    memory,
    async stop() {
      stop.abort()
      await time.advanceTo(time.clock.utcMs() + runMs)
      await ended
    },
  }
}

const missed = (events: readonly ScheduleEvent[], reason: string) =>
  events.flatMap((event) => (event.kind === 'missed' && event.reason === reason ? [event] : []))

describe('a year in virtual time', () => {
  it('five scenarios in three zones start at every firing of theirs, never two at once, none twice', async () => {
    const jobs = [
      job('berlin', '30 2 * * *', { timezone: 'Europe/Berlin' }),
      job('new-york', '17 */6 * * *', { timezone: 'America/New_York' }),
      job('lord-howe', '15 2 * * 1-5', { timezone: 'Australia/Lord_Howe' }),
      job('leap', '0 12 29 2 *'),
      job('hourly', '5 * * * *'),
    ]
    const trial = begin({ from: '2028-01-01T00:00:00Z', jobs, wakeMs: HOUR })
    await trial.time.advanceTo(at('2029-01-01T00:00:00Z'))
    await trial.stop()
    const count = (name: string): number => trial.starts.filter((start) => start.job === name).length
    // 2028 has 366 days, 260 of them weekdays; at its end in UTC it is Monday 1 January in Lord Howe.
    expect(['berlin', 'leap', 'hourly', 'lord-howe'].map(count)).toEqual([366, 1, 366 * 24, 261])
    // Every 6 h by the clock of New York: the night of 23 hours and that of 25 have the same four.
    expect(count('new-york')).toBe(366 * 4)
    expect(trial.most()).toBe(1)
    expect(missed(trial.events, 'overlap')).toEqual([])
    expect(missed(trial.events, 'late')).toEqual([])
    const leap = trial.starts.find((start) => start.job === 'leap')
    expect(leap?.at).toBe('2028-02-29T12:00:00.000Z')
  })

  it('money: a year of runs passes neither cap on any day or in any month', async () => {
    const path = ledgerFile()
    const caps = { perDay: 1, perMonth: 20 }
    const jobs = [job('a', '0 */3 * * *', { worstCost: 0.4 }), job('b', '30 */4 * * *', { worstCost: 0.3 })]
    const ledger = ledgerAt(path, caps)
    const trial = begin({ from: '2027-01-01T00:00:00Z', jobs, spent: 0.25, ledger, wakeMs: HOUR })
    let day = 0
    let month = 0
    for (let ms = at('2027-01-01T00:00Z'); ms < at('2028-01-01T00:00Z'); ms += 12 * HOUR) {
      await trial.time.advanceTo(ms + 12 * HOUR - 1)
      const spent = ledger.spent(trial.time.clock.utcMs())
      day = Math.max(day, spent.day)
      month = Math.max(month, spent.month)
    }
    await trial.stop()
    expect(day).toBeLessThanOrEqual(1)
    expect(month).toBeLessThanOrEqual(20)
    expect(month).toBeGreaterThan(19)
    expect(missed(trial.events, 'cap').length).toBeGreaterThan(1000)
  })
})

describe('overlap', () => {
  it('a firing while the run before still goes on is told and not made up: 90 minutes every hour are 12 runs a day', async () => {
    const trial = begin({
      from: '2027-05-01T00:00:00Z',
      jobs: [job('slow', '0 * * * *')],
      runMs: 90 * MINUTE,
    })
    await trial.time.advanceTo(at('2027-05-02T00:00:00Z'))
    await trial.stop()
    expect(trial.starts.length).toBe(12)
    expect(trial.most()).toBe(1)
    expect(missed(trial.events, 'overlap').length).toBe(12)
  })

  it('what comes while one waits is told once, also where the process dies before that one starts', async () => {
    const shared = { targets: ['https://api.example/v1 gpt'] }
    const jobs = [job('long', '0 1 * * *', shared), job('waits', '0 * * * *', shared)]
    const memory = new Map<string, number>()
    const options = { jobs, memory, runMs: 150 * MINUTE }
    const told = (events: readonly ScheduleEvent[]): number =>
      events.reduce((sum, e) => sum + (e.kind === 'missed' && e.job === 'waits' ? e.count : 0), 0)
    const dies = begin({ ...options, from: '2027-05-01T00:30:00Z' })
    await dies.time.advanceTo(at('2027-05-01T03:10:00Z'))
    expect(dies.starts.map((start) => start.job)).toEqual(['long'])
    const after = begin({ ...options, from: '2027-05-01T03:10:00Z' })
    await after.time.advanceTo(at('2027-05-01T03:20:00Z'))
    expect(told(dies.events) + told(after.events)).toBe(3) // 01:00, 02:00 and 03:00
    await after.stop()
    // Where it lives on, the one of 01:00 starts when the long one ends, and the two behind it are told then.
    await dies.time.advanceTo(at('2027-05-01T03:40:00Z'))
    expect(dies.starts[1]).toMatchObject({ job: 'waits' })
    expect(missed(dies.events, 'overlap').reduce((sum, { count }) => sum + count, 0)).toBe(2)
    await dies.stop()
  })

  it('two scenarios of one target wait for each other, also where two may run at once', async () => {
    const shared = { targets: ['https://api.example/v1 gpt'] }
    const jobs = [job('a', '0 * * * *', shared), job('b', '0 * * * *', shared), job('c', '0 * * * *')]
    const trial = begin({ from: '2027-05-01T00:30:00Z', jobs, runMs: 10 * MINUTE, atOnce: 3 })
    await trial.time.advanceTo(at('2027-05-01T01:30:00Z'))
    await trial.stop()
    const [first, second, third] = trial.starts.map((start) => [start.job, start.at.slice(11, 19)])
    // c starts 2 s behind a: first starts are spread.
    expect([first, second, third]).toEqual([
      ['a', '01:00:00'],
      ['c', '01:00:02'],
      ['b', '01:10:00'],
    ])
    expect(trial.most()).toBe(2)
  })
})

describe('a clock that jumps', () => {
  const jobs = [job('quarterly', '*/15 * * * *')]

  it('2 h ahead: the 8 firings in between are told as one and not made up', async () => {
    const trial = begin({ from: '2027-05-01T00:01:00Z', jobs })
    await trial.time.advanceTo(at('2027-05-01T00:20:00Z'))
    trial.time.jump(2 * HOUR)
    await trial.time.advanceTo(at('2027-05-01T03:00:30Z'))
    await trial.stop()
    expect(trial.starts.map((start) => start.at.slice(11, 16))).toEqual(['00:15', '02:30', '02:45', '03:00'])
    expect(missed(trial.events, 'late')).toMatchObject([
      { firstMs: at('2027-05-01T00:30:00Z'), lastMs: at('2027-05-01T02:15:00Z'), count: 8 },
    ])
    expect(trial.events.filter(({ kind }) => kind === 'clock-jump')).toEqual([
      { kind: 'clock-jump', byMs: 2 * HOUR },
    ])
  })

  it('2 h back: no firing runs twice, and the next one is the next that was never run', async () => {
    const trial = begin({ from: '2027-05-01T03:01:00Z', jobs })
    await trial.time.advanceTo(at('2027-05-01T03:20:00Z'))
    trial.time.jump(-2 * HOUR)
    await trial.time.advanceTo(at('2027-05-01T03:46:00Z'))
    await trial.stop()
    expect(trial.starts.map((start) => start.at.slice(11, 16))).toEqual(['03:15', '03:30', '03:45'])
  })

  it('a year back: the clock had been wrong, and the timetable begins anew', async () => {
    const trial = begin({ from: '2028-05-01T03:01:00Z', jobs })
    await trial.time.advanceTo(at('2028-05-01T03:20:00Z'))
    trial.time.jump(-366 * 24 * HOUR)
    await trial.time.advanceTo(at('2027-05-01T03:46:00Z'))
    await trial.stop()
    expect(trial.starts.map((start) => start.at)).toEqual([
      '2028-05-01T03:15:00.000Z',
      '2027-05-01T03:30:00.000Z',
      '2027-05-01T03:45:00.000Z',
    ])
  })

  it('20 s of sleep over a firing are not too late for it', async () => {
    const trial = begin({ from: '2027-05-01T00:14:50Z', jobs })
    await trial.time.advanceTo(at('2027-05-01T00:14:55Z'))
    trial.time.suspend(20_000)
    await trial.time.advanceTo(at('2027-05-01T00:16:00Z'))
    await trial.stop()
    expect(trial.starts.length).toBe(1)
    expect(missed(trial.events, 'late')).toEqual([])
  })
})

describe('stop and restart', () => {
  it('a stop in mid-run waits for the run; what fell into the pause is told at the restart and not made up', async () => {
    const memory = new Map<string, number>()
    const jobs = [job('a', '0 * * * *')]
    const first = begin({ from: '2027-05-01T00:30:00Z', jobs, runMs: 20 * MINUTE, memory })
    await first.time.advanceTo(at('2027-05-01T01:10:00Z'))
    await first.stop()
    expect(first.events.at(-1)).toMatchObject({ kind: 'finished', job: 'a', tookMs: 20 * MINUTE })

    const second = begin({ from: '2027-05-01T05:30:00Z', jobs, memory })
    await second.time.advanceTo(at('2027-05-01T06:10:00Z'))
    await second.stop()
    expect(missed(second.events, 'stopped')).toMatchObject([
      { firstMs: at('2027-05-01T02:00:00Z'), lastMs: at('2027-05-01T05:00:00Z'), count: 4 },
    ])
    expect(second.starts.map((start) => start.at.slice(11, 16))).toEqual(['06:00'])
  })

  it('what is missed before the first run ever is told too: it counts from the first start', async () => {
    const memory = new Map<string, number>()
    const jobs = [job('a', '0 * * * *')]
    const first = begin({ from: '2027-05-01T00:30:00Z', jobs, memory })
    await first.time.advanceTo(at('2027-05-01T00:40:00Z'))
    await first.stop()
    const second = begin({ from: '2027-05-01T05:30:00Z', jobs, memory })
    await second.time.advanceTo(at('2027-05-01T05:40:00Z'))
    await second.stop()
    expect(missed(second.events, 'stopped')).toMatchObject([
      { firstMs: at('2027-05-01T01:00:00Z'), lastMs: at('2027-05-01T05:00:00Z'), count: 5 },
    ])
  })

  it('a firing is not taken again by a restart in its own minute', async () => {
    const memory = new Map<string, number>()
    const jobs = [job('a', '0 * * * *')]
    const first = begin({ from: '2027-05-01T00:59:59Z', jobs, runMs: 1000, memory })
    await first.time.advanceTo(at('2027-05-01T01:00:05Z'))
    await first.stop()
    const second = begin({ from: '2027-05-01T01:00:10Z', jobs, memory })
    await second.time.advanceTo(at('2027-05-01T01:59:00Z'))
    await second.stop()
    expect([first.starts.length, second.starts.length]).toEqual([1, 0])
  })

  it('what waits for a free place when the stop comes is told', async () => {
    const jobs = [job('a', '0 * * * *'), job('b', '0 * * * *')]
    const trial = begin({ from: '2027-05-01T00:30:00Z', jobs, runMs: 20 * MINUTE })
    await trial.time.advanceTo(at('2027-05-01T01:05:00Z'))
    await trial.stop()
    expect(trial.starts.map((start) => start.job)).toEqual(['a'])
    expect(missed(trial.events, 'stopped')).toMatchObject([{ job: 'b', count: 1 }])
  })
})

describe('a new configuration', () => {
  it('what waits while its scenario is taken away is told, and what it missed before', async () => {
    const both = [job('a', '0 * * * *'), job('b', '10 * * * *')]
    let jobs: readonly Job[] = both
    const trial = begin({
      from: '2027-05-01T00:30:00Z',
      jobs,
      runMs: 3 * HOUR,
      reload: () => Promise.resolve({ ok: true, jobs }),
    })
    await trial.time.advanceTo(at('2027-05-01T03:20:00Z'))
    jobs = both.slice(0, 1)
    await trial.time.advanceTo(at('2027-05-01T03:50:00Z'))
    await trial.stop()
    expect(trial.starts.map((start) => start.job)).toEqual(['a'])
    const ofB = trial.events.flatMap((event) => (event.kind === 'missed' && event.job === 'b' ? [event] : []))
    // Due at 1:10, and then at 2:10 and 3:10 while that one waited.
    expect(ofB.map(({ reason, count }) => [reason, count])).toEqual([
      ['stopped', 1],
      ['overlap', 1],
      ['overlap', 1],
    ])
  })

  it('a bad one is told and not applied, a good one takes effect at the next turn', async () => {
    const answers: Reloaded[] = [
      null,
      { ok: false, problems: ['a.yaml:3:1: is wrong'] },
      null,
      { ok: true, jobs: [job('a', '45 * * * *')] },
    ]
    const trial = begin({
      from: '2027-05-01T00:30:00Z',
      jobs: [job('a', '0 * * * *')],
      reload: () => Promise.resolve(answers.shift() ?? null),
    })
    await trial.time.advanceTo(at('2027-05-01T02:50:00Z'))
    await trial.stop()
    expect(trial.starts.map((start) => start.at.slice(11, 16))).toEqual(['01:00', '01:45', '02:45'])
    expect(trial.events.filter(({ kind }) => kind === 'configuration-refused')).toEqual([
      { kind: 'configuration-refused', problems: ['a.yaml:3:1: is wrong'] },
    ])
  })
})
