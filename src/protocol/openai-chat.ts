/** OpenAI chat completions over server-sent events; most hosted providers, vLLM, SGLang and llama.cpp speak it too. */
import { isFields, text, type Fields } from './fields.js'
import { readOpenaiError } from './openai-error.js'
import { readOpenaiHeaders } from './openai-headers.js'
import { encodeBody } from './openai-request.js'
import { decodeChunk, readFinish } from './openai-stream.js'
import type { OutputChannel, Protocol, StreamEvent } from './protocol.js'

export const openaiChat: Protocol = {
  name: 'openai-chat',
  framing: 'sse',
  encode: (ask, options) => ({
    path: '/chat/completions',
    headers: {},
    body: encodeBody({ messages: ask.messages }, ask, options),
  }),
  /** A role-only chunk holds no output: it ends `ttfe`, never `ttft`. */
  decode: (frame) => decodeChunk(frame, readChoice),
  endMarker: 'data: [DONE]',
  finishSuffices: true,
  readHeaders: readOpenaiHeaders,
  readError: readOpenaiError,
}

function readChoice(choice: Fields, events: StreamEvent[]): void {
  const { delta } = choice
  if (isFields(delta)) {
    // vLLM sends its reasoning under both names at once: it counts once.
    push('reasoning', text(delta.reasoning_content) ?? text(delta.reasoning), events)
    if (typeof delta.content === 'string') push('text', delta.content, events)
    else if (Array.isArray(delta.content)) readParts(delta.content, events)
    push('refusal', text(delta.refusal), events)
    if (Array.isArray(delta.tool_calls)) {
      for (const call of delta.tool_calls) if (isFields(call)) readCall(call.function, events)
    }
    readCall(delta.function_call, events) // before tool calls there was one function call
  }
  readFinish(choice, events)
}

function push(channel: OutputChannel, generated: string | undefined, events: StreamEvent[]): void {
  if (generated !== undefined && generated !== '') events.push({ kind: 'output', channel, text: generated })
}

/** A tool's name or a piece of its arguments; an id alone was not generated. */
function readCall(call: unknown, events: StreamEvent[]): void {
  if (isFields(call)) push('tool', (text(call.name) ?? '') + (text(call.arguments) ?? ''), events)
}

/** Mistral's reasoning models send content as a list: `{ type: 'thinking', thinking: [{ text }] }`, `{ type: 'text', text }`. */
function readParts(parts: readonly unknown[], events: StreamEvent[]): void {
  for (const part of parts) {
    if (!isFields(part)) continue
    if (part.type === 'thinking' && Array.isArray(part.thinking)) {
      for (const thought of part.thinking)
        if (isFields(thought)) push('reasoning', text(thought.text), events)
    } else {
      push('text', text(part.text), events)
    }
  }
}
