/** `plumbline trend [results…]`: change points over a history of snapshots, or of plain series. */
import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { historyTrend, trendVerdict } from '../compare/history-trend.js'
import { toHistory } from '../compare/history.js'
import type { HistoryPoint } from '../compare/history.js'
import { parseSeries } from '../compare/series-csv.js'
import { LEAST_DAYS as TREND_LEAST_DAYS, trendOf } from '../compare/trend.js'
import { readSnapshot } from '../snapshot/format.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { foldersIn, listSnapshots } from '../snapshot/store.js'
import { trendModel, type TrendResult } from '../report/trend.js'
import { trendMarkdown, trendText } from '../report/trend-text.js'
import type { Register } from './command.js'
import { wholeNumber } from './flags.js'
import type { ExitCode, Io } from './io.js'
import { refuse, worst } from './io.js'

const FORMATS = ['terminal', 'markdown', 'json'] as const
type Format = (typeof FORMATS)[number]
const isFormat = (text: string): text is Format => FORMATS.some((format) => format === text)

interface TrendFlags {
  series?: string
  recent: number
  format: string
  json?: boolean
  out: string
}

export const trendCommand: Register = (command, io, done) => {
  command
    .argument('[results...]', 'folders of results, or snapshots; default: every scenario under --out')
    .option('--series <file.csv>', 'plain series instead: time,value[,name] a line')
    .option('--recent <days>', 'exit 1 where something became slower within so many days', wholeNumber, 30)
    .option('--format <format>', FORMATS.join(', '), 'terminal')
    .option('--json', 'the same as --format json')
    .option('--out <dir>', 'folder of results', 'results')
    .action(async (paths: string[], flags: TrendFlags) => done(await trend(paths, flags, io)))
}

async function trend(paths: readonly string[], flags: TrendFlags, io: Io): Promise<ExitCode> {
  const format = flags.json === true ? 'json' : flags.format
  const wrong = (message: string, exit: ExitCode = 2): ExitCode =>
    refuse([message], format === 'json', io, exit)
  if (!isFormat(format)) return wrong(`--format ${format} is none of ${FORMATS.join(', ')}`)
  if (flags.series !== undefined && paths.length > 0)
    return wrong('give folders of results or --series, not both')
  const found =
    flags.series === undefined
      ? await ofSnapshots(paths.length > 0 ? paths : [flags.out], flags.recent, io)
      : await ofSeries(resolve(io.cwd, flags.series), flags.recent)
  if ('problem' in found) return wrong(found.problem, found.exit)
  io.out(formatted(found.results, format))
  return worst(found.results.map(({ verdict }) => verdict.exit))
}

type Found = { results: readonly TrendResult[] } | { problem: string; exit: ExitCode }

/** One trend a scenario. Snapshots are read one after the other and only what a trend needs is kept of each. */
async function ofSnapshots(paths: readonly string[], recentDays: number, io: Io): Promise<Found> {
  const files: string[] = []
  const skipped: { message: string; exit: ExitCode }[] = []
  for (const path of paths) {
    const listed = await filesIn(resolve(io.cwd, path))
    if (typeof listed === 'string') return { problem: listed, exit: 2 }
    files.push(...listed.files)
    skipped.push(...listed.unread.map((message) => ({ message, exit: 2 as const })))
  }
  const scenarios = new Map<string, Gathered>()
  for (const file of new Set(files)) {
    const read = await readSnapshot(file)
    if (read.ok) gather(scenarios, read.value)
    else skipped.push({ message: read.problem.message, exit: read.problem.kind === 'newer-format' ? 5 : 2 })
  }
  const [first] = skipped
  if (scenarios.size === 0) {
    if (first !== undefined) return { problem: first.message, exit: first.exit }
    return {
      problem: `${paths.join(', ')}: no snapshot is there; name folders like results/<scenario>`,
      exit: 2,
    }
  }
  const unread = skipped.map(({ message }) => `left out: ${message}`)
  return { results: [...scenarios].map(([name, gathered]) => toResult(name, gathered, recentDays, unread)) }
}

