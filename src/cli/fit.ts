/** `plumbline fit <sweep>`: the curves of times that were measured elsewhere. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { text as textOf } from 'node:stream/consumers'
import { parseSweep } from '../curve/sweep-file.js'
import { fitSweep, holdOut, meanError, type HeldOut } from '../curve/sweep.js'
import { createRandom } from '../random/random.js'
import { sweepText } from '../report/sweep.js'
import type { Register } from './command.js'
import { wholeNumber } from './flags.js'
import type { ExitCode, Io } from './io.js'
import { refuse } from './io.js'

interface FitFlags {
  holdOut?: number
  json?: boolean
}

const LEAST_EVERY = 2
/** The same file gives the same intervals. */
const SEED = 'fit'

export const fitCommand: Register = (command, io, done) => {
  command
    .argument(
      '<sweep>',
      'CSV with a head, or a JSON object a line: promptTokens, ttft in ms; requests made one at a time; - is stdin',
    )
    .option(
      '--hold-out <n>',
      'leave every nth prompt length out, and say how well the others predict it',
      wholeNumber,
    )
    .option('--json', 'one JSON document on stdout')
    .action(async (path: string, flags: FitFlags) => done(await fit(path, flags, io)))
}

async function fit(path: string, { holdOut: every, json = false }: FitFlags, io: Io): Promise<ExitCode> {
  const wrong = (message: string): ExitCode => refuse([message], json, io)
  if (every !== undefined && every < LEAST_EVERY)
    return wrong(`--hold-out ${every}: from ${LEAST_EVERY} up, so that lengths are left to fit`)
  const read = path === '-' ? textOf(process.stdin) : readFile(resolve(io.cwd, path), 'utf8')
  const text = await read.catch(() => null)
  if (text === null) return wrong(`${path}: cannot be read`)
  const parsed = parseSweep(text)
  if (!parsed.ok) return wrong(`${path}:${parsed.line}: ${parsed.problem}`)
  const { curves, notes } = fitSweep(parsed.points, { random: createRandom(SEED) })
  const held: HeldOut[] =
    every === undefined ? [] : holdOut(parsed.points, every, { random: createRandom(SEED), resamples: 99 })
  const exit: ExitCode = curves.length === 0 ? 4 : 0
  if (json) {
    const judged =
      every === undefined
        ? {}
        : { heldOut: { meanError: held.length > 0 ? meanError(held) : null, lengths: held } }
    io.out(`${JSON.stringify({ exit, curves, notes, ...judged }, null, 1)}\n`)
  } else io.out(sweepText({ curves, notes, held: every === undefined ? null : held }))
  return exit
}
