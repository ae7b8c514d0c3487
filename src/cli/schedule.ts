/** `plumbline schedule <scenario…>`: stay up and run each scenario on its cron expression. */
import { scheduleLine } from '../report/schedule-line.js'
import { terminalText } from '../border/escape.js'
import type { Caps } from '../schedule/ledger.js'
import { faultOfWebhook } from '../schedule/tell.js'
import type { Register } from './command.js'
import { portNumber, positiveNumber, wholeNumber } from './flags.js'
import { stopOnSignals } from './interrupt.js'
import type { ExitCode, Io } from './io.js'
import { refuse } from './io.js'
import { loadJobs } from './schedule-jobs.js'
import { serveSchedule } from './schedule-service.js'

export interface ScheduleFlags {
  out?: string
  atOnce: number
  costPerDay?: number
  costPerMonth?: number
  port?: number
  host: string
  tokenEnv?: string
  otlp?: string
  traceparent?: boolean
  alertCommand?: string
  alertWebhookEnv?: string
  alertEvery: number
  json?: boolean
  code: boolean
}

export const scheduleCommand: Register = (command, io, done) => {
  command
    .argument('<scenario...>', 'YAML files with schedule: { cron, timezone, jitterS }')
    .option('--out <dir>', 'folder of results (default: output.dir of each scenario, else results)')
    .option('--at-once <n>', 'runs at once; more than one disturbs the timing of the others', wholeNumber, 1)
    .option('--cost-per-day <amount>', 'all runs of a UTC day together never spend more', positiveNumber)
    .option('--cost-per-month <amount>', 'all runs of a UTC month together never spend more', positiveNumber)
    .option('--port <n>', 'serve /healthz and /metrics; 0 takes a free one', portNumber)
    .option('--host <address>', 'another than loopback needs --token-env', '127.0.0.1')
    .option('--token-env <name>', 'variable with the token that /metrics asks for')
    .option('--otlp <url>', 'send metrics, and each probe as a span, to an OTLP receiver (http://host:4318)')
    .option('--traceparent', "give each request a traceparent, so that the server's spans join the probe's")
    .option('--alert-command <program>', 'started without a shell on each alert, which it reads from stdin')
    .option('--alert-webhook-env <name>', 'variable with the address that alerts are posted to')
    .option(
      '--alert-every <hours>',
      'an alert that still holds is repeated after so long',
      positiveNumber,
      24,
    )
    .option('--json', 'each event as one JSON object a line on stdout')
    .option('--no-code', 'refuse probe files, which are code')
    .action(async (files: string[], flags: ScheduleFlags) => done(await schedule(files, flags, io)))
}

async function schedule(files: readonly string[], flags: ScheduleFlags, io: Io): Promise<ExitCode> {
  const problems = faultsOfFlags(flags, io)
  const isJson = flags.json === true
  if (problems.length > 0) return refuse(problems, isJson, io)
  const caps: Caps = { perDay: flags.costPerDay ?? null, perMonth: flags.costPerMonth ?? null }
  const source = { files, out: flags.out, code: flags.code, caps }
  const loaded = await loadJobs(source, io)
  if (!loaded.ok) return refuse(loaded.problems, isJson, io)
  for (const warning of loaded.warnings) io.err(`warning: ${terminalText(warning, 2000)}\n`)
  const signals = stopOnSignals(() =>
    io.err('stopping: waiting for what is in flight; again to stop at once\n'),
  )
  try {
    const fault = await serveSchedule({
      source,
      loaded,
      flags,
      caps,
      control: signals.control,
      onEvent: (event) => {
        const atMs = Date.now()
        if (isJson) io.out(`${JSON.stringify({ at: new Date(atMs).toISOString(), ...event })}\n`)
        else io.out(`${scheduleLine(event, atMs)}\n`)
      },
      io,
    })
    return fault === null ? 0 : refuse([fault], isJson, io)
  } finally {
    signals.release()
  }
}

function faultsOfFlags({ atOnce, tokenEnv, alertWebhookEnv, otlp }: ScheduleFlags, io: Io): string[] {
  const faults: string[] = []
  if (atOnce < 1) faults.push('--at-once must be 1 or more')
  for (const [flag, name] of [
    ['--token-env', tokenEnv],
    ['--alert-webhook-env', alertWebhookEnv],
  ] as const) {
    if (name !== undefined && !io.env[name]) faults.push(`${flag}: the variable ${name} is not set`)
  }
  const webhook = alertWebhookEnv === undefined ? undefined : io.env[alertWebhookEnv]
  const fault = webhook ? faultOfWebhook(webhook) : null
  if (fault !== null) faults.push(`--alert-webhook-env: ${fault}`)
  if (otlp !== undefined && !/^https?:\/\//.test(otlp)) {
    faults.push('--otlp must be an address such as http://127.0.0.1:4318')
  }
  return faults
}
