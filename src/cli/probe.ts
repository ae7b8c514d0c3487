/** `plumbline probe <base-url> --model M`: the same as run, without a file; `--once --trace` shows one exchange. */
import { scenarioContext } from '../run/load-scenario.js'
import { RECORDING_WARNING } from '../run/recorder.js'
import { traceOnce } from '../run/trace-once.js'
import { scenarioFromFlags } from '../scenario/flags.js'
import { systemClock } from '../units/time.js'
import { traceText } from '../report/trace.js'
import { terminalText } from '../border/escape.js'
import type { Register } from './command.js'
import { execute } from './execute.js'
import type { RunFlags } from './flags.js'
import { collect, recordOption, withRunFlags } from './flags.js'
import type { ExitCode, Io } from './io.js'
import { refuse } from './io.js'

interface ProbeCommandFlags extends RunFlags {
  model: string
  protocol?: string
  promptTokens?: string
  outputTokens?: string
  concurrency?: string
  rate?: string
  maxInFlight?: string
  requests?: string
  cache?: string
  apiKeyEnv?: string
  header?: string[]
  once?: boolean
  trace?: boolean
}

export const probeCommand: Register = (command, io, done) => {
  withRunFlags(command)
    .argument('<base-url>', 'for example http://localhost:8000/v1')
    .requiredOption('--model <name>', 'the model, as the server knows it')
    .option('--protocol <name>', 'how the server is spoken to (default: openai-chat)')
    .option('--prompt-tokens <list>', 'prompt lengths, for example 128,1024,8192')
    .option('--output-tokens <n>', 'output length')
    .option('--concurrency <list>', 'requests in flight, for example 1,8')
    .option('--rate <n>', 'requests started per second, instead of --concurrency')
    .option('--max-in-flight <n>', 'upper bound of requests in flight; needed with --rate')
    .option('--requests <n>', 'requests a cell')
    .option('--cache <list>', 'fresh, warm or fresh,warm')
    .option('--api-key-env <name>', 'environment variable that holds the key')
    .option('--header <header>', "extra header 'Name: value'; may stand several times", collect)
    .option('--once', 'one request only')
    .option('--trace', 'with --once: print the exchange event by event')
    .action(async (baseUrl: string, flags: ProbeCommandFlags) => done(await probe(baseUrl, flags, io)))
}

async function probe(baseUrl: string, flags: ProbeCommandFlags, io: Io): Promise<ExitCode> {
  const made = scenarioFromFlags({ ...flags, baseUrl, headers: flags.header }, scenarioContext(io.env))
  const isJson = flags.json === true
  if (!made.ok) return refuse(made.problems, isJson, io)
  for (const warning of made.warnings) io.err(`warning: ${terminalText(warning, 2000)}\n`)
  if (flags.trace === true && flags.once !== true)
    io.err('warning: --trace shows one exchange and stands with --once\n')
  const limits = [flags.dryRun, flags.budgetRequests, flags.budgetTokens, flags.budgetCost]
  if (flags.once === true && limits.some((limit) => limit !== undefined)) {
    return refuse(['--once sends exactly one request: leave --dry-run and --budget-… out'], isJson, io)
  }
  if (flags.once === true) {
    const traced = await traceOnce(made.scenario, {
      clock: systemClock,
      env: io.env,
      extraHeaders: made.secretHeaders,
      seed: flags.seed,
      record: recordOption(flags),
    })
    if (flags.record !== undefined) io.err(`note: ${RECORDING_WARNING}\n`)
    if (traced.kind === 'refused') return refuse([traced.message], isJson, io, traced.exit)
    if (isJson) io.out(`${JSON.stringify(traced, null, 1)}\n`)
    else io.out(traceText(traced, flags.trace === true))
    return traced.sample.outcome === 'ok' ? 0 : 3
  }
  const { name: scenario } = made.scenario
  const { exit, json } = await execute(made.scenario, flags, { extraHeaders: made.secretHeaders }, io)
  // The same document as of run, which may have several.
  if (isJson) io.out(`${JSON.stringify({ exit, runs: [{ scenario, ...json, exit }] }, null, 1)}\n`)
  return exit
}
