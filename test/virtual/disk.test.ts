/** What is kept on the disk, against one fault at a time on the simulated machine. */
import { expect, it, vi } from 'vitest'
import { createRandom } from '../../src/random/random.js'
import type { Job, ScheduleEvent } from '../../src/schedule/job.js'
import { runScheduler } from '../../src/schedule/scheduler.js'
import { openState } from '../../src/schedule/state.js'
import { systemClock } from '../../src/units/time.js'
import { createDisk, WRITE_BACK_MS } from './disk.js'
import type { Machine } from './machine.js'
import { ROOT, switchOn } from './machine.js'

// However busy the machine: what would hang is caught by virtual time.
vi.setConfig({ testTimeout: 300_000 })

const OUT = `${ROOT}/a/results`
const START = Date.parse('2027-05-01T00:30:00Z')
const HOUR = 3_600_000
const caps = { perDay: 1, perMonth: null }

async function onMachine(seed: number, work: (machine: Machine) => Promise<void>): Promise<void> {
  const machine = switchOn(START, createRandom(seed))
  try {
    await work(machine)
  } finally {
    machine.switchOff()
  }
}

async function inProcess<T>(machine: Machine, work: () => Promise<T>): Promise<T> {
  let answer: { value: T } | null = null
  machine.boot(async () => {
    answer = { value: await work() }
  }, Infinity)
  await machine.runUntil(machine.utcMs() + 60_000)
  const found = answer as { value: T } | null
  if (found === null) throw new Error(`the process is ${machine.state()}: ${String(machine.crash())}`)
  return found.value
}

const open = async () => {
  const opened = await openState(OUT, 'a', { caps, newSeed: () => 'seed' })
  if (!opened.ok) throw new Error(opened.message)
  return opened.state
}

it('what a dead process left unsynced outlives a power cut 35 s later, and not always one before: 30 cuts each', () => {
  const left = (waitMs: number): number[] =>
    Array.from({ length: 30 }, (_, seed) => {
      let nowMs = 0
      const disk = createDisk(ROOT, () => nowMs)
      const path = `${ROOT}/file`
      const fd = disk.open(path, { create: true, exclusive: true, append: true }, 0)
      disk.write(fd, Buffer.from('first'), 0)
      nowMs = 34_000
      disk.write(fd, Buffer.from(', second'), 0)
      disk.processDied()
      nowMs += waitMs
      disk.powerCut(createRandom(seed))
      return disk.list(ROOT).length === 0 ? 0 : disk.read(path).length
    })
  expect(new Set(left(WRITE_BACK_MS))).toEqual(new Set([13]))
  expect(new Set(left(500)).size).toBeGreaterThan(3)
})

it('power that fails in the first minute of a new folder costs neither ledger nor memory: 30 cuts', async () => {
  for (let seed = 0; seed < 30; seed++) {
    await onMachine(seed, async (machine) => {
      await inProcess(machine, async () => {
        const { ledger, memory } = await open()
        ledger.reserve({ scenario: 'a', amount: 0.5, dueMs: 0 }, START)
        await memory.set('a', { lastDueMs: 7 })
      })
      await machine.powerCut()
      await inProcess(machine, async () => {
        const { ledger, memory, unsettled } = await open()
        expect([unsettled, ledger.spent(START).day, memory.lastDueMs('a')]).toEqual([1, 0.5, 7])
      })
    })
  }
})

const job: Job = {
  name: 'a',
  cron: '0 * * * *',
  timezone: 'UTC',
  jitterMs: 0,
  targets: ['t'],
  worstCost: 0.1,
}

/** A process that makes a run each hour that spends .05, until it dies. */
function serve(machine: Machine, onEvent: (event: ScheduleEvent) => void, dieAtCall: number): void {
  machine.boot(async () => {
    const { ledger, memory } = await open()
    await runScheduler({
      jobs: [job],
      clock: systemClock,
      sleep: (ms) => new Promise((resolve) => void setTimeout(resolve, ms)),
      run: () => Promise.resolve({ health: 'ok', spent: 0.05, sentences: [], snapshot: null }),
      reload: () => Promise.resolve(null),
      lastDueMs: memory.lastDueMs,
      remember: async (name, dueMs) => void (await memory.set(name, { lastDueMs: dueMs })),
      ledger,
      random: createRandom(1),
      stop: new AbortController().signal,
      onEvent: (event) => machine.state() === 'running' && onEvent(event),
    })
  }, dieAtCall)
}

