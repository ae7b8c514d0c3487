/** `plumbline attribute <baseline> <spans…|->`: why production spans were slow. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { dimensions } from '../attribute/dimensions.js'
import type { Dimension } from '../attribute/dimensions.js'
import { createPairedAttributor } from '../attribute/paired.js'
import type { PairedAttributor } from '../attribute/paired.js'
import { parseDialect, shippedDialects } from '../span/dialect-file.js'
import { createIntake } from '../span/intake.js'
import type { IntakeOptions } from '../span/intake.js'
import { listSpanFiles, readSpans } from '../span/read-spans.js'
import { terminalText } from '../border/escape.js'
import { problemText } from '../border/problem.js'
import { nothingText } from '../report/attribution.js'
import { whole } from '../report/numbers.js'
import { listen } from './attribute-live.js'
import { createOutput, FORMATS } from './attribute-output.js'
import type { Format, Output } from './attribute-output.js'
import { loadBaselines, noBaselines } from './baselines.js'
import type { Register } from './command.js'
import { collect, portNumber } from './flags.js'
import type { ExitCode, Io } from './io.js'
import { refuse } from './io.js'
import { openOtlp } from './otlp-out.js'
import type { OtlpOut } from './otlp-out.js'
import { suggest } from './suggest.js'

interface AttributeFlags {
  /** False under `--no-baseline`. */
  baseline: boolean
  by: string
  format?: string
  json?: boolean
  otlp?: string
  listen?: number
  host: string
  forward?: string
  tokenEnv?: string
  suggest?: boolean
  dialect?: string[]
  out: string
  quiet?: boolean
}

export const attributeCommand: Register = (command, io, done) => {
  command
    .argument('[baseline]', 'a snapshot, a folder of them, baseline:<scenario> or git:<ref>:<path>')
    .argument('[spans...]', 'files or folders of spans in any format; - is standard input')
    .option('--by <list>', `group by ${dimensions.join(', ')}`, 'service,model')
    .option('--format <format>', `${FORMATS.join(', ')} (default: terminal on a terminal, else ndjson)`)
    .option('--json', 'one JSON document: every attribution, then the groups')
    .option('--otlp <file|url>', 'write attributions as OTLP spans: the phases below each call')
    .option('--listen <port>', 'attribute what an OTLP/HTTP exporter sends to this port', portNumber)
    .option('--host <address>', 'with --listen; another than loopback needs --token-env', '127.0.0.1')
    .option('--forward <url>', 'with --listen: pass everything on unchanged, and add the attributions')
    .option('--token-env <name>', 'with --listen: variable that holds the token that senders must bring')
    .option('--no-baseline', 'tell only what the spans time themselves; every path is one of spans')
    .option('--suggest', 'print a scenario that probes what the spans do; needs no baseline')
    .option('--dialect <file>', 'a tracing dialect of your own, in YAML; may stand several times', collect)
    .option('--out <dir>', 'folder of results, for baseline:<scenario>', 'results')
    .option('--quiet', 'no progress and no closing words on stderr')
    .action(async (baseline: string | undefined, spans: string[], flags: AttributeFlags) =>
      done(await attribute(baseline, spans, flags, io)),
    )
}

