/** Ollama's own interface over lines of JSON: chat, and generate without a conversation. */
import { readErrorBody } from './error-body.js'
import { pushOutput, pushRoute, pushTimings, pushUsage, readObject, readStreamError } from './event.js'
import { amount, count, isFields, text, type Fields } from './fields.js'
import { readHeaders } from './headers.js'
import type { Ask, EncodedRequest, EncodeOptions, Frame, Protocol, StreamEvent } from './protocol.js'

const common = {
  framing: 'ndjson',
  keyHeader: 'authorization',
  decode,
  // `"done": true` stands anywhere in the last line, which is the end of the body as well.
  endMarker: null,
  finishSuffices: false,
  readHeaders,
  readError: readErrorBody,
} as const satisfies Partial<Protocol>

export const ollama: Protocol = {
  name: 'ollama',
  ...common,
  encode: (ask, options) => encode('/chat', { messages: ask.messages }, ask, options),
}

export const ollamaGenerate: Protocol = {
  name: 'ollama-generate',
  ...common,
  encode: (ask, options) =>
    encode('/generate', { prompt: ask.messages.map(({ content }) => content).join('\n\n') }, ask, options),
}

/** Settings of the model lie under `options`, where those of the target win key by key: `num_ctx` is a usual one. */
function encode(
  path: string,
  input: Fields,
  ask: Ask,
  { model, quirks, body, basePath = '' }: EncodeOptions,
): EncodedRequest {
  const { options, ...rest } = body
  return {
    // Its documents write the address with /api or without.
    path: basePath.endsWith('/api') ? path : `/api${path}`,
    headers: {},
    body: JSON.stringify({
      model,
      ...input,
      stream: true,
      options: {
        num_predict: ask.outputTokens,
        ...(quirks.temperature !== null && { temperature: quirks.temperature }),
        ...(isFields(options) && options),
      },
      ...rest,
    }),
  }
}

function decode(frame: Frame): StreamEvent[] {
  const read = readObject(frame)
  if ('events' in read) return read.events
  const line = read.object
  const events: StreamEvent[] = []
  // Chat wraps its text in a message, generate does not.
  const message = isFields(line.message) ? line.message : line
  pushOutput('reasoning', message.thinking, events)
  pushOutput('text', message.content ?? line.response, events)
  if (Array.isArray(message.tool_calls)) {
    for (const call of message.tool_calls) if (isFields(call)) readCall(call.function, events)
  }
  if (line.done === true) readEnd(line, events)
  readStreamError(frame, line, events)
  return events
}

/** Arguments come whole, as an object. */
function readCall(call: unknown, events: StreamEvent[]): void {
  if (!isFields(call)) return
  const given = isFields(call.arguments) ? JSON.stringify(call.arguments) : (text(call.arguments) ?? '')
  pushOutput('tool', (text(call.name) ?? '') + given, events)
}

const DURATIONS = ['total_duration', 'load_duration', 'prompt_eval_duration', 'eval_duration'] as const

/** The last line: counts, and durations in nanoseconds. `prompt_eval_count` includes the cached tokens. */
function readEnd(line: Fields, events: StreamEvent[]): void {
  const usage = {
    promptTokens: count(line.prompt_eval_count),
    cachedTokens: count(line.prompt_eval_cached_count),
    outputTokens: count(line.eval_count),
  }
  pushUsage(usage, events)
  const ms = (name: (typeof DURATIONS)[number]): number | undefined => {
    const ns = amount(line[name])
    return ns === undefined ? undefined : ns / 1e6
  }
  const timings = {
    loadMs: ms('load_duration'),
    prefillMs: ms('prompt_eval_duration'),
    decodeMs: ms('eval_duration'),
    totalMs: ms('total_duration'),
  }
  pushTimings(timings, Object.fromEntries(DURATIONS.map((name) => [name, line[name]])), events)
  pushRoute({ model: text(line.model) }, events)
  const reason = text(line.done_reason)
  if (reason !== undefined) events.push({ kind: 'finish', reason })
  events.push({ kind: 'end' })
}
