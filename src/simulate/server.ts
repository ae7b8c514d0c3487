/** The simulated provider over HTTP: routes, keys, limits, and the way of a request through counter and service. */
import { timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createRandom, type Random } from '../random/random.js'
import { createAnswer, type Answer, type Lateness } from './answer.js'
import { createCounter, type Counter } from './counter.js'
import type { Counted } from './count.js'
import { isRefusal, type AnswerHead, type Ask, type Face, type Refusal } from './face.js'
import { parseFaults, type Fault } from './faults.js'
import type { Outcome, Service } from './job.js'
import { errorBody } from './openai.js'
import { openaiChat } from './openai-chat.js'
import { openaiCompletions } from './openai-completions.js'
import { parseSimulateOptions, type CheckedOptions, type SimulateOptions } from './options.js'
import { startPacer, type Pacer } from './pacer.js'
import { createRateLimit } from './rate-limit.js'
import { createSender } from './sender.js'
import { createService } from './service.js'
import { contextLimit } from './profiles.js'
import { openTruth, type TruthFile } from './truth.js'
import { createWords } from './words.js'

export interface Simulator {
  /** Without a path: faces append `/v1/…`. */
  readonly url: string
  readonly port: number
  close(): Promise<void>
}

const FACES: readonly Face[] = [openaiChat, openaiCompletions]
const MAX_BODY_BYTES = 64 * 1024 * 1024

/** Everything that requests share. */
interface Shop {
  options: CheckedOptions
  counter: Counter
  service: Service
  pacer: Pacer
  random: Random
  fingerprint: string
  limit: ReturnType<typeof createRateLimit> | undefined
  truth: TruthFile | undefined
  nowMs: () => number
  nextId: number
}

/** Starts on a loopback port. Throws a RangeError with all problems when the options are wrong. */
export async function startSimulator(input: SimulateOptions = {}): Promise<Simulator> {
  const parsed = parseSimulateOptions(input)
  if (!parsed.ok) throw new RangeError(parsed.problems.join('\n'))
  const { options } = parsed
  const { profile } = options
  const originMs = performance.now()
  const nowMs = (): number => performance.now() - originMs
  const pacer = startPacer(nowMs)
  const random = createRandom(options.seed)
  const shop: Shop = {
    options,
    counter: await createCounter(profile.constants.blockTokens),
    service: createService(profile, random.fork('service'), pacer.agenda),
    pacer,
    random: random.fork('answers'),
    // The fingerprint of a model that changes with its constants, as it would with a new version.
    fingerprint: `fp_${hex(createRandom(JSON.stringify(profile)), 10)}`,
    limit: options.requestsPerMinute === undefined ? undefined : createRateLimit(options.requestsPerMinute),
    truth: options.truth === undefined ? undefined : openTruth(options.truth),
    nowMs,
    nextId: 0,
  }
  const server = createServer(
    { noDelay: true, keepAliveTimeout: 600_000, requestTimeout: 0 },
    (request, response) => {
      handle(shop, request, response).catch((error: unknown) => {
        if (!response.headersSent)
          reply(response, { status: 500, message: String(error), type: 'server_error' })
        else response.socket?.destroy()
      })
    },
  )
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(options.port, options.host, resolve)
    })
  } catch (error) {
    await shop.counter.close()
    shop.truth?.close()
    throw error
  }
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : options.port
  const host = options.host.includes(':') ? `[${options.host}]` : options.host
  return {
    url: `http://${host}:${port}`,
    port,
    async close() {
      pacer.stop()
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
      await shop.counter.close()
      shop.truth?.close()
    },
  }
}

