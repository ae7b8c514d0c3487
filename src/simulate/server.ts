/** The simulated provider as an HTTP server. */
import { once } from 'node:events'
import { createServer, request as httpRequest } from 'node:http'
import { createRandom } from '../random/random.js'
import { createCounter, type Counter } from './counter.js'
import type { LimitUnit } from './face.js'
import { vendorOf } from './faces.js'
import { createMetrics } from './metrics.js'
import { parseSimulateOptions, type CheckedOptions, type SimulateOptions } from './options.js'
import { startPacer } from './pacer.js'
import { createRateLimit } from './rate-limit.js'
import { handle, send, type Shop } from './requests.js'
import { createService } from './service.js'
import { openTruth } from './truth.js'

export interface Simulator {
  /** Without a path: faces append `/v1/…`. */
  readonly url: string
  readonly port: number
  close(): Promise<void>
}

/** As `startChecked`; throws a RangeError with all problems, a line each, when the options are wrong. */
export async function startSimulator(input: SimulateOptions = {}): Promise<Simulator> {
  const parsed = parseSimulateOptions(input)
  if (!parsed.ok) throw new RangeError(parsed.problems.join('\n'))
  return startChecked(parsed.options)
}

/** Starts, warmed up. Throws the error of the socket or of the truth file when one can't be opened. */
export async function startChecked(options: CheckedOptions): Promise<Simulator> {
  const counter = await createCounter(options.profile.constants.blockTokens)
  try {
    await warmUp(counter)
    const simulator = await listen(options, counter)
    return {
      ...simulator,
      async close() {
        await simulator.close()
        await counter.close()
      },
    }
  } catch (error) {
    await counter.close()
    throw error
  }
}

async function listen(options: CheckedOptions, counter: Counter): Promise<Simulator> {
  const originMs = performance.now()
  const nowMs = (): number => performance.now() - originMs
  const pacer = startPacer(nowMs)
  const random = createRandom(options.seed)
  const { profile, requestsPerMinute } = options
  const truth = options.truth === undefined ? undefined : openTruth(options.truth)
  const shop: Shop = {
    options,
    counter,
    service: createService(profile, random.fork('service'), pacer.agenda, options),
    pacer,
    random: random.fork('answers'),
    limits: {
      ...limitOf('requests', requestsPerMinute ?? profile.constants.keyRequestsPerMinute),
      ...limitOf('tokens', profile.constants.keyTokensPerMinute),
    },
    truth,
    metrics: createMetrics(),
    nowMs,
    nextId: 0,
  }
  // A client may keep a connection for longer than the default of 5 s and must not meet a reset then.
  const server = createServer(
    { noDelay: true, keepAliveTimeout: 600_000, requestTimeout: 0 },
    (request, response) => {
      handle(shop, request, response).catch((error: unknown) => {
        if (response.headersSent) response.destroy()
        else {
          const vendor = vendorOf(request.url ?? '/', request.headers)
          send(response, vendor.refuse({ kind: 'server-error', message: String(error) }, ''))
        }
      })
    },
  )
  try {
    server.listen(options.port, options.host)
    await once(server, 'listening')
  } catch (error) {
    truth?.close()
    throw error
  }
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : options.port
  const host = options.host.includes(':') ? `[${options.host}]` : options.host
  return {
    url: `http://${host}:${port}`,
    port,
    async close() {
      // An answer that is out may still wait for the turn in which its end is told.
      for (let turn = 0; turn < 5; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
      pacer.stop()
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
      truth?.close()
    },
  }
}

/** A bucket for each key; none where it would hold nothing. */
function limitOf(unit: LimitUnit, perMinute: number): Shop['limits'] {
  return perMinute > 0 ? { [unit]: { perMinute, take: createRateLimit(perMinute) } } : {}
}

/** Runs the whole path some times on a simulator that is thrown away, so that no measured token pays for compiling it. */
async function warmUp(counter: Counter): Promise<void> {
  const parsed = parseSimulateOptions({ profile: 'exact', set: { base: 0, fresh: 0, tpot: 0.1 } })
  if (!parsed.ok) throw new Error(parsed.problems.join('; '))
  const simulator = await listen(parsed.options, counter)
  const messages = [{ role: 'user', content: 'Measure the river before the bridge is built. '.repeat(100) }]
  const body = JSON.stringify({ model: 'exact', stream: true, max_tokens: 50, messages })
  try {
    for (let i = 0; i < 10; i++) {
      const request = httpRequest(`${simulator.url}/v1/chat/completions`, { method: 'POST', agent: false })
      request.end(body)
      const [response] = await once(request, 'response')
      response.resume()
      await once(response, 'end')
    }
  } finally {
    await simulator.close()
  }
}
