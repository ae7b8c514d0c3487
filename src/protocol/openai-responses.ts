/** OpenAI's Responses API over server-sent events: named events around items, summaries of reasoning, usage at the end. */
import { readErrorBody } from './error-body.js'
import { pushOutput, pushRoute, pushUsage, readObject, readStreamError } from './event.js'
import { count, isFields, text, type Fields } from './fields.js'
import { readHeaders } from './headers.js'
import type { Frame, OutputChannel, Protocol, StreamEvent } from './protocol.js'

/** Events whose `delta` was generated. What they add up to is said again by `….done` events: those hold nothing new. */
const DELTAS: Readonly<Record<string, OutputChannel>> = {
  'response.output_text.delta': 'text',
  'response.audio.transcript.delta': 'text',
  'response.refusal.delta': 'refusal',
  'response.reasoning_text.delta': 'reasoning', // gpt-oss and other open models
  'response.reasoning.delta': 'reasoning', // the same by gateways
  'response.reasoning_summary_text.delta': 'summary',
  'response.reasoning_summary.delta': 'summary',
  'response.function_call_arguments.delta': 'tool',
  'response.custom_tool_call_input.delta': 'tool',
  'response.mcp_call_arguments.delta': 'tool',
  'response.code_interpreter_call_code.delta': 'tool',
  'response.shell_call_command.delta': 'tool',
  'response.apply_patch_call_operation_diff.delta': 'tool',
}

export const openaiResponses: Protocol = {
  name: 'openai-responses',
  framing: 'sse',
  keyHeader: 'authorization',
  leastOutputTokens: 16, // below it OpenAI answers 400
  encode: (ask, { model, quirks, body }) => ({
    path: '/responses',
    headers: {},
    body: JSON.stringify({
      model,
      input: ask.messages,
      max_output_tokens: ask.outputTokens,
      ...(quirks.temperature !== null && { temperature: quirks.temperature }),
      stream: true,
      store: false, // a probe is nothing to be kept
      ...body,
    }),
  }),
  decode,
  // The terminal event repeats the whole answer, so its name arrives long before its end: the grace behind a marker
  // could cut it on a slow network.
  endMarker: null,
  finishSuffices: false,
  readHeaders,
  readError: readErrorBody,
}

/** `response.created` comes at once and says nothing of the model's work. */
function decode(frame: Frame): StreamEvent[] {
  if (frame.data.trim() === '[DONE]') return [] // some servers of the same API add it
  const read = readObject(frame)
  if ('events' in read) return read.events
  const { object } = read
  const events: StreamEvent[] = []
  const type = text(object.type) ?? frame.name ?? ''
  const channel = Object.hasOwn(DELTAS, type) ? DELTAS[type] : undefined
  if (channel !== undefined) pushOutput(channel, object.delta, events)
  else if (type === 'response.output_item.added') readItem(object.item, events)
  else if (isFields(object.response)) readResponse(type, object.response, events)
  else readStreamError(frame, object, events)
  return events
}

/** The name of a tool is generated before its arguments. */
function readItem(item: unknown, events: StreamEvent[]): void {
  if (!isFields(item)) return
  if (text(item.encrypted_content) !== undefined) events.push({ kind: 'hidden' })
  if (text(item.type)?.endsWith('call'))
    pushOutput('tool', (text(item.name) ?? '') + (text(item.arguments) ?? ''), events)
}

/** An event that carries the whole response: at the beginning its route, at the end usage and how it ended. */
function readResponse(type: string, response: Fields, events: StreamEvent[]): void {
  const isOver = /^response\.(completed|incomplete|failed|cancelled)$/.test(type)
  // Before the end the tier is the one asked for.
  const serviceTier = isOver ? text(response.service_tier) : undefined
  pushRoute(
    { model: text(response.model), fingerprint: text(response.system_fingerprint), serviceTier },
    events,
  )
  if (isFields(response.usage)) readUsage(response.usage, events)
  if (!isOver) return
  if (type === 'response.failed' || type === 'response.cancelled') {
    const error = isFields(response.error) ? response.error : {}
    const code = text(error.code)
    const message = text(error.message) ?? `the response was ${type.slice('response.'.length)}`
    events.push({ kind: 'error', message, ...(code && { type: code }) })
  } else {
    const incomplete = isFields(response.incomplete_details)
      ? text(response.incomplete_details.reason)
      : undefined
    events.push({
      kind: 'finish',
      reason: incomplete ?? text(response.status) ?? type.slice('response.'.length),
    })
  }
  events.push({ kind: 'end' })
}

function readUsage(usage: Fields, events: StreamEvent[]): void {
  const input = isFields(usage.input_tokens_details) ? usage.input_tokens_details : {}
  const output = isFields(usage.output_tokens_details) ? usage.output_tokens_details : {}
  pushUsage(
    {
      promptTokens: count(usage.input_tokens),
      cachedTokens: count(input.cached_tokens),
      cacheWriteTokens: count(input.cache_write_tokens),
      outputTokens: count(usage.output_tokens),
      reasoningTokens: count(output.reasoning_tokens),
    },
    events,
  )
}