async function handle(shop: Shop, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const arrivalMs = shop.nowMs()
  const requestId = `req_${hex(shop.random, 32)}`
  response.setHeader('x-request-id', requestId)
  const path = new URL(request.url ?? '/', 'http://localhost').pathname
  if (request.method === 'GET' && path === '/health') {
    json(response, 200, JSON.stringify({ status: 'ok', inFlight: shop.service.inFlight() }))
    return
  }
  const refusedKey = checkKey(shop.options.apiKeyEnv, request.headers.authorization)
  if (refusedKey) {
    reply(response, refusedKey)
    return
  }
  if (request.method === 'GET' && (path === '/v1/models' || path.startsWith('/v1/models/'))) {
    listModels(shop, path.slice('/v1/models/'.length), response)
    return
  }
  const face = FACES.find((candidate) => candidate.path === path)
  if (!face || request.method !== 'POST') {
    reply(response, { status: 404, message: `Invalid URL (${request.method} ${path})` })
    return
  }
  const body = await readBody(request)
  if (body === undefined) {
    reply(response, { status: 413, message: `The body exceeds ${MAX_BODY_BYTES} bytes.` })
    return
  }
  const faults = faultsOf(shop.options, request.headers['x-plumbline-fault'])
  if (!faults.ok) {
    reply(response, { status: 400, message: faults.problem, param: 'x-plumbline-fault' })
    return
  }
  if (faults.fault.reply) {
    response.writeHead(faults.fault.reply.status, faults.fault.reply.headers).end(faults.fault.reply.body)
    return
  }
  if (!admit(shop, request, response, arrivalMs)) return
  const ask = parseAsk(shop, face, body)
  if (isRefusal(ask)) {
    reply(response, ask)
    return
  }
  const counted = await shop.counter.count(ask.turns)
  const tooLong = checkLength(shop.options, ask, counted.promptTokens)
  if (tooLong) reply(response, tooLong)
  else serve(shop, { face, ask, counted, arrivalMs, requestId, ...faults }, response)
}

interface Order {
  face: Face
  ask: Ask
  counted: Counted
  arrivalMs: number
  requestId: string
  fault: Fault
  names: readonly string[]
}

/** Hands a checked request to the service and its tokens to the socket. */
function serve(shop: Shop, order: Order, response: ServerResponse): void {
  const { face, ask, counted, arrivalMs, requestId, fault, names } = order
  const { profile } = shop.options
  const { constants } = profile
  const countedMs = shop.nowMs() - arrivalMs
  const jobId = shop.nextId++
  const random = shop.random.fork(`answer/${jobId}`)
  const { promptTokens, hashes } = counted
  const room = contextLimit(profile) - promptTokens
  const outputTokens = ask.outputTokens ?? Math.min(constants.defaultOutputTokens, room)
  const reasoningTokens = Math.min(constants.reasoningTokens, outputTokens)
  const createdMs = Date.now() - countedMs
  const head: AnswerHead = {
    id: face.idPrefix + alphanumeric(random, 29),
    createdS: Math.floor(createdMs / 1000),
    model: ask.model,
    fingerprint: shop.fingerprint,
    includeUsage: ask.includeUsage,
  }
  let ended = false
  let last: { outcome?: Outcome; broken?: true; lateness: Lateness } | undefined

  function close(end: typeof last): void {
    if (ended) return
    ended = true
    if (!end?.outcome) shop.service.cancel(jobId)
    const outcome = end?.outcome
    shop.truth?.write({
      id: head.id,
      requestId,
      at: new Date(createdMs).toISOString(),
      arrivalMs,
      profile: profile.name,
      model: ask.model,
      face: face.name,
      stream: ask.stream,
      promptTokens,
      cachedTokens: outcome?.cachedTokens,
      outputTokens,
      reasoningTokens,
      ttftMs: outcome?.ttftMs,
      e2eMs: outcome?.e2eMs,
      phases: outcome?.phases,
      preemptions: outcome?.preemptions,
      countedMs,
      lateness: end?.lateness ?? { firstMs: 0, meanMs: 0, maxMs: 0, lateTokens: 0 },
      faults: names,
      outcome: outcome ? 'ok' : end?.broken ? 'broken' : 'cancelled',
    })
  }

  const answer: Answer = createAnswer({
    sender: createSender(response),
    writer: face.writer(head),
    whole: (whole) => face.whole(head, whole),
    words: createWords(random),
    fault,
    stream: ask.stream,
    arrivalMs,
    promptTokens,
    outputTokens,
    reasoningTokens,
    streamsReasoning: constants.streamsReasoning,
    earlyHeaders: constants.earlyHeaders,
    reason: ask.outputTokens === undefined ? 'stop' : 'length',
    headers: () => ({ 'openai-processing-ms': String(Math.round(shop.nowMs() - arrivalMs)) }),
    agenda: shop.pacer.agenda,
    nowMs: shop.nowMs,
    onEnd: close,
  })
  response.on('close', () => close(undefined))
  shop.service.submit(
    { id: jobId, arrivalMs, promptTokens, hashes, outputTokens, reasoningTokens, onToken: answer.token },
    shop.nowMs(),
  )
  answer.begin(shop.nowMs())
}

