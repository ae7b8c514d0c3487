/** The reader of OTLP/JSON in bytes against the parser: the same spans, or it leaves the request to the parser. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createIntake } from '../../src/span/intake.js'
import { mapping } from '../../src/span/mapping.js'
import { readValue } from './read.js'
import type { Read } from './read.js'

/** Undefined where it is left to the parser. */
function readInBytes(bytes: Buffer): Read | undefined {
  const intake = createIntake()
  const isRead = intake.otlpText(bytes, 0, bytes.length)
  if (!isRead) {
    expect(intake.counts.seen).toBe(0)
    return undefined
  }
  intake.end()
  return { spans: intake.take(), counts: intake.counts }
}

function span(attributes: readonly unknown[], more: object = {}): object {
  return {
    traceId: '5b8efff798038103d269b633813fc60c',
    spanId: 'eee19b7ec3c1b174',
    parentSpanId: '',
    name: 'chat gpt-x',
    kind: 3,
    startTimeUnixNano: '1790000000123456789',
    endTimeUnixNano: '1790000002000000001',
    attributes,
    ...more,
  }
}

function request(spans: readonly object[], scope = 'app.llm'): object {
  const resource = {
    attributes: [
      { key: 'telemetry.sdk.name', value: { stringValue: 'opentelemetry' } },
      { key: 'service.name', value: { stringValue: 'shop' } },
    ],
  }
  return { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: scope }, spans }] }] }
}

const CALL = [
  { key: 'gen_ai.operation.name', value: { stringValue: 'chat' } },
  { key: 'gen_ai.request.model', value: { stringValue: 'gpt-x' } },
  { key: 'gen_ai.input.messages', value: { stringValue: '[{"role":"user","content":"say \\"hi\\"\\n"}]' } },
  { key: 'gen_ai.usage.input_tokens', value: { intValue: '812' } },
  { key: 'gen_ai.usage.output_tokens', value: { intValue: 64 } },
  { key: 'gen_ai.response.finish_reasons', value: { arrayValue: { values: [{ stringValue: 'stop' }] } } },
  { key: 'gen_ai.response.time_to_first_chunk', value: { doubleValue: 0.21320000000000003 } },
  { key: 'gen_ai.request.stream', value: { boolValue: true } },
]

describe('OTLP/JSON is read from its bytes', () => {
  it.each([
    ['a call, its prompt passed over', request([span(CALL)])],
    [
      'events and status',
      request([
        span(CALL, {
          events: [{ timeUnixNano: '1790000000500000000', name: 'new_token' }],
          status: { code: 2 },
        }),
      ]),
    ],
    [
      'what nothing is read from',
      request([span(CALL, { flags: 257, links: [{ traceId: 'x' }], traceState: null })]),
    ],
    ['no spans', { resourceSpans: [] }],
  ])('%s: as the parser does', (_, value) => {
    for (const indent of [0, 2]) {
      const found = readInBytes(Buffer.from(JSON.stringify(value, null, indent)))
      expect(found).toEqual(readValue(value))
    }
  })

  it.each([
    ['snake_case', request([{ trace_id: '5b8efff798038103d269b633813fc60c' }])],
    ['ids in base64', request([span(CALL, { traceId: 'W47/95gDgQPSabYzgT/GDA==' })])],
    ['kinds as names', request([span(CALL, { kind: 'SPAN_KIND_CLIENT' })])],
    ['moments as numbers', request([span(CALL, { startTimeUnixNano: 1_790_000_000 * 1e9 })])],
    ['an attribute without its wrapper', request([span([{ key: 'gen_ai.request.model', value: 'gpt-x' }])])],
    [
      'the value before its key',
      request([span([{ value: { stringValue: 'gpt-x' }, key: 'gen_ai.request.model' }])]),
    ],
    [
      'spans before their scope',
      { resourceSpans: [{ scopeSpans: [{ spans: [span(CALL)], scope: { name: 'ai' } }] }] },
    ],
    ['a span without an id', request([span(CALL), span(CALL, { spanId: '' })])],
    ['logs', { resourceLogs: [] }],
    ['a row', { TraceId: 'x', SpanName: 'chat' }],
    ['a list', [request([span(CALL)])]],
  ])('%s: left to the parser, and nothing is taken twice', (_, value) => {
    expect(readInBytes(Buffer.from(JSON.stringify(value)))).toBeUndefined()
  })

  it('cut off anywhere: left to the parser', () => {
    const whole = Buffer.from(JSON.stringify(request([span(CALL), span(CALL)])))
    for (let end = 0; end < whole.length; end += 7)
      expect(readInBytes(whole.subarray(0, end))).toBeUndefined()
  })
})

const keys = [
  ...Object.values(mapping).flatMap((rows) => rows.map((row) => (typeof row === 'string' ? row : row[0]))),
  'app.note',
  'ключ',
  'a"quote',
]
const word = fc.oneof(
  fc.string({ maxLength: 80 }),
  fc.constantFrom(
    'chat',
    'gpt-x',
    '12',
    '007',
    '0.5',
    '-3',
    'true',
    'naïve ☕',
    '{"stream":true}',
    '"x"',
    '\\',
    '\n',
  ),
)
const bare = fc.oneof(
  fc.record({ stringValue: word }),
  fc.record({
    intValue: fc.oneof(fc.integer(), fc.integer().map(String), fc.constantFrom('9007199254740993', '', '01')),
  }),
  fc.record({ doubleValue: fc.oneof(fc.double(), fc.constantFrom('NaN', 1e300, 0.1, 12.5)) }),
  fc.record({ boolValue: fc.boolean() }),
  fc.constantFrom({}, { bytesValue: 'AA==' }, { kvlistValue: { values: [] } }, { stringValue: null }),
)
const anyValue = fc.oneof(
  { weight: 5, arbitrary: bare },
  fc.record({ arrayValue: fc.record({ values: fc.array(bare, { maxLength: 3 }) }) }),
)
const attribute = fc.record({ key: fc.constantFrom(...keys), value: anyValue })
const anySpan = fc
  .tuple(
    fc.array(attribute, { maxLength: 20 }),
    fc.dictionary(fc.constantFrom('flags', 'x', 'links'), fc.jsonValue()),
  )
  .map(([attributes, more]) => span([...CALL, ...attributes], more))

describe('whatever the attributes', () => {
  it('the same spans as from the parser, or none', () => {
    let read = 0
    fc.assert(
      fc.property(fc.array(anySpan, { maxLength: 3 }), word, (spans, scope) => {
        const value: unknown = JSON.parse(JSON.stringify(request(spans, scope)))
        const found = readInBytes(Buffer.from(JSON.stringify(value)))
        if (found === undefined) return
        read++
        expect(found).toEqual(readValue(value))
      }),
      { numRuns: 150 },
    )
    expect(read).toBeGreaterThan(30)
  })

  it('a byte changed: no throw, and the same where both can read it', () => {
    const whole = Buffer.from(JSON.stringify(request([span(CALL)])))
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
        const bytes = Buffer.from(whole)
        bytes[at] = byte
        const found = readInBytes(bytes)
        let value: unknown
        try {
          value = JSON.parse(bytes.toString('utf8'))
        } catch {
          return
        }
        if (found !== undefined) expect(found).toEqual(readValue(value))
      }),
      { numRuns: 400 },
    )
  })
})