interface Gathered {
  /** The newest, whose definitions and margins hold. */
  newest: Pick<Snapshot, 'startedAt' | 'provenance' | 'scenario'>
  points: { point: HistoryPoint; definitions: string; overloaded: boolean }[]
}

const JUDGED = ['ttft', 'tpot', 'cacheState'] as const

function definitionsOf({ provenance }: Pick<Snapshot, 'provenance'>): string {
  return JUDGED.map((name) => provenance.definitions[name] ?? 'undefined').join()
}

function gather(scenarios: Map<string, Gathered>, snapshot: Snapshot): void {
  const { startedAt, provenance, scenario, instrument } = snapshot
  const own = scenarios.get(scenario.name) ?? { newest: { startedAt, provenance, scenario }, points: [] }
  if (startedAt > own.newest.startedAt) own.newest = { startedAt, provenance, scenario }
  const definitions = definitionsOf(snapshot)
  for (const point of toHistory(snapshot))
    own.points.push({ point, definitions, overloaded: instrument.overloaded })
  scenarios.set(scenario.name, own)
}

function toResult(
  scenario: string,
  { newest, points }: Gathered,
  recentDays: number,
  unread: readonly string[],
): TrendResult {
  const comparable = points.filter(({ definitions }) => definitions === definitionsOf(newest))
  const usable = comparable.filter(({ overloaded }) => !overloaded)
  const trends = historyTrend(
    usable.map(({ point }) => point),
    { margins: newest.scenario.gate?.margins },
  )
  const notes = [...unread]
  if (comparable.length < points.length)
    notes.push(`${points.length - comparable.length} left out: their metrics are defined otherwise`)
  if (usable.length < comparable.length)
    notes.push(`${comparable.length - usable.length} left out: the client was the bottleneck`)
  const verdict = trendVerdict(trends, { recentDays, leastDays: TREND_LEAST_DAYS })
  return { scenario, trends, verdict, notes }
}

/** A snapshot itself, the snapshots of a folder, or of every folder in it. A sentence where there is nothing to read. */
async function filesIn(path: string): Promise<{ files: string[]; unread: string[] } | string> {
  const info = await stat(path).catch(() => null)
  if (info === null)
    return `${path}: there is no such file or folder; plumbline run writes snapshots to results/<scenario>`
  if (!info.isDirectory()) return { files: [path], unread: [] }
  const folders = await foldersIn(path)
  if (!folders.ok) return folders.problem.message
  const lists = await Promise.all(folders.value.map(listSnapshots))
  return {
    files: lists.flatMap((list) => (list.ok ? list.value : [])),
    unread: lists.flatMap((list) => (list.ok ? [] : [list.problem.message])),
  }
}

async function ofSeries(path: string, recentDays: number): Promise<Found> {
  const text = await readFile(path, 'utf8').catch(() => null)
  if (text === null) return { problem: `${path}: cannot be read`, exit: 2 }
  const parsed = parseSeries(text)
  if (!parsed.ok) return { problem: `${path}:${parsed.line}: ${parsed.problem}`, exit: 2 }
  const trends = [...parsed.series].map(([target, points]) => {
    const found = trendOf(points)
    const events = found.steps.map(({ atMs, ratio, p }) => ({
      atMs,
      direction: ratio > 1 ? ('worse' as const) : ('better' as const),
      moved: [{ name: target, place: null, ratio, p }],
      routes: [],
    }))
    return { target, snapshots: points.length, events, series: [{ name: target, unit: '', trend: found }] }
  })
  const verdict = trendVerdict(trends, { recentDays, leastDays: TREND_LEAST_DAYS })
  return { results: [{ scenario: path, trends, verdict, notes: [] }] }
}

function formatted(results: readonly TrendResult[], format: Format): string {
  switch (format) {
    case 'terminal':
      return results.map((result) => trendText(trendModel(result))).join('\n')
    case 'markdown':
      return results.map((result) => trendMarkdown(trendModel(result))).join('\n')
    case 'json':
      return `${JSON.stringify({ exit: worst(results.map(({ verdict }) => verdict.exit)), results }, null, 1)}\n`
    default:
      return format satisfies never
  }
}
