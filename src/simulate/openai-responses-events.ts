/** The events and the object of OpenAI's responses API, each event with its `sequence_number`. */
import type { AnswerHead, Channel, End, EventWriter, Usage, WholeAnswer, WireEvent } from './face.js'
import { SERVER_FAILED } from './openai.js'

/** One entry of `output`, as it grows. */
interface Item {
  readonly kind: Channel
  readonly id: string
  text: string
}

export function responsesWriter(head: AnswerHead): EventWriter {
  const items: Item[] = []
  let sequence = 0

  function event(type: string, fields: object): WireEvent {
    return { name: type, data: JSON.stringify({ type, sequence_number: sequence++, ...fields }) }
  }

  /** The item that output of `kind` goes to: the open one, or a new one with the events of both. */
  function enter(kind: Channel): { item: Item; events: WireEvent[] } {
    const open = items.at(-1)
    if (open?.kind === kind) return { item: open, events: [] }
    const item: Item = { kind, id: `${PREFIXES[kind]}_${head.id.slice(5)}`, text: '' }
    const events = open ? close(open) : []
    items.push(item)
    events.push(
      event('response.output_item.added', {
        output_index: items.length - 1,
        item: itemBody(head, item, true),
      }),
    )
    const where = place(item)
    if (kind === 'text') {
      events.push(event('response.content_part.added', { ...where, content_index: 0, part: textPart('') }))
    } else if (kind === 'reasoning' && head.ask.reasoning.shown === 'summary') {
      const part = { type: 'summary_text', text: '' }
      events.push(event('response.reasoning_summary_part.added', { ...where, summary_index: 0, part }))
    }
    return { item, events }
  }

  function place(item: Item): { item_id: string; output_index: number } {
    return { item_id: item.id, output_index: items.indexOf(item) }
  }

  function delta(item: Item, text: string): WireEvent {
    const where = place(item)
    const pad = head.ask.pads ? { obfuscation: head.padding(Math.max(1, 16 - text.length)) } : {}
    switch (item.kind) {
      case 'text':
        return event('response.output_text.delta', {
          ...where,
          content_index: 0,
          delta: text,
          logprobs: [],
          ...pad,
        })
      case 'tool':
        return event('response.function_call_arguments.delta', { ...where, delta: text, ...pad })
      case 'reasoning':
        return head.ask.reasoning.shown === 'summary'
          ? event('response.reasoning_summary_text.delta', {
              ...where,
              summary_index: 0,
              delta: text,
              ...pad,
            })
          : event('response.reasoning_text.delta', { ...where, content_index: 0, delta: text })
      default:
        return item.kind satisfies never
    }
  }

  function close(item: Item): WireEvent[] {
    const where = place(item)
    const { text } = item
    const events: WireEvent[] = []
    if (item.kind === 'text') {
      events.push(event('response.output_text.done', { ...where, content_index: 0, text, logprobs: [] }))
      events.push(event('response.content_part.done', { ...where, content_index: 0, part: textPart(text) }))
    } else if (item.kind === 'tool') {
      events.push(event('response.function_call_arguments.done', { ...where, arguments: text }))
    } else if (head.ask.reasoning.shown === 'summary') {
      const part = { type: 'summary_text', text }
      events.push(event('response.reasoning_summary_text.done', { ...where, summary_index: 0, text }))
      events.push(event('response.reasoning_summary_part.done', { ...where, summary_index: 0, part }))
    } else if (head.ask.reasoning.shown === 'full') {
      events.push(event('response.reasoning_text.done', { ...where, content_index: 0, text }))
    }
    events.push(
      event('response.output_item.done', {
        output_index: where.output_index,
        item: itemBody(head, item, false),
      }),
    )
    return events
  }

  return {
    opening: () => [
      event('response.created', { response: responseBody(head, [], undefined) }),
      event('response.in_progress', { response: responseBody(head, [], undefined) }),
    ],
    admitted: () => [],
    token(text, channel) {
      const { item, events } = enter(channel)
      item.text += text
      return [...events, delta(item, text)]
    },
    silent: () => enter('reasoning').events,
    finish() {
      const open = items.at(-1)
      return open ? close(open) : []
    },
    done(end) {
      const type = end.reason === 'length' ? 'response.incomplete' : 'response.completed'
      return [event(type, { response: responseBody(head, items, end) })]
    },
    error: () => [event('error', { code: 'server_error', message: SERVER_FAILED.message, param: null })],
  }
}

