/** What the two OpenAI protocols share: the frame of a chunk, usage, server timings, route and errors inside a 200. */
import { amount, count, isFields, text, type Fields } from './fields.js'
import type { Frame, Route, ServerTimings, StreamEvent, Usage } from './protocol.js'

const MOST_RAW_FIELDS = 32 // an event may be 1 MiB of made-up fields

/** Reads one choice of a chunk into `events`. */
export type ReadChoice = (choice: Fields, events: StreamEvent[]) => void

/**
 * What one frame of an OpenAI-like stream says.
 *
 * Fields are checked by hand. Measured on an output chunk of 255 bytes (Node 20, best of 12 × 300,000): JSON.parse
 * 0.97 µs, by hand 1.09 µs, a zod schema of the same fields 1.19 µs. So zod is cheap too; but a schema refuses a
 * whole event for one odd field, and here the token in it would be lost.
 */
export function decodeChunk({ name, data }: Frame, readChoice: ReadChoice): StreamEvent[] {
  if (data.trim() === '[DONE]') return [{ kind: 'end' }]
  let chunk: unknown
  try {
    chunk = JSON.parse(data)
  } catch {
    if (name === 'error') return [{ kind: 'error', message: data }]
    return [{ kind: 'malformed', detail: 'the event is not JSON' }]
  }
  if (!isFields(chunk)) return [{ kind: 'malformed', detail: 'the event is not a JSON object' }]

  const events: StreamEvent[] = []
  const { choices } = chunk
  if (Array.isArray(choices)) {
    for (const choice of choices) {
      if (isFields(choice)) readChoice(choice, events)
      else events.push({ kind: 'malformed', detail: 'an entry of choices is not an object' })
    }
  } else if (choices !== undefined && choices !== null) {
    events.push({ kind: 'malformed', detail: 'choices is not a list' })
  }
  if (chunk.timings !== undefined) readLlamaTimings(chunk.timings, events)
  if (isFields(chunk.x_groq)) readGroq(chunk.x_groq, events)
  if (isFields(chunk.usage)) readUsage(chunk.usage, events)
  if (isFields(chunk.time_info)) readSeconds(chunk.time_info, events)
  // The route repeats in every chunk: read where no output is, so that the many stay cheap. A stream has such a
  // chunk at its beginning (role), its end (finish reason, usage), or both.
  if (events.length !== 1 || events[0]?.kind !== 'output') readRoute(chunk, events)
  readStreamError(name, chunk, data, events)
  return events
}

/** `finish_reason` of a choice. */
export function readFinish(choice: Fields, events: StreamEvent[]): void {
  const reason = text(choice.finish_reason)
  if (reason !== undefined) events.push({ kind: 'finish', reason })
}

/** A count that is absent stays absent; one that no count can be (negative, 1e308) is reported as malformed. */
function readUsage(usage: Fields, events: StreamEvent[]): void {
  const read = (fields: Fields, field: string) => {
    const value = fields[field]
    const counted = count(value)
    if (counted === undefined && value !== undefined && value !== null) {
      events.push({ kind: 'malformed', detail: `usage.${field} is no token count` })
    }
    return counted
  }
  const prompt = isFields(usage.prompt_tokens_details) ? usage.prompt_tokens_details : {}
  const completion = isFields(usage.completion_tokens_details) ? usage.completion_tokens_details : {}
  pushUsage(
    {
      promptTokens: read(usage, 'prompt_tokens'),
      cachedTokens:
        read(prompt, 'cached_tokens') ??
        read(usage, 'prompt_cache_hit_tokens') ?? // DeepSeek
        read(usage, 'cached_tokens'), // Moonshot, Together
      outputTokens: read(usage, 'completion_tokens'),
      reasoningTokens: read(completion, 'reasoning_tokens') ?? read(usage, 'reasoning_tokens'),
    },
    events,
  )
  // Groq puts its times beside the counts.
  if (usage.prompt_time !== undefined || usage.total_time !== undefined) readSeconds(usage, events)
}