function parseAsk(shop: Shop, face: Face, body: string): Ask | Refusal {
  let data: unknown
  try {
    data = JSON.parse(body)
  } catch {
    const message =
      'We could not parse the JSON body of your request. (HINT: This likely means you aren’t using your HTTP library correctly. ' +
      'The API expects a JSON payload, but what was sent was not valid JSON.)'
    return { status: 400, message }
  }
  const ask = face.parse(data, shop.options.profile)
  if (isRefusal(ask) || shop.options.models.includes(ask.model)) return ask
  const message = `The model \`${ask.model}\` does not exist or you do not have access to it.`
  return { status: 404, message, code: 'model_not_found' }
}

function checkLength({ profile }: CheckedOptions, ask: Ask, promptTokens: number): Refusal | undefined {
  const limit = contextLimit(profile)
  const outputTokens = ask.outputTokens ?? 1
  const code = 'context_length_exceeded'
  const start = `This model's maximum context length is ${limit} tokens. However, `
  if (promptTokens + outputTokens <= limit) return undefined
  const message =
    ask.outputTokens === undefined || promptTokens >= limit
      ? `${start}your messages resulted in ${promptTokens} tokens. Please reduce the length of the messages.`
      : `${start}you requested ${promptTokens + outputTokens} tokens (${promptTokens} in the messages, ` +
        `${outputTokens} in the completion). Please reduce the length of the messages or completion.`
  return { status: 400, message, param: 'messages', code }
}

/** True when the rate limit lets the request pass; else it has been answered with 429. */
function admit(shop: Shop, request: IncomingMessage, response: ServerResponse, nowMs: number): boolean {
  const perMinute = shop.options.requestsPerMinute
  if (!shop.limit || perMinute === undefined) return true
  const allowed = shop.limit(request.headers.authorization ?? '', nowMs)
  response.setHeader('x-ratelimit-limit-requests', String(perMinute))
  response.setHeader('x-ratelimit-remaining-requests', String(allowed.remaining))
  response.setHeader('x-ratelimit-reset-requests', `${Math.ceil(allowed.resetMs)}ms`)
  if (allowed.ok) return true
  response.setHeader('retry-after', String(Math.ceil(allowed.waitMs / 1000)))
  response.setHeader('retry-after-ms', String(Math.ceil(allowed.waitMs)))
  const message =
    `Rate limit reached for ${shop.options.models[0]} on requests per min (RPM): Limit ${perMinute}. ` +
    `Please try again in ${(allowed.waitMs / 1000).toFixed(3)}s.`
  reply(response, { status: 429, message, type: 'requests', code: 'rate_limit_exceeded' })
  return false
}

function checkKey(keyEnv: string | undefined, authorization: string | undefined): Refusal | undefined {
  if (keyEnv === undefined) return undefined
  if (!authorization) {
    const message =
      "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth " +
      '(i.e. Authorization: Bearer YOUR_KEY).'
    return { status: 401, message }
  }
  const wanted = Buffer.from(`Bearer ${process.env[keyEnv] ?? ''}`)
  const given = Buffer.from(authorization)
  if (wanted.length === given.length && timingSafeEqual(wanted, given)) return undefined
  return { status: 401, message: 'Incorrect API key provided.', code: 'invalid_api_key' }
}

function faultsOf(
  options: CheckedOptions,
  header: string | string[] | undefined,
): ReturnType<typeof parseFaults> {
  const own = options.faultsByHeader && header !== undefined ? `,${String(header)}` : ''
  return parseFaults(options.fault + own)
}

function listModels(shop: Shop, name: string, response: ServerResponse): void {
  const models = shop.options.models.map((id) => ({
    id,
    object: 'model',
    created: 1_700_000_000,
    owned_by: 'plumbline',
  }))
  if (name === '') {
    json(response, 200, JSON.stringify({ object: 'list', data: models }))
    return
  }
  const model = models.find(({ id }) => id === decodeURIComponent(name))
  if (model) json(response, 200, JSON.stringify(model))
  else
    reply(response, { status: 404, message: `The model '${name}' does not exist`, code: 'model_not_found' })
}

/** Undefined when it is too large. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of request) {
    if (!Buffer.isBuffer(part)) continue
    bytes += part.length
    if (bytes > MAX_BODY_BYTES) return undefined
    parts.push(part)
  }
  return Buffer.concat(parts).toString()
}

function reply(response: ServerResponse, refusal: Refusal): void {
  json(response, refusal.status, errorBody(refusal))
}

function json(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(body)
}

function hex(random: Random, digits: number): string {
  return Array.from({ length: digits }, () => random.int(16).toString(16)).join('')
}

const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

function alphanumeric(random: Random, length: number): string {
  return Array.from({ length }, () => ALPHANUMERIC[random.int(ALPHANUMERIC.length)]).join('')
}
