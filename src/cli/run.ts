/** `plumbline run <scenario.yaml…>`: run probes, write a snapshot, print the summary. */
import { loadScenario } from '../run/load-scenario.js'
import type { Scenario } from '../scenario/scenario.js'
import { readSnapshot } from '../snapshot/format.js'
import { terminalText } from '../border/escape.js'
import { summaryMarkdown } from '../report/summary-markdown.js'
import { summaryOf } from '../report/summary.js'
import type { Executed } from './execute.js'
import { execute } from './execute.js'
import type { RunFlags } from './flags.js'
import { withRunFlags } from './flags.js'
import type { ExitCode, Io } from './io.js'
import type { GithubReport } from './github.js'
import { tellGithub } from './github.js'
import { refuse, worst } from './io.js'
import type { Register } from './command.js'

export const runCommand: Register = (command, io, done) => {
  withRunFlags(command)
    .argument('<scenario...>', 'YAML files')
    .option(
      '--resume',
      'go on with the newest run whose process was killed (one ended by Ctrl-C is saved and over)',
    )
    .action(async (files: string[], flags: RunFlags) => done(await runScenarios(files, flags, io)))
}

async function runScenarios(files: readonly string[], flags: RunFlags, io: Io): Promise<ExitCode> {
  const scenarios = await loadAll(files, flags, io)
  if (scenarios === null) return 2
  const runs: { scenario: string; exit: ExitCode }[] = []
  for (const scenario of scenarios) {
    const executed = await execute(scenario, flags, { isMore: runs.length > 0 }, io)
    runs.push({ scenario: scenario.name, ...executed.json, exit: executed.exit })
    await tellGithub(await githubReport(scenario.name, executed), io)
    if (executed.isInterrupted) break
  }
  const exit = worst(runs.map((each) => each.exit))
  if (flags.json === true) io.out(`${JSON.stringify({ exit, runs }, null, 1)}\n`)
  return exit
}

async function githubReport(name: string, { exit, json }: Executed): Promise<GithubReport> {
  const path = 'path' in json && typeof json.path === 'string' ? json.path : null
  const read = path === null ? null : await readSnapshot(path)
  const level = exit === 0 ? null : 'error'
  return {
    markdown: read?.ok === true ? summaryMarkdown(summaryOf(read.value)) : '',
    outputs: { 'run-exit': String(exit), ...(path !== null && { snapshot: path }) },
    annotations:
      level === null ? [] : [{ level, title: `plumbline run ${name}`, message: whyOf(exit, json) }],
  }
}

/** What went wrong, in the words that stderr has too. */
function whyOf(exit: ExitCode, json: object): string {
  if ('error' in json) return String(json.error)
  const stop = 'stop' in json ? json.stop : null
  if (typeof stop === 'object' && stop !== null && 'message' in stop) return String(stop.message)
  return exit === 1 ? 'an expectation is not met' : `ended with ${exit}`
}

/** Every file is checked before the first one is run. */
async function loadAll(files: readonly string[], flags: RunFlags, io: Io): Promise<Scenario[] | null> {
  const scenarios: Scenario[] = []
  const problems: string[] = []
  for (const file of files) {
    const loaded = await loadScenario(file, { env: io.env, allowCode: flags.code })
    if (loaded.ok) {
      scenarios.push(loaded.scenario)
      for (const warning of loaded.warnings) io.err(`warning: ${terminalText(warning, 2000)}\n`)
    } else problems.push(...loaded.problems)
  }
  if (problems.length === 0) return scenarios
  refuse(problems, flags.json === true, io)
  return null
}
