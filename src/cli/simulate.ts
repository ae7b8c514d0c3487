/** `plumbline simulate`: the simulated provider as a server of its own, or with `--spans` as labelled spans in a file. */
import { parseSimulateOptions } from '../simulate/options.js'
import { parseSetting } from '../simulate/profiles.js'
import { startSimulator } from '../simulate/server.js'
import { systemCode, systemReason } from '../border/system-error.js'
import type { Register } from './command.js'
import { collect, portNumber, wholeNumber } from './flags.js'
import { stopped } from './interrupt.js'
import { refuse } from './io.js'
import { misplacedFlag, simulateSpans, type SpansFlags } from './simulate-spans.js'

interface SimulateFlags extends SpansFlags {
  profile: string
  port: number
  host: string
  model?: string[]
  set?: string[]
  seed?: number
  fault?: string
  faultsByHeader?: boolean
  apiKeyEnv?: string
  truth?: string
  json?: boolean
}

export const simulateCommand: Register = (command, io, done) => {
  command
    .option('--profile <name|file>', 'a profile of docs/simulator.md, or a YAML file', '8b-h100')
    .option('--port <n>', '0 takes a free one', portNumber, 8080)
    .option('--host <address>', 'another than loopback needs --api-key-env', '127.0.0.1')
    .option('--model <name>', 'a model to answer to; may stand several times', collect)
    .option('--set <name=value>', 'replace a constant of the profile; may stand several times', collect)
    .option('--seed <n>', 'seed of the noise', wholeNumber)
    .option('--fault <list>', 'for example "crlf share=.1, slow-replica:2 from=3m to=5m"')
    .option('--faults-by-header', 'heed the request header x-plumbline-fault')
    .option('--api-key-env <name>', 'environment variable that holds the key to ask for')
    .option('--truth <file>', 'write what befell each request, one JSON object a line')
    .option('--spans <file>', 'write spans of a service in virtual time and end; - is standard output')
    .option('--requests <n>', 'with --spans: calls of the service (default: 10000)', wholeNumber)
    .option('--dialect <list>', 'with --spans: dialects of docs/simulator.md, or all (default: otel-genai)')
    .option('--carry <list>', 'with --spans: full, ttft, tokens, duration, or all (default: full)')
    .option('--workload <file>', 'with --spans: YAML with constants of the service')
    .option('--start <time>', 'with --spans: UTC time at which the run starts')
    .option('--json', 'one JSON line with the URL when it listens')
    .action(async (flags: SimulateFlags) => {
      const isJson = flags.json === true
      const set: Record<string, unknown> = {}
      for (const each of flags.set ?? []) {
        const setting = parseSetting(each)
        if (setting === undefined) {
          return done(refuse([`--set ${each} must read name=value`], isJson, io))
        }
        set[setting[0]] = setting[1]
      }
      const misplaced = misplacedFlag(flags)
      if (misplaced !== undefined) return done(refuse([misplaced], isJson, io))
      if (flags.spans !== undefined)
        return done(await simulateSpans({ ...flags, spans: flags.spans }, set, io))
      const { profile, port, host, fault, model: models, seed, faultsByHeader, apiKeyEnv, truth } = flags
      const input = {
        profile,
        port,
        host,
        set,
        ...(fault !== undefined && { fault }),
        ...(models && { models }),
        ...(seed !== undefined && { seed }),
        ...(faultsByHeader && { faultsByHeader }),
        ...(apiKeyEnv !== undefined && { apiKeyEnv }),
        ...(truth !== undefined && { truth }),
      }
      const parsed = parseSimulateOptions(input)
      if (!parsed.ok) {
        return done(refuse(parsed.problems, isJson, io))
      }
      try {
        const simulator = await startSimulator(input)
        // Before it says that it listens: who is told may stop it at once.
        const end = stopped()
        if (isJson)
          io.out(
            `${JSON.stringify({ url: `${simulator.url}/v1`, profile, models: parsed.options.models })}\n`,
          )
        else {
          const names = parsed.options.models.join(', ')
          io.out(`simulated provider ${profile} at ${simulator.url}/v1, model ${names} (Ctrl-C stops it)\n`)
        }
        await end
        await simulator.close()
        done(0)
      } catch (error) {
        done(refuse([startFault(error, flags)], isJson, io, systemCode(error) === null ? 3 : 2))
      }
    })
}

/** The port is taken, the host is not ours, or the file of `--truth` cannot be written. */
function startFault(error: unknown, { host, port, truth }: SimulateFlags): string {
  const reason = systemReason(error)
  if (systemCode(error) === null) return `the simulated provider did not start: ${reason}`
  if (error instanceof Error && 'path' in error)
    return `${truth}: cannot be written: ${reason}; choose another --truth`
  return `cannot listen on ${host}:${port}: ${reason}; choose another --port or --host`
}