async function attribute(
  baseline: string | undefined,
  spans: readonly string[],
  flags: AttributeFlags,
  io: Io,
): Promise<ExitCode> {
  const format = flags.json === true ? 'json' : (flags.format ?? (io.isTerminal ? 'terminal' : 'ndjson'))
  const wrong = (message: string, exit: ExitCode = 2): ExitCode =>
    refuse([message], format === 'json', io, exit)
  if (!isFormat(format)) return wrong(`--format ${format} is none of ${FORMATS.join(', ')}`)
  const by = flags.by.split(',').map((name) => name.trim())
  const stranger = by.find((name) => !isDimension(name))
  if (stranger !== undefined) return wrong(`--by ${stranger} is none of ${dimensions.join(', ')}`)
  const own = await readDialects(flags.dialect ?? [], io)
  if (typeof own === 'string') return wrong(own)

  if (flags.suggest === true) {
    const all = baseline === undefined ? spans : [baseline, ...spans]
    if (all.length === 0) return wrong('--suggest needs files or folders of spans; - is standard input')
    return suggest(all, own, io)
  }
  const { tokenEnv } = flags
  const token = tokenEnv === undefined ? undefined : io.env[tokenEnv]
  if (tokenEnv !== undefined && (token === undefined || token === ''))
    return wrong(`--token-env ${tokenEnv}: the variable is not set`)
  const paths = flags.baseline || baseline === undefined ? spans : [baseline, ...spans]
  if (flags.baseline && baseline === undefined)
    return wrong(
      'a baseline is needed: a snapshot, a folder, baseline:<scenario>; --no-baseline goes without',
    )
  if (paths.length === 0 && flags.listen === undefined)
    return wrong('spans are needed: files, folders, - for standard input, or --listen')
  if (paths.length > 0 && flags.listen !== undefined)
    return wrong('give files of spans or --listen, not both')
  if (flags.listen === undefined && (flags.forward ?? tokenEnv) !== undefined)
    return wrong('--forward and --token-env belong to --listen')

  const listed = await listSpanFiles(paths.map((path) => (path === '-' ? path : resolve(io.cwd, path))))
  if (!listed.ok) return wrong(listed.message)
  const found =
    baseline !== undefined && flags.baseline
      ? await loadBaselines(baseline, { cwd: io.cwd, outDir: flags.out })
      : noBaselines()
  if (!found.ok) return wrong(found.problem, found.exit)
  const otlp = flags.otlp === undefined ? undefined : await openOtlp(flags.otlp, io.env)
  if (otlp?.ok === false) return wrong(otlp.message)

  const isQuiet = flags.quiet === true
  const { baselines } = found
  const isLive = flags.listen !== undefined && format === 'terminal'
  const output = createOutput({ format, by: by.filter(isDimension), baselines, isQuiet, isLive }, io)
  // Where each attribution goes on somewhere, none is left out.
  const onSound = flags.otlp === undefined && flags.forward === undefined ? output.addSound : undefined
  const attributor = createPairedAttributor({ known: baselines.known, onSound })
  const parts = { attributor, output, otlp: otlp?.out }
  if (flags.listen === undefined)
    return ofFiles(listed.files, parts, { own, isQuiet, isJson: format === 'json' }, io)
  const { host, forward } = flags
  const live = { listen: flags.listen, host, forward, token, isTerminal: format === 'terminal' }
  return listen(live, parts, own, io)
}

const isFormat = (text: string): text is Format => FORMATS.some((format) => format === text)
const isDimension = (text: string): text is Dimension => dimensions.some((name) => name === text)

/** The user's own come first: they win over those that ship. A sentence where one is wrong. */
async function readDialects(
  files: readonly string[],
  io: Io,
): Promise<NonNullable<IntakeOptions['own']> | string> {
  const own = []
  for (const file of files) {
    const text = await readFile(resolve(io.cwd, file), 'utf8').catch(() => null)
    if (text === null) return `--dialect ${file} cannot be read`
    const parsed = parseDialect(text, file)
    if (!parsed.ok) return parsed.problems.map(problemText).join('\n')
    own.push(parsed.dialect)
  }
  return [...own, ...(await shippedDialects())]
}

async function ofFiles(
  files: readonly string[],
  { attributor, output, otlp }: { attributor: PairedAttributor; output: Output; otlp: OtlpOut | undefined },
  { own, isQuiet, isJson }: { own: IntakeOptions['own']; isQuiet: boolean; isJson: boolean },
  io: Io,
): Promise<ExitCode> {
  // Spans outlive the young generation and are dropped soon after; by its own measure V8 lets 100 MB of them lie.
  setFlagsFromString('--heap-growing-percent=100')
  const intake = createIntake({ own })
  const progress = createProgress(io, isQuiet)
  let isRead = true
  for await (const spans of readSpans(files, intake)) {
    for (const span of spans) {
      for (const pair of attributor.push(span)) {
        output.add(pair)
        otlp?.add(pair)
      }
    }
    progress.show(intake.counts.spans)
    isRead = await output.drained()
    await otlp?.drained()
    if (!isRead) break
  }
  for (const pair of isRead ? attributor.end() : []) {
    output.add(pair)
    otlp?.add(pair)
  }
  progress.end()
  const hasFound = intake.counts.spans > 0
  if (isRead && hasFound) output.end(intake.counts)
  const fault = (await otlp?.close()) ?? null
  if (fault !== null) io.err(`warning: ${terminalText(fault, 2000)}\n`)
  return hasFound || !isRead ? 0 : refuse([nothingText(intake.counts, files)], isJson, io)
}

const SHOW_EVERY_MS = 200

/** One live line on a terminal, nothing elsewhere. */
function createProgress(io: Io, isQuiet: boolean): { show(spans: number): void; end(): void } {
  const isShown = io.isLive && !isQuiet
  const startMs = performance.now()
  let lastMs = startMs
  return {
    show(spans) {
      const nowMs = performance.now()
      if (!isShown || nowMs - lastMs < SHOW_EVERY_MS) return
      lastMs = nowMs
      const rate = (spans / (nowMs - startMs)) * 1000
      io.err(`\r\u001b[K${whole(spans)} calls read, ${whole(rate)}/s`)
    },
    end() {
      if (isShown) io.err('\r\u001b[K')
    },
  }
}
