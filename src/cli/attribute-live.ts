/** `attribute --listen`: attributes what an OTLP exporter sends, until it is stopped. */
import type { PairedAttributor } from '../attribute/paired.js'
import { startReceiver } from '../serve/receiver.js'
import { createIntake } from '../span/intake.js'
import type { IntakeOptions } from '../span/intake.js'
import { terminalText } from '../border/escape.js'
import type { Output } from './attribute-output.js'
import { stopped } from './interrupt.js'
import type { ExitCode, Io } from './io.js'
import { refuse } from './io.js'
import type { OtlpOut } from './otlp-out.js'
import { openOtlp } from './otlp-out.js'

export interface LiveFlags {
  listen: number
  host: string
  forward?: string | undefined
  token?: string | undefined
  isTerminal: boolean
}

/** Spans of some seconds of traffic wait until their trace is whole. */
const WINDOW = 100_000
const TICK_MS = 1000
const INTERIM_MS = 60_000

export async function listen(
  flags: LiveFlags,
  { attributor, output, otlp }: { attributor: PairedAttributor; output: Output; otlp: OtlpOut | undefined },
  own: IntakeOptions['own'],
  io: Io,
): Promise<ExitCode> {
  const intake = createIntake({ window: WINDOW, own })
  const beside = flags.forward === undefined ? undefined : await openOtlp(flags.forward, io.env)
  if (beside?.ok === false) return refuse([beside.message], false, io)
  const outs = [otlp, beside?.out].filter((out) => out !== undefined)
  const put = (pairs: ReturnType<PairedAttributor['push']>): void => {
    for (const pair of pairs) {
      output.add(pair)
      for (const out of outs) out.add(pair)
    }
  }
  const started = await startReceiver({
    intake,
    onSpans: (spans) => {
      for (const span of spans) put(attributor.push(span, Date.now()))
    },
    host: flags.host,
    port: flags.listen,
    token: flags.token,
    forward: flags.forward,
  })
  if (!started.ok) return refuse([started.message], false, io)
  const { receiver } = started
  const gone = new AbortController()
  // Before it says that it listens: who is told may stop it at once.
  const end = stopped(gone.signal)
  io.err(`listening on ${terminalText(receiver.url)}: export OTLP over HTTP to it (Ctrl-C stops it)\n`)

  const tick = setInterval(() => {
    put(attributor.release(Date.now()))
    for (const out of outs) out.flush()
    void output.drained().then((isRead) => isRead || gone.abort())
  }, TICK_MS)
  const interim = setInterval(() => {
    if (flags.isTerminal) output.interim(intake.counts)
  }, INTERIM_MS)
  await end
  clearInterval(tick)
  clearInterval(interim)
  await receiver.close()
  put(attributor.end())
  output.end(intake.counts)
  for (const out of outs) {
    const fault = await out.close()
    if (fault !== null) io.err(`warning: ${terminalText(fault, 2000)}\n`)
  }
  return 0
}
