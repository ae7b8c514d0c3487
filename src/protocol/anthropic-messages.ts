/** Anthropic's Messages API over server-sent events; some other providers serve it too. */
import { readErrorBody } from './error-body.js'
import { pushOutput, pushRoute, pushUsage, readObject, readStreamError } from './event.js'
import { count, isFields, text, type Fields } from './fields.js'
import { readHeaders } from './headers.js'
import type { Ask, Frame, Protocol, StreamEvent } from './protocol.js'

const VERSION = '2023-06-01'

export const anthropicMessages: Protocol = {
  name: 'anthropic-messages',
  framing: 'sse',
  keyHeader: 'x-api-key',
  encode(ask, { model, quirks, body }) {
    const system = ask.messages.filter(({ role }) => role === 'system')
    return {
      path: '/messages',
      headers: { 'anthropic-version': VERSION },
      body: JSON.stringify({
        model,
        max_tokens: ask.outputTokens,
        ...(system.length > 0 && { system: system.map(({ content }) => ({ type: 'text', text: content })) }),
        messages: conversation(ask),
        ...(quirks.temperature !== null && { temperature: quirks.temperature }),
        stream: true,
        ...body,
      }),
    }
  },
  decode,
  endMarker: 'event: message_stop',
  finishSuffices: true,
  readHeaders,
  readError: readErrorBody,
}

/**
 * Nothing is cached unless a block asks for it: so a fresh prompt stays cold, and a shared prefix is a block of its own
 * whose end is the breakpoint. It stands first, with its nonce in front: no earlier prefix can match.
 */
function conversation({ messages, cachePrefix = 0 }: Ask) {
  return messages
    .map((message, index) => ({ ...message, cut: index === 0 ? cachePrefix : 0 }))
    .filter(({ role }) => role !== 'system')
    .map(({ role, content, cut }) => {
      if (cut === 0) return { role, content }
      const prefix = { type: 'text', text: content.slice(0, cut), cache_control: { type: 'ephemeral' } }
      const rest = content.slice(cut)
      return { role, content: rest === '' ? [prefix] : [prefix, { type: 'text', text: rest }] }
    })
}

/** `ping` may come anywhere, `message_start` once the request was let in; neither was generated. */
function decode(frame: Frame): StreamEvent[] {
  if (frame.data.trim() === '[DONE]') return [] // gateways add it behind message_stop
  const read = readObject(frame)
  if ('events' in read) return read.events
  const { object } = read
  const events: StreamEvent[] = []
  switch (text(object.type) ?? frame.name) {
    case 'message_start':
      if (isFields(object.message)) readMessage(object.message, events)
      break
    case 'content_block_start':
      if (isFields(object.content_block)) readBlock(object.content_block, events)
      break
    case 'content_block_delta':
      if (isFields(object.delta)) readDelta(object.delta, events)
      break
    case 'message_delta':
      readMessageDelta(object, events)
      break
    case 'message_stop':
      events.push({ kind: 'end' })
      break
    case 'content_block_stop':
    case 'ping':
      break
    default:
      readStreamError(frame, object, events)
  }
  return events
}

function readMessage(message: Fields, events: StreamEvent[]): void {
  const usage = isFields(message.usage) ? message.usage : {}
  const geo = text(usage.inference_geo)
  const speed = text(usage.speed)
  const raw = { ...(geo && { inference_geo: geo }), ...(speed && { speed }) }
  pushRoute(
    {
      model: text(message.model),
      serviceTier: text(usage.service_tier),
      ...(Object.keys(raw).length > 0 && { raw }),
    },
    events,
  )
  readUsage(usage, events)
  const reason = text(message.stop_reason) // of an answer that was whole before it was streamed
  if (reason !== undefined) events.push({ kind: 'finish', reason })
}

/** A block opens empty, but for a tool's name. What tools of the server returned was not generated. */
function readBlock(block: Fields, events: StreamEvent[]): void {
  switch (block.type) {
    case 'text':
      return pushOutput('text', block.text, events)
    case 'thinking':
      return pushOutput('summary', block.thinking, events)
    case 'redacted_thinking':
      return void events.push({ kind: 'hidden' })
    case 'tool_use':
    case 'server_tool_use':
    case 'mcp_tool_use':
      return pushOutput('tool', block.name, events)
    case 'fallback': // another model takes over in mid-answer
      return pushRoute({ model: isFields(block.to) ? text(block.to.model) : undefined }, events)
  }
}

/**
 * Thinking comes as a summary from Claude 4 on, or not at all (`display: 'omitted'`), while usage counts the thinking
 * itself; a signature ends it in any case. A citation and the summary of a compaction are no part of the answer.
 */
function readDelta(delta: Fields, events: StreamEvent[]): void {
  switch (delta.type) {
    case 'text_delta':
      return pushOutput('text', delta.text, events)
    case 'thinking_delta':
      return pushOutput('summary', delta.thinking, events)
    case 'signature_delta':
      return void events.push({ kind: 'hidden' })
    case 'input_json_delta':
      return pushOutput('tool', delta.partial_json, events)
  }
}

function readMessageDelta(object: Fields, events: StreamEvent[]): void {
  if (isFields(object.usage)) readUsage(object.usage, events)
  const reason = isFields(object.delta) ? text(object.delta.stop_reason) : undefined
  if (reason !== undefined) events.push({ kind: 'finish', reason })
}

/** Counts are cumulative; `message_delta` may leave out what `message_start` said. Input excludes what was read from and written to the cache. */
function readUsage(usage: Fields, events: StreamEvent[]): void {
  const lifetimes = isFields(usage.cache_creation) ? usage.cache_creation : {}
  const writes = Object.entries(lifetimes).flatMap(([name, value]) => {
    const lifetime = /^ephemeral_(\w{1,8})_input_tokens$/.exec(name)?.[1]
    const written = count(value)
    return lifetime === undefined || written === undefined ? [] : [[lifetime, written] as const]
  })
  const output = isFields(usage.output_tokens_details) ? usage.output_tokens_details : {}
  pushUsage(
    {
      uncachedTokens: count(usage.input_tokens),
      cachedTokens: count(usage.cache_read_input_tokens),
      cacheWriteTokens: count(usage.cache_creation_input_tokens),
      cacheWritesByLifetime: writes.length > 0 ? Object.fromEntries(writes) : undefined,
      outputTokens: count(usage.output_tokens),
      reasoningTokens: count(output.thinking_tokens),
    },
    events,
  )
}
