/** The command line as a function: loads the one command that is asked for and answers with its exit code. */
import { Command, CommanderError } from 'commander'
import { harnessVersion } from '../snapshot/provenance.js'
import { commands } from './commands.js'
import type { ExitCode, Io } from './io.js'
import { refusalJson } from './io.js'

export async function cli(args: readonly string[], io: Io): Promise<ExitCode> {
  let exit: ExitCode = 0
  const program = new Command('plumbline')
    .description('Measures what TTFT, prefill and decode of an LLM endpoint should cost, and proves it.')
    .version(harnessVersion)
    .exitOverride()
    .configureOutput({ writeOut: io.out, writeErr: io.err })
    .showHelpAfterError('(plumbline --help shows what there is)')
  for (const [name, { about, load }] of Object.entries(commands)) {
    const command = program.command(name).description(about)
    command.showHelpAfterError(`(plumbline ${name} --help shows what there is)`)
    // Loading all of them would take ten times as long as many a command itself. `help run` names one as well.
    if (args.includes(name)) (await load())(command, io, (code) => (exit = code))
  }
  try {
    await program.parseAsync([...args], { from: 'user' })
    return exit
  } catch (error) {
    // Commander has told the user already; asking for help or the version is no error.
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return 0
    if (args.includes('--json')) io.out(refusalJson([error.message.replace(/^error: /, '')]))
    return 2
  }
}