function pushUsage(usage: Usage, events: StreamEvent[]): void {
  const reported = Object.fromEntries(Object.entries(usage).filter(([, value]) => value !== undefined))
  if (Object.keys(reported).length > 0) events.push({ kind: 'usage', usage: reported })
}

function readGroq(groq: Fields, events: StreamEvent[]): void {
  const requestId = text(groq.id)
  if (requestId !== undefined) events.push({ kind: 'route', route: { requestId } })
  if (isFields(groq.usage)) readUsage(groq.usage, events)
  const error = text(groq.error)
  if (error !== undefined) events.push({ kind: 'error', message: error })
}

/** llama.cpp, milliseconds: `prompt_n` excludes the `cache_n` tokens that came from its cache. */
function readLlamaTimings(timings: unknown, events: StreamEvent[]): void {
  if (!isFields(timings)) return
  const fresh = count(timings.prompt_n)
  const cachedTokens = count(timings.cache_n)
  const promptTokens = fresh === undefined || cachedTokens === undefined ? undefined : fresh + cachedTokens
  pushUsage({ promptTokens, cachedTokens, outputTokens: count(timings.predicted_n) }, events)
  pushTimings(
    { prefillMs: amount(timings.prompt_ms), decodeMs: amount(timings.predicted_ms) },
    timings,
    events,
  )
}

const SECONDS = {
  queue_time: 'queueMs',
  prompt_time: 'prefillMs',
  completion_time: 'decodeMs',
  total_time: 'totalMs',
} as const

/** Groq's usage and Cerebras's time_info, seconds. */
function readSeconds(fields: Fields, events: StreamEvent[]): void {
  const mapped: Omit<ServerTimings, 'raw'> = {}
  const raw: Record<string, unknown> = {}
  for (const [name, ours] of Object.entries(SECONDS)) {
    const seconds = amount(fields[name])
    if (seconds === undefined) continue
    mapped[ours] = seconds * 1000
    raw[name] = seconds
  }
  pushTimings(mapped, raw, events)
}

function pushTimings(mapped: Omit<ServerTimings, 'raw'>, fields: Fields, events: StreamEvent[]): void {
  const raw: Record<string, number> = {}
  for (const [name, value] of Object.entries(fields).slice(0, MOST_RAW_FIELDS)) {
    if (typeof value === 'number' && Number.isFinite(value)) raw[name] = value
  }
  if (Object.keys(raw).length === 0) return
  const reported = Object.fromEntries(Object.entries(mapped).filter(([, value]) => value !== undefined))
  events.push({ kind: 'timings', timings: { ...reported, raw } })
}

function readRoute(chunk: Fields, events: StreamEvent[]): void {
  const route: Route = {}
  const model = text(chunk.model)
  const fingerprint = text(chunk.system_fingerprint)
  const serviceTier = text(chunk.service_tier)
  const upstream = text(chunk.provider) // OpenRouter
  if (model !== undefined) route.model = model
  if (fingerprint !== undefined) route.fingerprint = fingerprint
  if (serviceTier !== undefined) route.serviceTier = serviceTier
  if (upstream !== undefined) route.upstream = upstream
  if (Object.keys(route).length > 0) events.push({ kind: 'route', route })
}

function readStreamError(name: string | undefined, chunk: Fields, data: string, events: StreamEvent[]): void {
  const inside = chunk.error
  if (isFields(inside)) {
    const type = text(inside.type) ?? text(inside.code)
    events.push({
      kind: 'error',
      message: text(inside.message) ?? JSON.stringify(inside),
      ...(type && { type }),
    })
  } else if (text(inside) !== undefined) {
    events.push({ kind: 'error', message: String(inside) })
  } else if (name === 'error' || chunk.object === 'error') {
    const type = text(chunk.type)
    events.push({ kind: 'error', message: text(chunk.message) ?? data, ...(type && { type }) })
  }
}
