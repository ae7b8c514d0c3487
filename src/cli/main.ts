#!/usr/bin/env node
/** The program `plumbline`: ends with the exit code of the README's table, whatever happens. */
import module from 'node:module'
import { processIo } from './io.js'

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
// From Node 22.1 on: what was compiled once is kept for the next start, so all but this file is loaded behind it.
if ('enableCompileCache' in module && typeof module.enableCompileCache === 'function')
  module.enableCompileCache()
const { cli } = await import('./cli.js')
// The exit code is set, not forced: a pipe must be drained first.
process.exitCode = await cli(process.argv.slice(2), processIo())