/** A day of them on a disk that refuses the ledger for some hours. */
async function dayWith(machine: Machine, calls: ReadonlySet<string>): Promise<ScheduleEvent[]> {
  const events: ScheduleEvent[] = []
  machine.setTrouble((call, path) => {
    const isTime = machine.utcMs() > START + 3 * HOUR && machine.utcMs() < START + 6 * HOUR
    return isTime && calls.has(call) && path.endsWith('ledger.ndjson') ? 'ENOSPC' : null
  })
  serve(machine, (event) => events.push(event), Infinity)
  await machine.runUntil(START + 10 * HOUR)
  expect([machine.state(), machine.crash()]).toEqual(['running', null])
  await machine.kill()
  return events
}

it('a scheduler that dies at any call of its first firing tells what became of it, by itself or after its restart', async () => {
  const first = START + HOUR / 2
  const calls = { before: 0, behind: 0 }
  await onMachine(1, async (machine) => {
    serve(
      machine,
      ({ kind }) => {
        if (kind === 'configured') calls.before = machine.calls()
        if (kind === 'finished') calls.behind = machine.calls()
      },
      Infinity,
    )
    await machine.runUntil(first + 60_000)
  })
  expect(calls.behind - calls.before).toBeGreaterThan(10)
  const met = new Set<string>()
  for (let n = calls.before + 1; n <= calls.behind; n++)
    for (const end of ['kill', 'power cut'])
      await onMachine(n, async (machine) => {
        const told: string[] = []
        const onEvent = (event: ScheduleEvent): void => {
          if (event.kind === 'missed' && event.firstMs === first) told.push(`missed: ${event.reason}`)
          if ('dueMs' in event && event.dueMs === first) told.push(event.kind)
        }
        serve(machine, onEvent, n)
        await machine.runUntil(first + 60_000)
        expect(machine.state()).toBe('killed')
        if (end === 'power cut') await machine.powerCut()
        for (let restart = 0; restart < 2; restart++) {
          serve(machine, onEvent, Infinity)
          await machine.runUntil(machine.utcMs() + 60_000)
          await machine.kill()
        }
        met.add(told.join(', '))
      })
  // `started` alone: settled, and dead before it could say that it had finished.
  expect([...met].sort()).toEqual(['missed: stopped', 'started', 'started, unsettled', 'unsettled'])
})

it.each([
  ['a write that fits in part', new Set(['write'])],
  ['a sync', new Set(['fsync'])],
  ['a write that cannot be cut off either', new Set(['write', 'truncate'])],
])(
  'the ledger refuses %s: the runs of those hours are missed and told, the others made, and it can be read',
  async (_, calls) => {
    await onMachine(1, async (machine) => {
      const events = await dayWith(machine, calls)
      const missed = events.flatMap((event) => (event.kind === 'missed' ? [event.reason] : []))
      expect(missed).toEqual(['ledger', 'ledger', 'ledger'])
      expect(events.filter(({ kind }) => kind === 'finished')).toHaveLength(7)
      machine.setTrouble(() => null)
      const { day } = await inProcess(machine, async () => (await open()).ledger.spent(START))
      expect(day).toBeCloseTo(7 * 0.05, 9)
    })
  },
)

it('a ledger that cannot be opened is named, and nothing is thrown', async () => {
  for (const call of ['open', 'read', 'truncate'])
    await onMachine(1, async (machine) => {
      await inProcess(machine, async () => {
        const { ledger } = await open()
        ledger.reserve({ scenario: 'a', amount: 0.5, dueMs: 0 }, START)
      })
      const fd = machine.disk.open(
        `${OUT}/.schedule/ledger.ndjson`,
        { create: false, exclusive: false, append: true },
        0,
      )
      machine.disk.write(fd, Buffer.from('{"kind":"set'), 0)
      machine.setTrouble((name, path) => (name === call && path.endsWith('ledger.ndjson') ? 'EIO' : null))
      const opened = await inProcess(machine, () => openState(OUT, 'a', { caps, newSeed: () => 'seed' }))
      expect(opened).toMatchObject({ ok: false, message: expect.stringContaining('ledger.ndjson') as string })
    })
})
