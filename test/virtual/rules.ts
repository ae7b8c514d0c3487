/** What must hold of a month whatever befell it; each rule answers with what it saw broken. */
import type { Budget } from '../../src/scenario/scenario.js'
import type { Caps } from '../../src/schedule/ledger.js'
import { parseSnapshot, readText } from '../../src/snapshot/format.js'
import { readJournal } from '../../src/snapshot/journal-reader.js'
import type { Result } from '../../src/snapshot/problem.js'
import { findJournals, listSnapshots } from '../../src/snapshot/store.js'
import { basename } from 'node:path'
import { readdir } from 'node:fs/promises'
import type { Diary, RunDiary } from './diary.js'
import { WRITE_BACK_MS } from './disk.js'
import type { Disk } from './disk.js'
import type { Booked } from './provider.js'
import { MOST_STEADY_BLOCKS } from './setting.js'
import type { Setting } from './setting.js'
import { dailyInstants } from './timetable.js'

/** Sums of money are compared as such: a millionth of a cent is rounding. */
const EPSILON = 1e-8
/** Jitter, and a turn of the loop. */
const LONGEST_PUT_OFF_MS = 20 * 60_000
/** A power cut may cost what the journal took since its last sync, one a second. */
const SYNC_MS = 1_100

export interface Results {
  unreadable: string[]
  /** Runs whose journal was left. */
  journals: string[]
  /** Ids of the samples in each snapshot. */
  snapshots: Map<string, string[]>
}

interface Held {
  run: string
  samples: string[]
}

/** What was read before, by its text: a month looks at each of its snapshots ten times. */
export type Known = Map<string, Held>

/** Every file of the folder, by the program's own readers. */
export async function readResults(folder: string, known: Known): Promise<Results> {
  const unreadable: string[] = []
  const snapshots = new Map<string, string[]>()
  const listed = await listSnapshots(folder)
  for (const path of listed.ok ? listed.value : []) {
    const read = await readOnce(path, known)
    if (read.ok) snapshots.set(read.value.run, read.value.samples)
    else unreadable.push(`a snapshot cannot be read: ${read.problem.message}`)
  }
  const names = await readdir(folder).catch((): string[] => [])
  for (const name of names.filter((each) => each.endsWith('.journal'))) {
    const read = await readJournal(`${folder}/${name}`)
    if (!read.ok && read.problem.kind !== 'cut')
      unreadable.push(`a journal cannot be read: ${read.problem.message}`)
  }
  const left = await findJournals(folder)
  const journals = left.ok ? left.value.map((path) => basename(path, '.journal')) : []
  return { unreadable, journals, snapshots }
}

async function readOnce(path: string, known: Known): Promise<Result<Held>> {
  const text = await readText(path)
  if (!text.ok) return text
  const before = known.get(text.value)
  if (before !== undefined) return { ok: true, value: before }
  const read = parseSnapshot(text.value, path)
  if (!read.ok) return read
  const held = { run: read.value.id, samples: read.value.samples.map(({ id }) => id) }
  known.set(text.value, held)
  return { ok: true, value: held }
}

export interface MonthSeen {
  setting: Setting
  diary: Diary
  books: readonly Booked[]
  results: Results
}

export function rulesBroken({ setting, diary, books, results }: MonthSeen): string[] {
  return [
    ...firingsBroken(setting, diary),
    ...deathsBroken(diary),
    ...samplesBroken(diary, results),
    ...plansBroken(setting, diary.runs),
    ...budgetsBroken(setting.budget, diary.runs, books),
    ...silenceBroken(setting, books),
    ...stopsBroken(diary, books),
    ...endsBroken(diary),
  ]
}

/** Every firing becomes a run or is told as missed, and never both. */
function firingsBroken(setting: Setting, { events, forgot, watchedUntilMs }: Diary): string[] {
  const starts = events.flatMap(({ event, utcMs }) =>
    event.kind === 'started' ? [{ dueMs: event.dueMs, utcMs }] : [],
  )
  const missed = events.flatMap(({ event }) => (event.kind === 'missed' ? [event] : []))
  const unsettled = new Set(events.flatMap(({ event }) => (event.kind === 'unsettled' ? [event.dueMs] : [])))
  const broken: string[] = []
  const text = (ms: number): string => new Date(ms).toISOString()
  for (const { dueMs, utcMs } of starts)
    if (utcMs < dueMs) broken.push(`the firing of ${text(dueMs)} started early, at ${text(utcMs)}`)
  // The first start counts once it could be remembered.
  const watchedFromMs =
    events.find(
      ({ event, utcMs }) =>
        event.kind === 'configured' && !forgot.some((atMs) => Math.abs(atMs - utcMs) < 1_000),
    )?.utcMs ?? watchedUntilMs
  for (const dueMs of dailyInstants(setting, watchedFromMs, watchedUntilMs)) {
    if (forgot.some((atMs) => atMs >= dueMs && atMs < dueMs + LONGEST_PUT_OFF_MS)) continue
    const made = starts.filter((start) => start.dueMs === dueMs).length
    const told = missed.filter(({ firstMs, lastMs }) => firstMs <= dueMs && dueMs <= lastMs)
    // Told first and remembered then: who dies between the two tells it again.
    const isToldAgain = made === 0 && told.length > 1 && told.at(-1)?.reason === 'stopped'
    // Begun, and dead before it could say so.
    const isBegun = made === 0 && told.length === 0 && unsettled.has(dueMs)
    if (made + told.length !== 1 && !isToldAgain && !isBegun)
      broken.push(`the firing of ${text(dueMs)} was made ${made} times and told missed ${told.length} times`)
  }
  return broken
}

