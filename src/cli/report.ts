/** `plumbline report <snapshot|…> -o FILE.html`: a result as one page that opens from disk. */
import { createReadStream } from 'node:fs'
import { stat, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { compareSnapshots } from '../compare/compare-snapshots.js'
import { conclude } from '../compare/conclude.js'
import { historyTrend, trendVerdict } from '../compare/history-trend.js'
import { seriesOf, toHistory } from '../compare/history.js'
import type { HistoryPoint } from '../compare/history.js'
import { LEAST_DAYS as TREND_LEAST_DAYS } from '../compare/trend.js'
import { loadSnapshot } from '../snapshot/locate.js'
import { harnessVersion } from '../snapshot/provenance.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { listSnapshots } from '../snapshot/store.js'
import { terminalText } from '../border/escape.js'
import { readJson } from '../border/json.js'
import { systemReason } from '../border/system-error.js'
import { pageHtml } from '../report/html.js'
import { createAttributionTally, type Attributions } from '../report/page-attributions.js'
import type { History } from '../report/page-history.js'
import { reportPage, type ReportInput } from '../report/report-page.js'
import type { Register } from './command.js'
import type { ExitCode, Io } from './io.js'
import { refuse } from './io.js'

interface ReportFlags {
  output: string
  against?: string
  attribution?: string
  out: string
  json?: boolean
}

export const reportCommand: Register = (command, io, done) => {
  command
    .argument('[snapshot...]', 'one; two, base and candidate; or folders of results, all in them over time')
    .requiredOption('-o, --output <file.html>', 'where the page goes')
    .option('--against <snapshot>', 'hold the newest against this one, for example baseline:<scenario>')
    .option('--attribution <file.ndjson>', 'what plumbline attribute said of spans, one object a line')
    .option('--out <dir>', 'folder of results, for baseline:<scenario>', 'results')
    .option('--json', 'one JSON document on stdout: where the page lies')
    .action(async (paths: string[], flags: ReportFlags) => done(await report(paths, flags, io)))
}

type Or<T> = { ok: true; value: T } | { ok: false; problem: string; exit: ExitCode }
const no = (problem: string, exit: ExitCode = 2): { ok: false; problem: string; exit: ExitCode } => ({
  ok: false,
  problem,
  exit,
})

async function report(paths: readonly string[], flags: ReportFlags, io: Io): Promise<ExitCode> {
  const isJson = flags.json === true
  if (paths.length === 0 && flags.attribution === undefined)
    return refuse(['name a snapshot, a folder of results, or --attribution FILE'], isJson, io)
  const input = await gather(paths, flags, io)
  if (!input.ok) return refuse([input.problem], isJson, io, input.exit)
  const html = pageHtml(reportPage(input.value), harnessVersion)
  const file = resolve(io.cwd, flags.output)
  try {
    await writeFile(file, html, { mode: 0o600 })
  } catch (error) {
    const message = `${flags.output}: the page cannot be written: ${systemReason(error)}; choose another -o`
    return refuse([message], isJson, io)
  }
  if (isJson) io.out(`${JSON.stringify({ exit: 0, path: file, bytes: Buffer.byteLength(html) }, null, 1)}\n`)
  else io.out(`report: ${terminalText(flags.output)} (${Math.ceil(html.length / 1000)} kB)\n`)
  return 0
}

async function gather(paths: readonly string[], flags: ReportFlags, io: Io): Promise<Or<ReportInput>> {
  const found = await load(paths, flags, io)
  if (!found.ok) return found
  const { newest, base, histories, notes } = found.value
  const attributions =
    flags.attribution === undefined ? null : await readAttributions(resolve(io.cwd, flags.attribution))
  if (attributions !== null && !attributions.ok) return attributions
  const comparison =
    newest === null || base === null ? null : compareSnapshots(base, newest, { ...newest.scenario.gate })
  return {
    ok: true,
    value: {
      snapshot: newest,
      against: base === null || comparison === null ? null : { base, conclusion: conclude(comparison) },
      histories,
      attributions: attributions?.value ?? null,
      notes,
    },
  }
}

interface Loaded {
  newest: Snapshot | null
  base: Snapshot | null
  histories: readonly History[]
  notes: readonly string[]
}

/** A folder stands for all snapshots in it. Two are held against each other; of more the newest is shown, and the trend of all. */
async function load(paths: readonly string[], flags: ReportFlags, io: Io): Promise<Or<Loaded>> {
  const places = { cwd: io.cwd, outDir: flags.out }
  const names: string[] = []
  for (const path of paths) {
    const listed = await filesIn(resolve(io.cwd, path))
    if (listed === null) names.push(path)
    else if (!listed.ok) return listed
    else if (listed.value.length === 0)
      return no(`${path}: no snapshot is there; name a folder like results/<scenario>`)
    else names.push(...listed.value)
  }
  const histories = createHistories()
  const notes: string[] = []
  // Samples are what makes a snapshot large: only those that are shown whole are kept.
  let kept: Snapshot[] = []
  for (const name of names) {
    const loaded = await loadSnapshot(name, places)
    if (!loaded.ok) {
      if (names.length <= 2) return no(loaded.problem.message, loaded.problem.kind === 'newer-format' ? 5 : 2)
      notes.push(`left out: ${loaded.problem.message}`)
      continue
    }
    if (names.length > 2) histories.add(loaded.value)
    kept = names.length > 2 ? newestOf([...kept, loaded.value]) : [...kept, loaded.value]
  }
  const newest = kept.at(-1) ?? null
  if (names.length > 0 && newest === null) return no(notes[0] ?? 'no snapshot could be read')
  let base = kept.length > 1 ? kept[0]! : null
  if (flags.against !== undefined) {
    const loaded = await loadSnapshot(flags.against, places)
    if (!loaded.ok) return no(loaded.problem.message, loaded.problem.kind === 'newer-format' ? 5 : 2)
    base = loaded.value
  }
  return { ok: true, value: { newest, base, histories: histories.done(), notes } }
}

const newestOf = (some: readonly Snapshot[]): Snapshot[] =>
  [...some].sort((a, b) => a.startedAt.localeCompare(b.startedAt)).slice(-1)

/** Null where the path is no folder. */
async function filesIn(path: string): Promise<Or<string[]> | null> {
  const info = await stat(path).catch(() => null)
  if (info === null || !info.isDirectory()) return null
  const listed = await listSnapshots(path)
  return listed.ok ? { ok: true, value: [...listed.value] } : no(listed.problem.message)
}

/** One history a scenario. What is defined otherwise than in the newest, or was measured by an overloaded client, is left out. */
function createHistories() {
  const scenarios = new Map<
    string,
    {
      snapshot: Pick<Snapshot, 'startedAt' | 'provenance' | 'scenario'>
      points: HistoryPoint[]
      overloaded: boolean
    }[]
  >()
  const metricsOf = ({ provenance: { definitions } }: Pick<Snapshot, 'provenance'>): string =>
    ['ttft', 'tpot', 'cacheState'].map((name) => definitions[name]).join()
  return {
    add(snapshot: Snapshot): void {
      const { startedAt, provenance, scenario, instrument } = snapshot
      const own = scenarios.get(scenario.name) ?? []
      own.push({
        snapshot: { startedAt, provenance, scenario },
        points: toHistory(snapshot),
        overloaded: instrument.overloaded,
      })
      scenarios.set(scenario.name, own)
    },
    done(): History[] {
      return [...scenarios].map(([scenario, all]) => {
        const newest = all.reduce((a, b) => (b.snapshot.startedAt > a.snapshot.startedAt ? b : a)).snapshot
        const usable = all.filter(
          ({ snapshot, overloaded }) => !overloaded && metricsOf(snapshot) === metricsOf(newest),
        )
        const points = usable.flatMap((each) => each.points)
        const trends = historyTrend(points, { margins: newest.scenario.gate?.margins })
        const left = all.length - usable.length
        return {
          scenario,
          trends,
          verdict: trendVerdict(trends, { recentDays: 30, leastDays: TREND_LEAST_DAYS }),
          notes: left > 0 ? [`${left} left out: overloaded, or their metrics are defined otherwise`] : [],
          points: new Map(
            trends.map(({ target }) => [target, seriesOf(points.filter((point) => point.target === target))]),
          ),
        }
      })
    },
  }
}

async function readAttributions(path: string): Promise<Or<Attributions>> {
  const tally = createAttributionTally()
  let line = 0
  try {
    for await (const text of createInterface({
      input: createReadStream(path, 'utf8'),
      crlfDelay: Infinity,
    })) {
      line++
      if (text.trim() === '') continue
      const parsed = readJson(text)
      const problem = parsed.ok ? tally.add(parsed.value) : parsed.problem.message
      if (problem !== null)
        return no(`${path}:${line}: ${problem}; it takes the output of plumbline attribute --format ndjson`)
    }
  } catch (error) {
    return no(`${path}: cannot be read: ${systemReason(error)}`)
  }
  const attributions = tally.done()
  return attributions.spans > 0
    ? { ok: true, value: attributions }
    : no(`${path}: holds no attribution; plumbline attribute --format ndjson writes them`)
}
