/** `plumbline run <scenario.yaml…>`: run probes, write a snapshot, print the summary. */
import type { Scenario } from '../index.js'
import { loadScenario } from '../index.js'
import { execute } from './execute.js'
import type { RunFlags } from './flags.js'
import { withRunFlags } from './flags.js'
import type { ExitCode, Io } from './io.js'
import { worst } from './io.js'
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
  const scenarios = await loadAll(files, flags.code, io)
  if (scenarios === null) return 2
  const runs: { scenario: string; exit: ExitCode }[] = []
  for (const scenario of scenarios) {
    const executed = await execute(scenario, flags, {}, io)
    runs.push({ scenario: scenario.name, ...executed.json, exit: executed.exit })
    if (executed.exit === 130) break
  }
  const exit = worst(runs.map((each) => each.exit))
  if (flags.json === true) io.out(`${JSON.stringify({ exit, runs }, null, 1)}\n`)
  return exit
}

/** Every file is checked before the first one is run. */
async function loadAll(files: readonly string[], allowCode: boolean, io: Io): Promise<Scenario[] | null> {
  const scenarios: Scenario[] = []
  let isGood = true
  for (const file of files) {
    const loaded = await loadScenario(file, { env: io.env, allowCode })
    if (loaded.ok) {
      scenarios.push(loaded.scenario)
      for (const warning of loaded.warnings) io.err(`warning: ${warning}\n`)
    } else {
      isGood = false
      for (const problem of loaded.problems) io.err(`${problem}\n`)
    }
  }
  return isGood ? scenarios : null
}