/** A run that died in its midst is told as never settled by the next process that comes up. */
function deathsBroken({ runs, events }: Diary): string[] {
  const told = new Set(events.flatMap(({ event }) => (event.kind === 'unsettled' ? [event.dueMs] : [])))
  return runs.flatMap(({ number, dueMs, ended, diedMs }) =>
    dueMs === null || ended !== null || diedMs === null || told.has(dueMs)
      ? []
      : [`run ${number} died, and nobody said so`],
  )
}

/** Each sample that was told stands in one snapshot, once. */
function samplesBroken({ runs, deaths }: Diary, { snapshots, journals }: Results): string[] {
  const broken: string[] = []
  for (const [run, ids] of snapshots) {
    if (new Set(ids).size !== ids.length) broken.push(`the snapshot of ${run} holds a sample twice`)
    const told = runs.find(({ id }) => id === run)?.told.length ?? 0
    const isWhole = runs.some(({ id, ended }) => id === run && ended !== null && ended.refused === null)
    if (
      isWhole &&
      !runs.some(({ id, isJournalBroken }) => id === run && isJournalBroken) &&
      ids.length !== told
    )
      broken.push(`the snapshot of ${run} holds ${ids.length} samples, ${told} were told`)
  }
  for (const run of runs) {
    const ids = new Set(run.id === null ? [] : snapshots.get(run.id))
    const told = new Set(run.told.map(({ id }) => id))
    const untold = [...ids].filter((id) => !told.has(id)).length
    // Who dies in a write has written it perhaps, and told nobody.
    if (untold > 1 && run.ended === null && !run.isJournalBroken)
      broken.push(`the snapshot of ${run.id} holds ${untold} samples that nobody was told of`)
    const lost = run.told.filter(({ id, atMs }) => !ids.has(id) && !mayBeLost(run, atMs, deaths))
    if (lost.length === 0) continue
    const where = journals.includes(run.id ?? '') ? 'still in its journal' : 'nowhere'
    broken.push(`${lost.length} of ${run.told.length} samples told of run ${run.id} are ${where}`)
  }
  return broken
}

/** Where the power went with its process, or before the system had written back what the dead process left. */
function mayBeLost({ diedMs, isJournalBroken }: RunDiary, toldMs: number, deaths: Diary['deaths']): boolean {
  if (diedMs === null) return false
  const isPowerLost = deaths.some(
    ({ lostPower, atMs }) => lostPower && atMs >= diedMs && atMs < diedMs + WRITE_BACK_MS,
  )
  return isPowerLost && (isJournalBroken || toldMs > diedMs - SYNC_MS)
}

/** No request starts before it is due, none is tried too often, and the probe that decides by itself finds its end. */
function plansBroken({ attempts, steady }: Setting, runs: readonly RunDiary[]): string[] {
  return runs.flatMap(({ number, told }) => {
    const broken: string[] = []
    if (told.some(({ startDelay }) => startDelay < 0))
      broken.push(`run ${number}: a request came before it was due`)
    if (told.some(({ attempt }) => attempt > attempts))
      broken.push(`run ${number}: more than ${attempts} tries`)
    if (steady && told.some(({ block }) => block >= MOST_STEADY_BLOCKS))
      broken.push(`run ${number} goes on after ${MOST_STEADY_BLOCKS} blocks`)
    return broken
  })
}

/** By the provider's count no run passes its budget. */
function budgetsBroken(budget: Budget, runs: readonly RunDiary[], books: readonly Booked[]): string[] {
  const broken: string[] = []
  for (const { number } of runs) {
    const own = books.filter((booked) => booked.run === number)
    const sent = own.filter(({ what }) => what !== 'refused').length
    const tokens = sum(own.map((booked) => booked.tokens))
    const cost = sum(own.map((booked) => booked.cost))
    if (sent > (budget.requests ?? Infinity))
      broken.push(`run ${number} sent ${sent} requests of ${budget.requests}`)
    if (tokens > (budget.tokens ?? Infinity))
      broken.push(`run ${number} used ${tokens} tokens of ${budget.tokens}`)
    if (cost > (budget.cost ?? Infinity) + EPSILON)
      broken.push(`run ${number} cost ${cost} of ${budget.cost}`)
  }
  return broken
}

