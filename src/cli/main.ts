#!/usr/bin/env node
/** The command `plumbline`: loads the one command that is asked for, and ends with the exit code of the README's table. */
import module from 'node:module'
import { Command, CommanderError } from 'commander'
import { harnessVersion } from '../snapshot/provenance.js'
import { commands } from './commands.js'
import type { ExitCode, Io } from './io.js'
import { processIo, refusalJson } from './io.js'

export async function cli(args: readonly string[], io: Io): Promise<ExitCode> {
  let exit: ExitCode = 0
  const program = new Command('plumbline')
    .description('Measures what TTFT, prefill and decode of an LLM endpoint should cost, and proves it.')
    .version(harnessVersion)
    .exitOverride()
    .configureOutput({ writeOut: io.out, writeErr: io.err })
    .showHelpAfterError('(--help shows what there is)')
  for (const [name, { about, load }] of Object.entries(commands)) {
    const command = program.command(name).description(about)
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

/** A fault of ours must not exit 1, which means "a regression". Its message may hold anything, so no more than its kind and place is shown. */
function crash(error: unknown): never {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  // Lines of the stack only: a message may have several, and hold anything.
  const frames = stack.split('\n').filter((line) => /^ +at /.test(line))
  const place = frames.slice(0, 3).join('\n')
  const what = error instanceof Error ? error.name : 'thrown value'
  process.stderr.write(
    `plumbline failed by a fault of its own (${what}); finished samples are in the journal\n${place}\n`,
  )
  process.exit(3)
}

// From Node 22.1 on: what was compiled once is kept for the next start.
if ('enableCompileCache' in module && typeof module.enableCompileCache === 'function')
  module.enableCompileCache()
process.on('uncaughtException', crash)
process.on('unhandledRejection', crash)
// The exit code is set, not forced: a pipe must be drained first.
process.exitCode = await cli(process.argv.slice(2), processIo())
