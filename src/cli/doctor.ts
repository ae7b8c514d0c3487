/** `plumbline doctor`: how well this machine times streams, and why; or what span files tell and what they lack. */
import { examine } from '../instrument/examine.js'
import type { Examination } from '../instrument/examine.js'
import { examineSpans } from '../span/examine-spans.js'
import { systemClock } from '../units/time.js'
import { figure, whole } from '../report/numbers.js'
import { spansText } from '../report/spans.js'
import { right } from '../report/table.js'
import { tableText, wrap } from '../report/terminal.js'
import type { Register } from './command.js'
import { wholeNumbers } from './flags.js'
import { refuse } from './io.js'
import type { ExitCode, Io } from './io.js'

export const doctorCommand: Register = (command, io, done) => {
  command
    .argument('[spans...]', 'files or folders of spans in any format; - is standard input')
    .option('--streams <list>', 'numbers of concurrent streams to try', wholeNumbers, [8, 50, 200])
    .option('--json', 'one JSON document on stdout')
    .action(async (spans: string[], flags: { streams: number[]; json?: boolean }) => {
      if (spans.length > 0) return done(await doctorOfSpans(spans, flags.json === true, io))
      const examination = await examine({ clock: systemClock, streams: flags.streams })
      if (flags.json === true) io.out(`${JSON.stringify(examination, null, 1)}\n`)
      else io.out(doctorText(examination))
      done(0)
    })
}

function doctorText({ verdict, machine, timerNs, calibrations, reasons }: Examination): string {
  const rows = calibrations.map(({ streams, error }) => [
    right(whole(error?.streams ?? streams)),
    right(figure(error?.p50)),
    right(figure(error?.p99)),
    right(whole(error?.n ?? 0)),
  ])
  const head = ['streams', 'error p50 ms', 'error p99 ms', 'events'].map(right)
  const facts = [
    `${machine.cores} cores of ${machine.cpu}`,
    `load ${figure(machine.load)}`,
    `governor ${machine.governor ?? 'not known'}`,
    `clock ${machine.clockSource ?? 'not known'}, smallest step ${whole(timerNs)} ns`,
  ]
  const lines = [verdict, '', tableText({ title: '', head, rows }), '', wrap(facts.join('; '), '  ')]
  for (const reason of new Set(reasons)) lines.push(wrap(`note: ${reason}`, '  '))
  return `${lines.join('\n')}\n`
}

async function doctorOfSpans(paths: readonly string[], isJson: boolean, io: Io): Promise<ExitCode> {
  const examination = await examineSpans(paths)
  if (!examination.ok) return refuse([examination.message], isJson, io)
  const { counts, dialects } = examination
  io.out(isJson ? `${JSON.stringify({ counts, dialects }, null, 1)}\n` : spansText(counts, dialects))
  return 0
}
