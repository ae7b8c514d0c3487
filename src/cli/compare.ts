/** `plumbline compare <base> <candidate>`: verdict per curve and metric; the exit code says it too. */
import { resolve } from 'node:path'
import { compareSnapshots } from '../compare/compare-snapshots.js'
import type { TargetPair } from '../compare/comparison.js'
import { conclude } from '../compare/conclude.js'
import type { Conclusion } from '../compare/conclude.js'
import { dayEffects } from '../compare/day-effect.js'
import type { DayEffect } from '../compare/day-effect.js'
import { toHistory } from '../compare/history.js'
import type { HistoryPoint } from '../compare/history.js'
import { readSnapshot } from '../snapshot/format.js'
import { loadSnapshot } from '../snapshot/locate.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { listSnapshots } from '../snapshot/store.js'
import { comparisonJson, comparisonModel } from '../report/comparison.js'
import { comparisonMarkdown, comparisonText } from '../report/comparison-text.js'
import { comparisonJunit } from '../report/junit.js'
import type { Register } from './command.js'
import { collect } from './flags.js'
import type { ExitCode, Io } from './io.js'
import type { GithubReport } from './github.js'
import { tellGithub } from './github.js'
import { refuse } from './io.js'

const FORMATS = ['terminal', 'markdown', 'json', 'junit'] as const
type Format = (typeof FORMATS)[number]
const isFormat = (text: string): text is Format => FORMATS.some((format) => format === text)

interface CompareFlags {
  pair?: string[]
  history?: string
  format: string
  json?: boolean
  out: string
}

export const compareCommand: Register = (command, io, done) => {
  command
    .argument('<base>', 'a file, a folder (its newest), baseline:<scenario> or git:<ref>:<path>')
    .argument('[candidate]', 'the same; with --pair it may be left out: two targets of one snapshot')
    .option('--pair <base=candidate>', 'targets to hold against each other; may stand several times', collect)
    .option('--history <dir>', 'runs of other days: how much days differ then stands in the intervals')
    .option('--format <format>', FORMATS.join(', '), 'terminal')
    .option('--json', 'the same as --format json')
    .option('--out <dir>', 'folder of results, for baseline:<scenario>', 'results')
    .action(async (base: string, candidate: string | undefined, flags: CompareFlags) =>
      done(await compare(base, candidate, flags, io)),
    )
}

async function compare(
  base: string,
  candidate: string | undefined,
  flags: CompareFlags,
  io: Io,
): Promise<ExitCode> {
  const format = flags.json === true ? 'json' : flags.format
  const wrong = (message: string, exit: ExitCode = 2): ExitCode =>
    refuse([message], format === 'json', io, exit)
  if (!isFormat(format)) return wrong(`--format ${format} is none of ${FORMATS.join(', ')}`)
  const pairs = (flags.pair ?? []).map(toPair)
  const bad = pairs.find((pair) => typeof pair === 'string')
  if (bad !== undefined) return wrong(`--pair ${bad} must read base=candidate, two names of targets`)
  if (candidate === undefined && pairs.length === 0) {
    return wrong('two snapshots are needed, or one and --pair base=candidate')
  }
  const places = { cwd: io.cwd, outDir: flags.out }
  const snapshots: Snapshot[] = []
  for (const each of candidate === undefined ? [base] : [base, candidate]) {
    const loaded = await loadSnapshot(each, places)
    if (loaded.ok) snapshots.push(loaded.value)
    else return wrong(loaded.problem.message, loaded.problem.kind === 'newer-format' ? 5 : 2)
  }
  const [first, second = first] = snapshots
  if (first === undefined || second === undefined) throw new Error('no snapshot was loaded')
  const days =
    flags.history === undefined ? null : await daysOf(resolve(io.cwd, flags.history), [first.id, second.id])
  if (typeof days === 'string') return wrong(days)
  const comparison = compareSnapshots(first, second, {
    ...second.scenario.gate,
    days: days ?? undefined,
    pairs: pairs.length === 0 ? undefined : pairs.filter((pair) => typeof pair !== 'string'),
  })
  const conclusion = conclude(comparison)
  io.out(formatted(conclusion, format))
  await tellGithub(githubReport(conclusion), io)
  return conclusion.exit
}

function githubReport(conclusion: Conclusion): GithubReport {
  const { exit, sentences } = conclusion
  const { headline } = comparisonModel(conclusion)
  const level = exit === 1 ? ('error' as const) : ('warning' as const)
  return {
    markdown: `${comparisonMarkdown(comparisonModel(conclusion))}\n`,
    outputs: { 'compare-exit': String(exit), headline },
    annotations: exit === 0 ? [] : [{ level, title: headline, message: sentences.join(' ') }],
  }
}

/** A sentence where the folder cannot be read, or holds too few days. Snapshots of it that cannot be read count as not there. */
async function daysOf(dir: string, compared: readonly string[]): Promise<Map<string, DayEffect> | string> {
  const list = await listSnapshots(dir)
  if (!list.ok) return list.problem.message
  const history: HistoryPoint[] = []
  for (const file of list.value) {
    const read = await readSnapshot(file)
    if (read.ok && !compared.includes(read.value.id)) history.push(...toHistory(read.value))
  }
  const days = dayEffects(history)
  return days.size > 0 ? days : `${dir}: runs on 7 days at least are needed to know how much days differ`
}

function formatted(conclusion: Conclusion, format: Format): string {
  switch (format) {
    case 'terminal':
      return comparisonText(comparisonModel(conclusion))
    case 'markdown':
      return comparisonMarkdown(comparisonModel(conclusion))
    case 'junit':
      return comparisonJunit(conclusion)
    case 'json':
      return `${JSON.stringify(comparisonJson(conclusion), null, 1)}\n`
    default:
      return format satisfies never
  }
}

function toPair(text: string): TargetPair | string {
  const [base = '', candidate = '', ...rest] = text.split('=')
  return base === '' || candidate === '' || rest.length > 0 ? text : { base, candidate }
}
