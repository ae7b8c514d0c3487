/** OpenAI's older text completions over server-sent events: no chat template between the prompt and the model. */
import { text, type Fields } from './fields.js'
import { readErrorBody } from './error-body.js'
import { readHeaders } from './headers.js'
import { encodeBody } from './openai-request.js'
import { decodeChunk, readFinish } from './openai-stream.js'
import type { Protocol, StreamEvent } from './protocol.js'

export const openaiCompletions: Protocol = {
  name: 'openai-completions',
  framing: 'sse',
  keyHeader: 'authorization',
  encode(ask, options) {
    const prompt = ask.messages.map((message) => message.content).join('\n\n')
    // Chat alone knows max_completion_tokens.
    const quirks = { ...options.quirks, maxTokensField: 'max_tokens' } as const
    return { path: '/completions', headers: {}, body: encodeBody({ prompt }, ask, { ...options, quirks }) }
  },
  decode: (frame) => decodeChunk(frame, readChoice),
  endMarker: 'data: [DONE]',
  finishSuffices: true,
  readHeaders,
  readError: readErrorBody,
}

function readChoice(choice: Fields, events: StreamEvent[]): void {
  const generated = text(choice.text)
  if (generated !== undefined) events.push({ kind: 'output', channel: 'text', text: generated })
  readFinish(choice, events)
}