/** After a 429 that asks for a wait within the limit nothing of that run arrives before it is over. */
function silenceBroken({ maxRetryAfterS }: Setting, books: readonly Booked[]): string[] {
  const broken: string[] = []
  for (const { run, landedMs, silenceMs } of books) {
    if (silenceMs === null || silenceMs > maxRetryAfterS * 1000) continue
    const early = books.find(
      (other) =>
        other.run === run && other.arrivedMs > landedMs + 1 && other.arrivedMs < landedMs + silenceMs - 1,
    )
    if (early !== undefined)
      broken.push(
        `run ${run}: a request came ${(early.arrivedMs - landedMs).toFixed(0)} ms after a 429 that asked for ${silenceMs} ms`,
      )
  }
  return broken
}

/** After a stop no firing starts and no request begins, until a new process is there. */
function stopsBroken({ stops, deaths, events }: Diary, books: readonly Booked[]): string[] {
  return stops.flatMap((stopMs) => {
    const endMs = deaths.find(({ atMs }) => atMs >= stopMs)?.atMs ?? Infinity
    const isAfter = (atMs: number): boolean => atMs > stopMs + 1 && atMs <= endMs
    const broken: string[] = []
    if (events.some(({ event, atMs }) => event.kind === 'started' && isAfter(atMs)))
      broken.push('a run started after the stop')
    if (books.some(({ arrivedMs }) => isAfter(arrivedMs))) broken.push('a request began after the stop')
    return broken
  })
}

const HEALTH = new Set(['ok', 'regression', 'failure', 'undecided', 'interrupted'])
const STOPS = new Set([
  'interrupted',
  'budget',
  'error-limit',
  'unauthorized',
  'unreachable',
  'not-streaming',
  'disk',
])

function endsBroken({ runs }: Diary): string[] {
  return runs.flatMap(({ number, ended, diedMs }) => {
    if (ended === null) return diedMs === null ? [`run ${number} never ended`] : []
    const { health, stop, refused } = ended
    if (!HEALTH.has(health)) return [`run ${number} ended in ${health}, which is no health`]
    if (stop !== null && !STOPS.has(stop)) return [`run ${number} ended for ${stop}, which is not listed`]
    return refused === '' ? [`run ${number} was refused without a word`] : []
  })
}

/** What the ledger holds for each UTC day, read line by line with nothing of the program. */
export function ledgerDays(disk: Disk, path: string): Map<string, number> {
  const days = new Map<string, number>()
  const open = new Map<string, { day: string; amount: number }>()
  let text: string
  try {
    text = disk.read(path).toString()
  } catch {
    return days
  }
  for (const line of text.split('\n').slice(0, -1)) {
    const entry = JSON.parse(line) as { kind: string; id: string; atMs: number; amount: number }
    if (entry.kind === 'reserve') {
      const day = new Date(entry.atMs).toISOString().slice(0, 10)
      open.set(entry.id, { day, amount: entry.amount })
      days.set(day, (days.get(day) ?? 0) + entry.amount)
      continue
    }
    const held = open.get(entry.id)
    if (held !== undefined) days.set(held.day, (days.get(held.day) ?? 0) - held.amount + entry.amount)
  }
  return days
}

/** By the provider's count no day and no month passes its cap, and the ledger never knows of less. */
export function moneyBroken(
  runs: readonly RunDiary[],
  books: readonly Booked[],
  ledger: ReadonlyMap<string, number>,
  caps: Caps,
): string[] {
  const broken: string[] = []
  const days = new Map<string, number>()
  const months = new Map<string, number>()
  for (const { run, cost } of books) {
    const day = runs[run]?.day ?? ''
    if (day === '') continue
    days.set(day, (days.get(day) ?? 0) + cost)
    months.set(day.slice(0, 7), (months.get(day.slice(0, 7)) ?? 0) + cost)
  }
  for (const [day, cost] of days) {
    const known = ledger.get(day) ?? 0
    if (known < cost - EPSILON)
      broken.push(`on ${day} the provider charged ${cost}, the ledger knows of ${known}`)
    if (cost > (caps.perDay ?? Infinity) + EPSILON)
      broken.push(`${cost} on ${day}, the cap is ${caps.perDay}`)
  }
  for (const [month, cost] of months)
    if (cost > (caps.perMonth ?? Infinity) + EPSILON)
      broken.push(`${cost} in ${month}, the cap is ${caps.perMonth}`)
  return broken
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
