/** Amazon Bedrock's ConverseStream over the binary event stream: one request for the models of every vendor there. */
import { readErrorBody } from './error-body.js'
import { CORRUPT } from './event-stream.js'
import { pushOutput, pushRoute, pushTimings, pushUsage, readObject } from './event.js'
import { amount, count, isFields, text, type Fields } from './fields.js'
import { readHeaders } from './headers.js'
import type { Ask, Frame, Protocol, StreamEvent } from './protocol.js'

export const bedrockConverse: Protocol = {
  name: 'bedrock-converse',
  framing: 'messages',
  keyHeader: 'authorization',
  encode(ask, { model, quirks, body }) {
    const { inferenceConfig, ...rest } = body
    const system = ask.messages.filter(({ role }) => role === 'system')
    return {
      // Model names hold colons, ARNs slashes as well.
      path: `/model/${encodeURIComponent(model)}/converse-stream`,
      headers: {},
      body: JSON.stringify({
        ...(system.length > 0 && { system: system.map(({ content }) => ({ text: content })) }),
        messages: messagesOf(ask),
        inferenceConfig: {
          maxTokens: ask.outputTokens,
          ...(quirks.temperature !== null && { temperature: quirks.temperature }),
          ...(isFields(inferenceConfig) && inferenceConfig),
        },
        ...rest,
      }),
    }
  },
  decode,
  // The last event, behind messageStop: it holds the usage. Its name stands in the message's headers.
  endMarker: 'metadata',
  finishSuffices: true,
  readHeaders,
  readError: readErrorBody,
}

/** A cache point stands right behind the prefix that is to be kept: all before it is one cached block. */
function messagesOf({ messages, cachePrefix = 0 }: Ask): unknown[] {
  const turns = messages.filter(({ role }) => role !== 'system')
  return turns.map(({ role, content }, i) => {
    if (i > 0 || cachePrefix <= 0) return { role, content: [{ text: content }] }
    const rest = content.slice(cachePrefix)
    const prefix = [{ text: content.slice(0, cachePrefix) }, { cachePoint: { type: 'default' } }]
    return { role, content: rest === '' ? prefix : [...prefix, { text: rest }] }
  })
}

function decode(frame: Frame): StreamEvent[] {
  const { name = '', data } = frame
  if (name === CORRUPT) return [{ kind: 'malformed', detail: data }]
  const [kind, type] = name.split('/', 2)
  if (kind === 'exception' || kind === 'error') {
    const message = readErrorBody(data)?.message ?? name
    return [{ kind: 'error', message, ...(type && { type }) }]
  }
  const read = readObject(frame)
  if ('events' in read) return read.events
  const events: StreamEvent[] = []
  readEvent(name, read.object, events)
  return events
}

function readEvent(name: string, payload: Fields, events: StreamEvent[]): void {
  switch (name) {
    case 'contentBlockStart': {
      const { start } = payload
      if (isFields(start) && isFields(start.toolUse)) pushOutput('tool', start.toolUse.name, events)
      return
    }
    case 'contentBlockDelta':
      if (isFields(payload.delta)) readDelta(payload.delta, events)
      return
    case 'messageStop': {
      const reason = text(payload.stopReason)
      if (reason !== undefined) events.push({ kind: 'finish', reason })
      return
    }
    case 'metadata':
      readMetadata(payload, events)
      events.push({ kind: 'end' })
      return
    default:
      return // messageStart and contentBlockStop hold no output, and neither does what is new to us
  }
}

/**
 * A signature and redacted reasoning were not written for a reader. Both are Claude's, whose thinking is streamed as a
 * summary while usage counts the thinking itself; other models reason in full and sign nothing.
 */
function readDelta(delta: Fields, events: StreamEvent[]): void {
  pushOutput('text', delta.text, events)
  if (isFields(delta.reasoningContent)) {
    const { text: thought, signature, redactedContent } = delta.reasoningContent
    pushOutput('reasoning', thought, events)
    if (text(signature) !== undefined || text(redactedContent) !== undefined) events.push({ kind: 'hidden' })
  }
  if (isFields(delta.toolUse)) pushOutput('tool', delta.toolUse.input, events)
}

function readMetadata({ usage, metrics, serviceTier }: Fields, events: StreamEvent[]): void {
  if (isFields(usage)) {
    const reported = {
      // Beside what was read from the cache and what was written into it.
      uncachedTokens: count(usage.inputTokens),
      cachedTokens: count(usage.cacheReadInputTokens),
      cacheWriteTokens: count(usage.cacheWriteInputTokens),
      cacheWritesByLifetime: lifetimes(usage.cacheDetails),
      outputTokens: count(usage.outputTokens),
    }
    pushUsage(reported, events)
  }
  if (isFields(metrics)) pushTimings({ totalMs: amount(metrics.latencyMs) }, metrics, events)
  const tier = isFields(serviceTier) ? text(serviceTier.type) : text(serviceTier)
  pushRoute({ serviceTier: tier }, events)
}

/** `cacheDetails: [{ ttl: '5m', inputTokens }]`: what was written, by lifetime. */
function lifetimes(details: unknown): Record<string, number> | undefined {
  if (!Array.isArray(details)) return undefined
  const found: Record<string, number> = {}
  for (const detail of details) {
    if (!isFields(detail)) continue
    const ttl = text(detail.ttl)
    const tokens = count(detail.inputTokens)
    if (ttl !== undefined && tokens !== undefined) found[ttl] = (found[ttl] ?? 0) + tokens
  }
  return Object.keys(found).length > 0 ? found : undefined
}
