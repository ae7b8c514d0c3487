/** Whatever a server sends, a decoder answers with events: it never throws, and never says more than it was told. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Protocol, StreamEvent } from '../../src/protocol/protocol.js'
import { protocols } from '../../src/run/tables.js'

// Names that decoders look for, with values of every kind under them.
const NAMES = [
  ...[
    'type',
    'delta',
    'text',
    'content',
    'choices',
    'usage',
    'message',
    'response',
    'item',
    'error',
    'name',
    'model',
  ],
  ...[
    'candidates',
    'parts',
    'usageMetadata',
    'content_block',
    'input_tokens',
    'output_tokens',
    'cached_tokens',
  ],
  ...[
    'cache_creation',
    'prompt_tokens_details',
    'timings',
    'x_groq',
    'perf_metrics',
    'tool_calls',
    'function',
  ],
  ...[
    'functionCall',
    'args',
    'done',
    'metadata',
    'reasoningContent',
    'toolUse',
    'stop',
    'incomplete_details',
  ],
]
const TYPES = [
  ...[
    'message_start',
    'message_delta',
    'content_block_start',
    'content_block_delta',
    'message_stop',
    'error',
  ],
  ...['response.created', 'response.output_text.delta', 'response.output_item.added', 'response.completed'],
  ...[
    'response.incomplete',
    'response.failed',
    'text_delta',
    'input_json_delta',
    'tool_use',
    'function_call',
  ],
]

const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    fc.constantFrom<unknown>(null, true, 0, 12, -1, 1e308, 0.5, '', 'a', '__proto__', ...TYPES),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...NAMES), tie('value'), { maxKeys: 5 }),
  ),
}))
const frame = fc.record({
  name: fc.constantFrom(undefined, 'error', 'messageStart', 'contentBlockDelta', 'metadata', ...TYPES),
  data: fc.oneof(
    {
      weight: 8,
      arbitrary: fc.dictionary(fc.constantFrom(...NAMES), value).map((object) => JSON.stringify(object)),
    },
    { weight: 1, arbitrary: value.map((any) => JSON.stringify(any)) },
    { weight: 1, arbitrary: fc.string() },
  ),
})

function check(event: StreamEvent): void {
  if (event.kind === 'output') expect(event.text).not.toBe('')
  if (event.kind === 'finish') expect(event.reason).not.toBe('')
  if (event.kind === 'error') expect(typeof event.message).toBe('string')
  if (event.kind !== 'usage') return
  expect(Object.keys(event.usage).length).toBeGreaterThan(0)
  for (const counted of Object.values(event.usage))
    for (const count of typeof counted === 'object' ? Object.values(counted) : [counted])
      expect(Number.isInteger(count) && count >= 0).toBe(true)
}

describe.each<Protocol>(Object.values(protocols))('$name', (protocol) => {
  it('any event gives events: no exception, no empty output, no count that is none', () => {
    fc.assert(
      fc.property(frame, ({ name, data }) => {
        for (const event of protocol.decode(name === undefined ? { data } : { name, data })) check(event)
      }),
      { numRuns: 1000 },
    )
  })

  it('any error body gives a sentence of at most 501 characters or none', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          value.map((any) => JSON.stringify(any)),
          fc.string({ maxLength: 2000 }),
        ),
        (body) => {
          const message = protocol.readError(body)?.message
          if (message !== undefined) expect(message.length).toBeLessThanOrEqual(501)
        },
      ),
      { numRuns: 300 },
    )
  })
})
