/** `plumbline validate <scenario…>`: check scenario files and send nothing. */
import { dryRun } from '../run/dry-run.js'
import { loadScenario } from '../run/load-scenario.js'
import type { Loaded } from '../run/load-scenario.js'
import { terminalText } from '../border/escape.js'
import type { Register } from './command.js'

export const validateCommand: Register = (command, io, done) => {
  command
    .argument('<scenario...>', 'YAML files')
    .option('--json', 'one JSON document on stdout')
    .option('--no-code', 'refuse probe files, which are code')
    .action(async (files: string[], flags: { json?: boolean; code: boolean }) => {
      const results: Checked[] = []
      for (const file of files) {
        const loaded = await loadScenario(file, { env: io.env, allowCode: flags.code })
        results.push(await checked(file, loaded))
      }
      const isGood = results.every((result) => result.problems.length === 0)
      for (const { file, problems, warnings } of results) {
        for (const problem of problems) io.err(`${terminalText(problem, 2000)}\n`)
        for (const warning of warnings) io.err(`warning: ${terminalText(warning, 2000)}\n`)
        if (flags.json !== true && problems.length === 0) io.out(`${file}: good\n`)
      }
      if (flags.json === true)
        io.out(`${JSON.stringify({ exit: isGood ? 0 : 2, files: results }, null, 1)}\n`)
      done(isGood ? 0 : 2)
    })
}

interface Checked {
  file: string
  problems: string[]
  warnings: string[]
}

/** What only shows once the plan is made is looked at as well: prompt files, lengths, what a probe of the user's asks for. */
async function checked(file: string, loaded: Loaded): Promise<Checked> {
  if (!loaded.ok) return { file, problems: loaded.problems, warnings: [] }
  const plan = await dryRun(loaded.scenario, undefined)
  return { file, problems: plan.kind === 'refused' ? [plan.message] : [], warnings: loaded.warnings }
}
