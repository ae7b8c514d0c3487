/** `plumbline replay <dir>`: measure a recording again, with no network. */
import { terminalText } from '../border/escape.js'
import { replay } from '../run/replay.js'
import type { Sample } from '../sample/sample.js'
import { summaryOf } from '../report/summary.js'
import { canPlot, terminalSummary } from '../report/terminal.js'
import type { Register } from './command.js'
import type { ExitCode, Io } from './io.js'
import { refuse } from './io.js'
import { writeSamples } from './samples-file.js'

interface ReplayFlags {
  json?: boolean
  samples?: string
}

export const replayCommand: Register = (command, io, done) => {
  command
    .argument('<dir>', 'folder of recordings, or one of them')
    .option('--json', 'one JSON document on stdout, everything else on stderr')
    .option('--samples <file>', 'write every sample to this file, one JSON object a line')
    .action(async (path: string, flags: ReplayFlags) => done(await replayAll(path, flags, io)))
}

async function replayAll(path: string, flags: ReplayFlags, io: Io): Promise<ExitCode> {
  const result = await replay(path)
  if (result.kind === 'refused') return refuse([result.message], flags.json === true, io, result.exit)
  const { recordings, problems } = result
  for (const problem of problems) io.err(`warning: ${terminalText(problem, 2000)}\n`)
  const samples: Sample[] = recordings.flatMap((each) => each.samples)
  if (flags.samples !== undefined) await writeSamples(flags.samples, false, samples, io)
  // What a recording lost its run cannot get back: the same answer as of a run that did not complete.
  const exit = problems.length > 0 ? 3 : 0
  if (flags.json === true) {
    const runs = recordings.map(({ file, path: written, snapshot: { samples: _samples, ...snapshot } }) => ({
      scenario: snapshot.scenario.name,
      exit,
      recording: file,
      path: written,
      snapshot,
    }))
    io.out(`${JSON.stringify({ exit, problems, runs }, null, 1)}\n`)
  } else {
    for (const { path: written, snapshot } of recordings)
      io.out(`${terminalSummary(summaryOf(snapshot), canPlot(io.env))}  snapshot: ${written}\n`)
  }
  return exit
}
