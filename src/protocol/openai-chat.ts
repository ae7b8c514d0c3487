/** OpenAI chat completions over server-sent events; most hosted providers, vLLM, SGLang and llama.cpp speak it too. */
import { isFields, text, type Fields } from './fields.js'
import { readErrorBody } from './error-body.js'
import { readHeaders } from './headers.js'
import { encodeBody } from './openai-request.js'
import { decodeChunk, readFinish } from './openai-stream.js'
import { pushOutput } from './event.js'
import type { Protocol, StreamEvent } from './protocol.js'

export const openaiChat: Protocol = {
  name: 'openai-chat',
  framing: 'sse',
  keyHeader: 'authorization',
  encode: (ask, options) => ({
    path: '/chat/completions',
    headers: {},
    body: encodeBody({ messages: ask.messages }, ask, options),
  }),
  /** A role-only chunk holds no output: it ends `ttfe`, never `ttft`. */
  decode: (frame) => decodeChunk(frame, readChoice),
  endMarker: 'data: [DONE]',
  finishSuffices: true,
  readHeaders,
  readError: readErrorBody,
}

function readChoice(choice: Fields, events: StreamEvent[]): void {
  const { delta } = choice
  if (isFields(delta)) {
    // vLLM sends its reasoning under both names at once: it counts once.
    const thought = text(delta.reasoning_content) ?? text(delta.reasoning)
    pushOutput(isSummary(delta) ? 'summary' : 'reasoning', thought, events)
    if (isSigned(delta)) events.push({ kind: 'hidden' })
    if (Array.isArray(delta.content)) readParts(delta.content, events)
    else pushOutput('text', delta.content, events)
    pushOutput('refusal', delta.refusal, events)
    // Text Generation Inference sends one call by itself, without a list.
    const calls: unknown = isFields(delta.tool_calls) ? [delta.tool_calls] : delta.tool_calls
    if (Array.isArray(calls)) {
      for (const call of calls) if (isFields(call)) readCall(call.function, events)
    }
    readCall(delta.function_call, events) // before tool calls there was one function call
  }
  readFinish(choice, events)
}

/** OpenRouter passes summaries of models that hide their reasoning, and says so beside them. */
function isSummary({ reasoning_details: details }: Fields): boolean {
  return (
    Array.isArray(details) &&
    details.some((detail) => isFields(detail) && detail.type === 'reasoning.summary')
  )
}

/**
 * Signed or encrypted: so is only reasoning that its vendor hides, of which a reader gets a summary at most. OpenRouter
 * tells it in `reasoning_details`, LiteLLM in `thinking_blocks`.
 */
function isSigned({ reasoning_details: details, thinking_blocks: blocks }: Fields): boolean {
  if (details === undefined && blocks === undefined) return false // as in almost every chunk
  const parts: unknown[] = [details, blocks].flatMap((list: unknown) => (Array.isArray(list) ? list : []))
  return parts.filter(isFields).some(({ type, signature }) => {
    const isSealed = type === 'reasoning.encrypted' || type === 'redacted_thinking'
    return isSealed || text(signature) !== undefined
  })
}

/** A tool's name or a piece of its arguments; an id alone was not generated. */
function readCall(call: unknown, events: StreamEvent[]): void {
  if (isFields(call)) pushOutput('tool', (text(call.name) ?? '') + (text(call.arguments) ?? ''), events)
}

/** Mistral's reasoning models send content as a list: `{ type: 'thinking', thinking: [{ text }] }`, `{ type: 'text', text }`. */
function readParts(parts: readonly unknown[], events: StreamEvent[]): void {
  for (const part of parts) {
    if (!isFields(part)) continue
    if (part.type === 'thinking' && Array.isArray(part.thinking)) {
      for (const thought of part.thinking)
        if (isFields(thought)) pushOutput('reasoning', thought.text, events)
    } else {
      pushOutput('text', part.text, events)
    }
  }
}
