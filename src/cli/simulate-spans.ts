/** `plumbline simulate --spans`: labelled spans of a service under the simulated provider, in virtual time. */
import { parseSpansOptions } from '../simulate/spans-options.js'
import { writeLabelledSpans } from '../simulate/spans-write.js'
import { terminalText } from '../border/escape.js'
import type { ExitCode, Io } from './io.js'
import { refuse } from './io.js'

/** Those that `--spans` has to itself, and those that it shares with the server. */
export interface SpansFlags {
  profile: string
  seed?: number
  fault?: string
  model?: string[]
  truth?: string
  json?: boolean
  spans?: string
  requests?: number
  dialect?: string
  carry?: string
  workload?: string
  start?: string
  faultsByHeader?: boolean
  apiKeyEnv?: string
}

/** What the flags say that has no meaning together; undefined: nothing. */
export function misplacedFlag(flags: SpansFlags): string | undefined {
  if (flags.spans === undefined) {
    const { requests, dialect, carry, workload, start } = flags
    const stray = Object.entries({ requests, dialect, carry, workload, start }).find(
      ([, value]) => value !== undefined,
    )
    return stray && `--${stray[0]} says how spans are written: name their file with --spans`
  }
  if (flags.faultsByHeader || flags.apiKeyEnv !== undefined)
    return '--spans serves nobody: leave out --faults-by-header and --api-key-env'
  if ((flags.model?.length ?? 0) > 1) return '--spans takes one --model'
  if (flags.truth === flags.spans) return '--truth and --spans must be two files'
  return undefined
}

export async function simulateSpans(
  flags: SpansFlags & { spans: string },
  set: Readonly<Record<string, unknown>>,
  io: Io,
): Promise<ExitCode> {
  const { profile, seed, fault, truth, requests, workload, start } = flags
  const [model] = flags.model ?? []
  const parsed = parseSpansOptions({
    profile,
    set,
    ...(seed !== undefined && { seed }),
    ...(fault !== undefined && { fault }),
    ...(model !== undefined && { model }),
    ...(requests !== undefined && { requests }),
    ...(workload !== undefined && { workload }),
    ...(start !== undefined && { start }),
    ...(flags.dialect !== undefined && { dialects: listOf(flags.dialect) }),
    ...(flags.carry !== undefined && { carries: listOf(flags.carry) }),
  })
  const isJson = flags.json === true
  if (!parsed.ok) return refuse(parsed.problems, isJson, io)
  const { setup } = parsed
  const toStdout = flags.spans === '-'
  if (io.isLive) io.err(`simulating ${setup.requests} calls…\r`)
  const result = await writeLabelledSpans(setup, {
    spans: toStdout ? process.stdout : flags.spans,
    ...(truth !== undefined && { truth }),
    ...(io.isLive && {
      onProgress: (written: number) => io.err(`${written} of ${setup.requests} calls written\r`),
    }),
  })
  if (io.isLive) io.err(`${' '.repeat(48)}\r`)
  if (!result.ok) return refuse([result.problem], isJson, io, result.reason === 'broken' ? 3 : 2)
  if (!toStdout) {
    const { written } = result
    io.out(
      isJson
        ? `${JSON.stringify({ calls: written, spans: flags.spans, ...(truth !== undefined && { truth }) })}\n`
        : `${written} calls in ${terminalText(flags.spans)}${truth === undefined ? '' : `, the truth in ${terminalText(truth)}`}\n`,
    )
  }
  return 0
}

/** `all` is left to the options. */
function listOf(text: string): string[] {
  return text.split(',').map((name) => name.trim())
}