export function wholeResponse(head: AnswerHead, answer: WholeAnswer): string {
  const items: Item[] = []
  const suffix = head.id.slice(5)
  if (answer.usage.reasoningTokens > 0) {
    items.push({ kind: 'reasoning', id: `rs_${suffix}`, text: answer.reasoning })
  }
  if (answer.toolArguments !== '')
    items.push({ kind: 'tool', id: `fc_${suffix}`, text: answer.toolArguments })
  else if (answer.text !== '') items.push({ kind: 'text', id: `msg_${suffix}`, text: answer.text })
  return JSON.stringify(responseBody(head, items, answer), null, 2)
}

const PREFIXES = { text: 'msg', reasoning: 'rs', tool: 'fc' } as const satisfies Record<Channel, string>

function textPart(text: string): object {
  return { type: 'output_text', annotations: [], logprobs: [], text }
}

function itemBody(head: AnswerHead, { kind, id, text }: Item, isOpen: boolean): object {
  const status = isOpen ? 'in_progress' : 'completed'
  switch (kind) {
    case 'text':
      return { id, type: 'message', status, content: isOpen ? [] : [textPart(text)], role: 'assistant' }
    case 'tool': {
      const callId = `call_${id.slice(-24)}`
      return {
        id,
        type: 'function_call',
        status,
        arguments: text,
        call_id: callId,
        name: head.ask.tool?.name,
      }
    }
    case 'reasoning': {
      const { shown } = head.ask.reasoning
      return {
        id,
        type: 'reasoning',
        ...(shown === 'full' && !isOpen && { content: [{ type: 'reasoning_text', text }] }),
        summary: shown === 'summary' && !isOpen ? [{ type: 'summary_text', text }] : [],
      }
    }
    default:
      return kind satisfies never
  }
}

/** The response object: what was asked, said back, and what there is of the answer. */
function responseBody(head: AnswerHead, items: readonly Item[], end: End | undefined): object {
  const { echo } = head.ask
  const asked = (name: string, otherwise: unknown): unknown => echo[name] ?? otherwise
  const cutShort = end?.reason === 'length'
  const tools = Array.isArray(echo['tools']) ? echo['tools'] : []
  const reasoning = { effort: null, summary: null, ...asRecord(echo['reasoning']) }
  return {
    id: head.id,
    object: 'response',
    created_at: head.createdS,
    status: end === undefined ? 'in_progress' : cutShort ? 'incomplete' : 'completed',
    background: false,
    completed_at: end === undefined || cutShort ? null : Math.floor(head.wallMs() / 1000),
    error: null,
    frequency_penalty: 0,
    incomplete_details: cutShort ? { reason: 'max_output_tokens' } : null,
    instructions: asked('instructions', null),
    max_output_tokens: asked('max_output_tokens', null),
    max_tool_calls: null,
    model: head.model,
    output: items.map((item) => itemBody(head, item, false)),
    parallel_tool_calls: asked('parallel_tool_calls', true),
    presence_penalty: 0,
    previous_response_id: asked('previous_response_id', null),
    prompt_cache_key: asked('prompt_cache_key', null),
    prompt_cache_retention: asked('prompt_cache_retention', null),
    reasoning,
    safety_identifier: asked('safety_identifier', null),
    service_tier: end === undefined ? 'auto' : 'default',
    store: asked('store', true),
    temperature: asked('temperature', 1),
    text: { format: { type: 'text' }, verbosity: 'medium' },
    tool_choice: asked('tool_choice', 'auto'),
    tools,
    top_logprobs: 0,
    top_p: asked('top_p', 1),
    truncation: 'disabled',
    usage: end && head.reportsUsage ? responsesUsage(end.usage) : null,
    user: asked('user', null),
    metadata: asked('metadata', {}),
  }
}

function responsesUsage(usage: Usage): object {
  return {
    input_tokens: usage.promptTokens,
    input_tokens_details: { cached_tokens: usage.cachedTokens },
    output_tokens: usage.outputTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    total_tokens: usage.promptTokens + usage.outputTokens,
  }
}

function asRecord(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {}
}
