/** The way of a request to the service: found its face, checked, counted; or refused in the words of its API. */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Random } from '../random/random.js'
import type { Counter } from './counter.js'
import { isRefusal, type LimitUnit, type Refusal, type Vendor, type Wrong } from './face.js'
import { findFace, vendorOf, type Found } from './faces.js'
import { BAD_GATEWAY, type FaultReply } from './faults.js'
import type { Service } from './job.js'
import type { Metrics } from './metrics.js'
import { describeModels } from './models.js'
import type { CheckedOptions } from './options.js'
import type { Pacer } from './pacer.js'
import { faultsDue } from './planned-faults.js'
import type { RateLimit } from './rate-limit.js'
import { checkKey, checkLength, parseJson, type Json } from './refusals.js'
import { serve } from './serve.js'
import type { TruthFile } from './truth.js'

const MAX_BODY_BYTES = 64 * 1024 * 1024

interface Limit {
  readonly perMinute: number
  readonly take: RateLimit
}

/** Everything that requests share. */
export interface Shop {
  options: CheckedOptions
  counter: Counter
  service: Service
  pacer: Pacer
  random: Random
  limits: Readonly<Partial<Record<LimitUnit, Limit>>>
  truth: TruthFile | undefined
  metrics: Metrics
  nowMs: () => number
  nextId: number
}

/** One request as it came. */
interface Call {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly arrivalMs: number
  readonly requestId: string
}

export async function handle(shop: Shop, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const arrivalMs = shop.nowMs()
  const { pathname: path, searchParams: query } = new URL(request.url ?? '/', 'http://localhost')
  const { method = 'GET', headers } = request
  const requestId = `req_${hex(shop.random, 32)}`
  const call: Call = { method, path, query, headers, arrivalMs, requestId }
  const open = method === 'GET' ? openToAll(shop, path) : undefined
  if (open) return send(response, open)
  const found = findFace(path, query)
  const vendor = found?.face.vendor ?? vendorOf(path, headers)
  if (vendor.idHeader) response.setHeader(vendor.idHeader, requestId)
  const refuse = (wrong: Wrong): void => send(response, vendor.refuse(wrong, requestId))
  const wrongKey = checkKey(shop.options.apiKeyEnv, vendor.key(headers, query))
  if (wrongKey) return refuse(wrongKey)
  if (found && method !== 'POST') return refuse({ kind: 'wrong-method', method, path })
  const body = await readBody(request)
  if (body === undefined) return refuse({ kind: 'too-large', maxBytes: MAX_BODY_BYTES })
  const json = parseJson(body)
  if (found) return generate(shop, call, found, json, response)
  const info = { vendor, method, path, body: json.ok ? json.data : undefined, requestId }
  const told = describeModels(shop.options, info)
  return told ? send(response, told) : refuse({ kind: 'no-path', method, path })
}

/** What needs no key. */
function openToAll({ service, metrics, options }: Shop, path: string): Refusal | undefined {
  if (path === '/health') {
    return { status: 200, body: JSON.stringify({ status: 'ok', inFlight: service.inFlight() }) }
  }
  if (path !== '/metrics') return undefined
  const load = service.load?.() ?? { running: service.inFlight(), waiting: 0, kvUsage: 0 }
  const headers = { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }
  return { status: 200, headers, body: metrics.render(options.models[0] ?? '', load) }
}

/** Checks what a face was asked, in the order in which a real API would refuse it, and has it served. */
async function generate(
  shop: Shop,
  call: Call,
  { face, route }: Found,
  json: Json,
  response: ServerResponse,
): Promise<void> {
  const { vendor } = face
  const { headers, query, arrivalMs, requestId } = call
  const { profile, models, faultsByHeader, onWire } = shop.options
  const refuse = (wrong: Wrong): void => send(response, vendor.refuse(wrong, requestId))
  const own = faultsByHeader ? (headers['x-plumbline-fault'] ?? '') : ''
  const faults = faultsDue(onWire, String(own), arrivalMs, shop.random)
  if (!faults.ok) return refuse({ kind: 'invalid', message: faults.problem, param: 'x-plumbline-fault' })
  const { fault, names, incidents } = faults
  if (fault.reply) return send(response, replyOf(fault.reply, shop, vendor, call))
  const tooMany = overLimit(shop, vendor, call, response, 'requests', 1)
  if (tooMany) return refuse(tooMany)
  if (!json.ok) return refuse(json.wrong)
  const ask = face.parse({ body: json.data, route, headers, requestId, profile })
  if (isRefusal(ask)) return send(response, ask)
  // Ollama's names have a tag, which may be left out.
  const name = vendor.name === 'ollama' ? ask.model.replace(/:latest$/, '') : ask.model
  if (!models.includes(name)) return refuse({ kind: 'unknown-model', model: ask.model })
  const counted = await shop.counter.count(ask.turns)
  const tooLong = checkLength(shop.options, face, ask, counted.promptTokens)
  if (tooLong) return refuse(tooLong)
  const wantedTokens = counted.promptTokens + (ask.outputTokens ?? profile.constants.defaultOutputTokens)
  const tooManyTokens = overLimit(shop, vendor, call, response, 'tokens', wantedTokens)
  if (tooManyTokens) return refuse(tooManyTokens)
  if (response.destroyed) return
  const tellsTruth = headers['x-plumbline-truth'] === '1'
  const key = ask.cacheKey ?? vendor.key(headers, query) ?? ''
  const framing = route.framing ?? 'sse'
  const order = {
    face,
    framing,
    ask,
    counted,
    arrivalMs,
    requestId,
    fault,
    names,
    incidents,
    tellsTruth,
    key,
  }
  serve(shop, order, response)
}

/** What is wrong when the key's bucket holds less than `cost`. Sets the headers that tell of it either way. */
function overLimit(
  { limits, options }: Shop,
  vendor: Vendor,
  call: Call,
  response: ServerResponse,
  unit: LimitUnit,
  cost: number,
): Wrong | undefined {
  const limit = limits[unit]
  if (!limit) return undefined
  const { perMinute } = limit
  const allowed = limit.take(vendor.key(call.headers, call.query) ?? '', call.arrivalMs, cost)
  const headers = vendor.limitHeaders(unit, allowed, perMinute, Date.now())
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  if (allowed.ok) return undefined
  return { kind: 'too-many', unit, model: options.models[0] ?? '', perMinute, waitMs: allowed.waitMs }
}

/** A fault that takes the place of an answer. */
function replyOf(reply: FaultReply, shop: Shop, vendor: Vendor, { requestId }: Call): Refusal {
  switch (reply.kind) {
    case 'html-502':
      return { status: 502, headers: { 'content-type': 'text/html' }, body: BAD_GATEWAY }
    case 'status-529':
      return { ...vendor.refuse({ kind: 'overloaded' }, requestId), status: 529 }
    case 'status-429': {
      const waitMs = reply.seconds * 1000
      const model = shop.options.models[0] ?? ''
      const wrong = { kind: 'too-many', unit: 'requests', model, perMinute: 60, waitMs } as const
      const refusal = vendor.refuse(wrong, requestId)
      const date = { 'retry-after': new Date(Date.now() + waitMs).toUTCString() }
      return { ...refusal, headers: { 'retry-after': String(reply.seconds), ...(reply.asDate && date) } }
    }
    default:
      return reply satisfies never
  }
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

export function send(response: ServerResponse, { status, headers, body }: Refusal): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body)
}

function hex(random: Random, digits: number): string {
  return Array.from({ length: digits }, () => random.int(16).toString(16)).join('')
}
