/** llama.cpp's own `/completion` over server-sent events: no chat template, the slot named, times of its own. */
import { readErrorBody } from './error-body.js'
import { pushOutput, pushRoute, pushUsage, readObject, readStreamError } from './event.js'
import { count, text, type Fields } from './fields.js'
import { readHeaders } from './headers.js'
import { readLlamaTimings } from './openai-stream.js'
import type { Frame, Protocol, StreamEvent } from './protocol.js'

export const llamaCpp: Protocol = {
  name: 'llama-cpp',
  framing: 'sse',
  keyHeader: 'authorization',
  encode: (ask, { quirks, body }) => ({
    path: '/completion',
    headers: {},
    body: JSON.stringify({
      prompt: ask.messages.map(({ content }) => content).join('\n\n'),
      n_predict: ask.outputTokens,
      stream: true,
      // Its default has changed: a warm prefix needs it, and a fresh one is fresh by its nonce.
      cache_prompt: true,
      ...(quirks.temperature !== null && { temperature: quirks.temperature }),
      ...(quirks.ignoreEos && { ignore_eos: true }),
      ...body,
    }),
  }),
  decode,
  // `"stop": true` stands anywhere in the last event, which is the end of the body as well.
  endMarker: null,
  finishSuffices: false,
  readHeaders,
  readError: readErrorBody,
}

function decode(frame: Frame): StreamEvent[] {
  if (frame.data.trim() === '[DONE]') return [] // some builds send it behind the end
  const read = readObject(frame)
  if ('events' in read) return read.events
  const event = read.object
  const events: StreamEvent[] = []
  pushOutput('text', event.content, events)
  if (event.stop === true) readEnd(event, events)
  readStreamError(frame, event, events)
  return events
}

/** The last event. `tokens_evaluated` is the whole prompt; only `timings` tells what of it came from the cache. */
function readEnd(event: Fields, events: StreamEvent[]): void {
  pushUsage(
    { promptTokens: count(event.tokens_evaluated), outputTokens: count(event.tokens_predicted) },
    events,
  )
  if (event.timings !== undefined) readLlamaTimings(event.timings, events)
  const slot = count(event.id_slot) ?? count(event.slot_id)
  pushRoute(
    { model: text(event.model), ...(slot !== undefined && { raw: { id_slot: String(slot) } }) },
    events,
  )
  events.push({ kind: 'finish', reason: reasonOf(event) }, { kind: 'end' })
}

/** `stop_type` since the end of 2024; a flag for each reason before. */
function reasonOf(event: Fields): string {
  if (event.stopped_limit === true) return 'limit'
  if (event.stopped_eos === true) return 'eos'
  return text(event.stop_type) ?? (event.stopped_word === true ? 'word' : 'stop')
}
