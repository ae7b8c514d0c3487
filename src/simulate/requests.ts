/** The way of a request: checked, counted, handed to the service, its tokens to the socket, its truth to the file. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Random } from '../random/random.js'
import { createAnswer, type Answer, type Lateness } from './answer.js'
import type { Counted } from './count.js'
import type { Counter } from './counter.js'
import { isRefusal, type AnswerHead, type Ask, type Face, type Refusal } from './face.js'
import { parseFaults, type Fault } from './faults.js'
import type { Outcome, Service } from './job.js'
import { openaiChat } from './openai-chat.js'
import { openaiCompletions } from './openai-completions.js'
import { errorBody } from './openai.js'
import type { CheckedOptions } from './options.js'
import type { Pacer } from './pacer.js'
import { contextLimit } from './profiles.js'
import type { RateLimit } from './rate-limit.js'
import { checkKey, checkLength, parseAsk } from './refusals.js'
import { createSender } from './sender.js'
import type { TruthFile } from './truth.js'
import { createWords } from './words.js'

const FACES: readonly Face[] = [openaiChat, openaiCompletions]
const MAX_BODY_BYTES = 64 * 1024 * 1024

/** Everything that requests share. */
export interface Shop {
  options: CheckedOptions
  counter: Counter
  service: Service
  pacer: Pacer
  random: Random
  fingerprint: string
  limit: RateLimit | undefined
  truth: TruthFile | undefined
  nowMs: () => number
  nextId: number
}

export async function handle(shop: Shop, request: IncomingMessage, response: ServerResponse): Promise<void> {
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
  const ask = parseAsk(shop.options, face, body)
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
  if (response.destroyed) return
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

export function reply(response: ServerResponse, refusal: Refusal): void {
  json(response, refusal.status, errorBody(refusal))
}

function json(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(body)
}

export function hex(random: Random, digits: number): string {
  return Array.from({ length: digits }, () => random.int(16).toString(16)).join('')
}

const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

function alphanumeric(random: Random, length: number): string {
  return Array.from({ length }, () => ALPHANUMERIC[random.int(ALPHANUMERIC.length)]).join('')
}
