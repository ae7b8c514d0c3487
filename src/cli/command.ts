/** What every command file exports. */
import type { Command } from 'commander'
import type { ExitCode, Io } from './io.js'

/** Gives a command its flags, and what it does with them. It answers with the exit code. */
export type Register = (command: Command, io: Io, done: (exit: ExitCode) => void) => void
