/** The request body that both OpenAI protocols send. */
import type { Ask, EncodeOptions } from './protocol.js'

/** JSON of the body: `input` (messages or prompt), what every request has, what the server's quirks allow, then the target's own fields, which win. */
export function encodeBody(
  input: Readonly<Record<string, unknown>>,
  ask: Ask,
  { model, quirks, body }: EncodeOptions,
): string {
  return JSON.stringify({
    model,
    ...input,
    [quirks.maxTokensField]: ask.outputTokens,
    ...(quirks.temperature !== null && { temperature: quirks.temperature }),
    stream: true,
    ...(quirks.streamOptions && { stream_options: { include_usage: true } }),
    ...(quirks.ignoreEos && { ignore_eos: true }),
    ...body,
  })
}
