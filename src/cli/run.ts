/** `plumbline run <scenario.yaml…>`: run probes, write a snapshot, print the summary. */
import type { Scenario } from '../index.js'
import { terminalText } from '../border/escape.js'
import { loadScenario } from '../index.js'
import { execute } from './execute.js'
import type { RunFlags } from './flags.js'
import { withRunFlags } from './flags.js'
import type { ExitCode, Io } from './io.js'
import { refuse, worst } from './io.js'
import type { Register } from './command.js'

export const runCommand: Register = (program, io, done) => {
  withRunFlags(
    program.command('run').description('run the probes of scenario files and write a snapshot each'),
  )
    .argument('<scenario...>', 'YAML files')
    .option('--resume', 'go on with the newest run that was broken off')
    .action(async (files: string[], flags: RunFlags) => done(await runScenarios(files, flags, io)))
}

async function runScenarios(files: readonly string[], flags: RunFlags, io: Io): Promise<ExitCode> {
  const scenarios = await loadAll(files, flags, io)
  if (scenarios === null) return 2
  const runs: { scenario: string; exit: ExitCode }[] = []
  for (const scenario of scenarios) {
    const executed = await execute(scenario, flags, { isMore: runs.length > 0 }, io)
    runs.push({ scenario: scenario.name, ...executed.json, exit: executed.exit })
    if (executed.isInterrupted) break
  }
  const exit = worst(runs.map((each) => each.exit))
  if (flags.json === true) io.out(`${JSON.stringify({ exit, runs }, null, 1)}\n`)
  return exit
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
