/** `plumbline accept <snapshot>`: make it the baseline of its scenario. */
import { acceptBaseline } from '../snapshot/baseline.js'
import { terminalText } from '../border/escape.js'
import type { Register } from './command.js'
import { refuse } from './io.js'

export const acceptCommand: Register = (command, io, done) => {
  command
    .argument('<snapshot>', 'a file, a folder (its newest) or git:<ref>:<path>')
    .option('--out <dir>', 'folder of results', 'results')
    .option('--force', 'accept a partial snapshot, or one of an overloaded instrument')
    .option('--json', 'one JSON document on stdout')
    .action(async (snapshot: string, flags: { out: string; force?: boolean; json?: boolean }) => {
      const accepted = await acceptBaseline(snapshot, {
        cwd: io.cwd,
        outDir: flags.out,
        force: flags.force === true,
      })
      if (!accepted.ok) {
        const { kind, message } = accepted.problem
        return done(refuse([message], flags.json === true, io, kind === 'newer-format' ? 5 : 2))
      }
      const { path, doubts } = accepted.value
      const { id, scenario } = accepted.value.snapshot
      for (const doubt of doubts) io.err(`warning: ${terminalText(doubt, 2000)}\n`)
      if (flags.json === true)
        io.out(`${JSON.stringify({ exit: 0, id, scenario: scenario.name, path, doubts }, null, 1)}\n`)
      else io.out(`${id} is now the baseline of ${terminalText(scenario.name)}: ${path}\n`)
      done(0)
    })
}
