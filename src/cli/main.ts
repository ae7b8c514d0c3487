#!/usr/bin/env node
/** The command `plumbline`: one thin file a command, exit codes by the table in the README. */
import { harnessVersion } from '../index.js'
import { Command, CommanderError } from 'commander'
import { acceptCommand } from './accept.js'
import { attributeCommand } from './attribute.js'
import type { Register } from './command.js'
import { compareCommand } from './compare.js'
import { doctorCommand } from './doctor.js'
import { initCommand } from './init.js'
import type { ExitCode, Io } from './io.js'
import { processIo } from './io.js'
import { probeCommand } from './probe.js'
import { providersCommand } from './providers.js'
import { replayCommand } from './replay.js'
import { reportCommand } from './report.js'
import { runCommand } from './run.js'
import { scheduleCommand } from './schedule.js'
import { schemaCommand } from './schema.js'
import { simulateCommand } from './simulate.js'
import { trendCommand } from './trend.js'
import { validateCommand } from './validate.js'

const commands: readonly Register[] = [
  runCommand,
  probeCommand,
  compareCommand,
  acceptCommand,
  attributeCommand,
  trendCommand,
  reportCommand,
  replayCommand,
  scheduleCommand,
  simulateCommand,
  providersCommand,
  validateCommand,
  schemaCommand,
  initCommand,
  doctorCommand,
]

export async function cli(args: readonly string[], io: Io): Promise<ExitCode> {
  let exit: ExitCode = 0
  const program = new Command('plumbline')
    .description('Measures what TTFT, prefill and decode of an LLM endpoint should cost, and proves it.')
    .version(harnessVersion)
    .exitOverride()
    .configureOutput({ writeOut: io.out, writeErr: io.err })
    .showHelpAfterError('(--help shows what there is)')
  for (const register of commands) register(program, io, (code) => (exit = code))
  try {
    await program.parseAsync([...args], { from: 'user' })
    return exit
  } catch (error) {
    // Commander has told the user already; asking for help or the version is no error.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    throw error
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

process.on('uncaughtException', crash)
process.on('unhandledRejection', crash)
// The exit code is set, not forced: a pipe must be drained first.
process.exitCode = await cli(process.argv.slice(2), processIo())
