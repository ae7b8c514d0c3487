/** What tests of several protocols share: an ask, its options, and decoding of one event. */
import type { Ask, EncodeOptions, Protocol, StreamEvent } from '../../src/protocol/protocol.js'

export const options: EncodeOptions = {
  model: 'm',
  quirks: { maxTokensField: 'max_tokens', streamOptions: true, ignoreEos: false, temperature: null },
  body: {},
}

export const conversation: Ask = {
  messages: [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Hi' },
    { role: 'assistant', content: 'Hello' },
    { role: 'user', content: 'Bye' },
  ],
  outputTokens: 32,
}

export const ask: Ask = { messages: [{ role: 'user', content: 'prefix and suffix' }], outputTokens: 32 }

/** Path, headers and the parsed body. */
export function sent(protocol: Protocol, asked: Ask, changes: Partial<EncodeOptions> = {}) {
  const { path, headers, body } = protocol.encode(asked, { ...options, ...changes })
  return { path, headers, body: JSON.parse(body) as Record<string, unknown> }
}

export function decode(protocol: Protocol, event: unknown, name?: string): StreamEvent[] {
  const data = typeof event === 'string' ? event : JSON.stringify(event)
  return protocol.decode(name === undefined ? { data } : { name, data })
}

export const output = (channel: string, text: string): unknown => ({ kind: 'output', channel, text })
