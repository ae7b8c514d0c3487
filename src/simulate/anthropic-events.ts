/** The events and the object of Anthropic's messages API. */
import type { AnswerHead, Channel, End, EventWriter, FinishReason, WholeAnswer, WireEvent } from './face.js'

const REASONS = { length: 'max_tokens', stop: 'end_turn', tool: 'tool_use' } as const satisfies Record<
  FinishReason,
  string
>

export function anthropicWriter(head: AnswerHead): EventWriter {
  let index = -1
  let open: Channel | undefined
  let cached = 0

  function event(type: string, fields: object): WireEvent {
    return { name: type, data: JSON.stringify({ type, ...fields }) }
  }

  function close(): WireEvent[] {
    if (open === undefined) return []
    const stop = event('content_block_stop', { index })
    const signed = open === 'reasoning'
    open = undefined
    if (!signed) return [stop]
    return [
      event('content_block_delta', { index, delta: { type: 'signature_delta', signature: signature(head) } }),
      stop,
    ]
  }

  /** Opens the block that output of this kind goes to. The first is followed by a ping, as in every recording. */
  function enter(channel: Channel): WireEvent[] {
    if (open === channel) return []
    const events = close()
    open = channel
    index++
    events.push(event('content_block_start', { index, content_block: emptyBlock(head, channel) }))
    if (index === 0) events.push({ name: 'ping', data: '{"type": "ping"}' })
    return events
  }

  return {
    opening: () => [],
    admitted(cachedTokens) {
      cached = cachedTokens
      const usage = head.reportsUsage
        ? {
            usage: {
              ...promptUsage(head, cachedTokens),
              output_tokens: 1,
              service_tier: 'standard',
              inference_geo: 'global',
            },
          }
        : {}
      return [event('message_start', { message: { ...messageBody(head, [], null), ...usage } })]
    },
    token(text, channel) {
      const events = enter(channel)
      events.push(event('content_block_delta', { index, delta: deltaBody(text, channel) }))
      return events
    },
    silent: () => enter('reasoning'),
    finish(end) {
      const usage = head.reportsUsage ? { usage: endUsage(head, cached, end) } : {}
      const delta = { stop_reason: REASONS[end.reason], stop_sequence: null, stop_details: null }
      return [...close(), event('message_delta', { delta, ...usage })]
    },
    done: () => [event('message_stop', {})],
    error: () => [event('error', { error: { type: 'overloaded_error', message: 'Overloaded' } })],
  }
}

export function wholeMessage(head: AnswerHead, answer: WholeAnswer): string {
  const content: object[] = []
  const { usage, outcome } = answer
  if (usage.reasoningTokens > 0)
    content.push({ type: 'thinking', thinking: answer.reasoning, signature: signature(head) })
  if (answer.toolArguments !== '')
    content.push({ ...emptyBlock(head, 'tool'), input: JSON.parse(answer.toolArguments) as unknown })
  else if (answer.text !== '') content.push({ type: 'text', text: answer.text })
  return JSON.stringify({
    ...messageBody(head, content, REASONS[answer.reason]),
    ...(head.reportsUsage && {
      usage: {
        ...endUsage(head, outcome.cachedTokens, answer),
        ...promptUsage(head, outcome.cachedTokens),
        service_tier: 'standard',
        inference_geo: 'global',
      },
    }),
  })
}

function messageBody(head: AnswerHead, content: readonly object[], stopReason: string | null): object {
  return {
    model: head.model,
    id: head.id,
    type: 'message',
    role: 'assistant',
    content,
    stop_reason: stopReason,
    stop_sequence: null,
    stop_details: null,
  }
}

function emptyBlock(head: AnswerHead, channel: Channel): object {
  switch (channel) {
    case 'text':
      return { type: 'text', text: '' }
    case 'reasoning':
      return { type: 'thinking', thinking: '', signature: '' }
    case 'tool':
      return { type: 'tool_use', id: `toolu_01${head.id.slice(6)}`, name: head.ask.tool?.name, input: {} }
    default:
      return channel satisfies never
  }
}

function deltaBody(text: string, channel: Channel): object {
  switch (channel) {
    case 'text':
      return { type: 'text_delta', text }
    case 'reasoning':
      return { type: 'thinking_delta', thinking: text }
    case 'tool':
      return { type: 'input_json_delta', partial_json: text }
    default:
      return channel satisfies never
  }
}

/** Input counts only what was neither read from the cache nor written to it: the three add up to the prompt. */
function promptUsage(head: AnswerHead, cachedTokens: number): object {
  const written = Math.max(0, head.markedTokens - cachedTokens)
  const lasts1h = head.ask.cacheLifetime === '1h'
  return {
    input_tokens: head.promptTokens - cachedTokens - written,
    cache_creation_input_tokens: written,
    cache_read_input_tokens: cachedTokens,
    cache_creation: {
      ephemeral_5m_input_tokens: lasts1h ? 0 : written,
      ephemeral_1h_input_tokens: lasts1h ? written : 0,
    },
  }
}

/** Cumulative, as the last `message_delta` has it. */
function endUsage(head: AnswerHead, cachedTokens: number, { usage }: End): object {
  const written = Math.max(0, head.markedTokens - cachedTokens)
  return {
    input_tokens: head.promptTokens - cachedTokens - written,
    cache_creation_input_tokens: written,
    cache_read_input_tokens: cachedTokens,
    output_tokens: usage.outputTokens,
    output_tokens_details: { thinking_tokens: usage.reasoningTokens },
  }
}

/** Opaque to a client, who sends it back; base64 as in the recordings. */
function signature(head: AnswerHead): string {
  return Buffer.from(`plumbline/${head.id}/${'thought'.repeat(20)}`).toString('base64')
}
