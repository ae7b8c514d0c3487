/** The reader of OTLP's protobuf: attributes as everybody writes them are read in one go, and any others come to the same. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createIntake } from '../../src/span/intake.js'
import { mapping } from '../../src/span/mapping.js'
import { bytes, message, number, text } from './proto-encode.js'
import { readValue } from './read.js'
import type { Read } from './read.js'

type Value = string | number | boolean | readonly (string | number | boolean)[]
interface Attribute {
  key: string
  value: Value
}

const ID = '5b8efff798038103d269b633813fc60c'
const SPAN = 'eee19b7ec3c1b174'

function readProto(request: Uint8Array): Read {
  const intake = createIntake()
  if (!intake.otlpProto(request)) intake.fault('malformed protobuf')
  intake.end()
  return { spans: intake.take(), counts: intake.counts }
}

function fixed64(field: number, write: (into: Buffer) => void): Buffer {
  const buffer = Buffer.alloc(9, field * 8 + 1)
  write(buffer)
  return buffer
}

function any(value: Value): Buffer {
  if (typeof value === 'string') return text(1, value)
  if (typeof value === 'boolean') return number(2, value ? 1n : 0n)
  if (typeof value === 'number')
    return Number.isSafeInteger(value)
      ? number(3, BigInt(value))
      : fixed64(4, (into) => void into.writeDoubleLE(value, 1))
  return message(5, ...value.map((item) => message(1, any(item))))
}

/** Ways to write the same attribute; the first is everybody's. */
const WRITINGS: readonly ((attribute: Attribute) => Buffer)[] = [
  ({ key, value }) => Buffer.concat([text(1, key), message(2, any(value))]),
  ({ key, value }) => Buffer.concat([number(7, 1n), text(1, key), message(2, any(value))]),
  ({ key, value }) => Buffer.concat([text(1, key), text(9, 'x'), message(2, any(value)), number(7, 300n)]),
  ({ key, value }) => Buffer.concat([text(1, key), message(2, number(99, 1n), any(value))]),
  ({ key, value }) => Buffer.concat([text(1, key), message(2, any(value), text(77, 'x'))]),
  // The last of several values holds, as protobuf has it.
  ({ key, value }) => Buffer.concat([text(1, key), message(2, any('no'), any(value))]),
  ({ key, value }) => Buffer.concat([text(1, key), padded(0x12, any(value))]),
  ({ key, value }) => Buffer.concat([padded(0x0a, Buffer.from(key)), message(2, any(value))]),
]

/** A length of three bytes, where one would do. */
function padded(tag: number, value: Buffer): Buffer {
  const { length } = value
  return Buffer.concat([
    Buffer.from([tag, (length & 0x7f) | 0x80, ((length >> 7) & 0x7f) | 0x80, length >> 14]),
    value,
  ])
}

function body(attributes: readonly Attribute[], write: (index: number) => (of: Attribute) => Buffer): Buffer {
  const span = [
    bytes(1, Buffer.from(ID, 'hex')),
    bytes(2, Buffer.from(SPAN, 'hex')),
    text(5, 'chat'),
    number(6, 3n),
    fixed64(7, (into) => void into.writeBigUInt64LE(1_790_000_000_123_456_789n, 1)),
    fixed64(8, (into) => void into.writeBigUInt64LE(1_790_000_002_000_000_001n, 1)),
    ...attributes.map((attribute, i) => message(9, write(i)(attribute))),
  ]
  return message(1, message(2, message(1, text(1, 'app')), message(2, ...span)))
}

function json(attributes: readonly Attribute[]): object {
  const valueOf = (value: Value): object => {
    if (typeof value === 'string') return { stringValue: value }
    if (typeof value === 'boolean') return { boolValue: value }
    if (typeof value === 'number')
      return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value }
    return { arrayValue: { values: value.map(valueOf) } }
  }
  const span = {
    traceId: ID,
    spanId: SPAN,
    name: 'chat',
    kind: 3,
    startTimeUnixNano: '1790000000123456789',
    endTimeUnixNano: '1790000002000000001',
    attributes: attributes.map(({ key, value }) => ({ key, value: valueOf(value) })),
  }
  return { resourceSpans: [{ scopeSpans: [{ scope: { name: 'app' }, spans: [span] }] }] }
}

const CALL: readonly Attribute[] = [
  { key: 'gen_ai.operation.name', value: 'chat' },
  { key: 'gen_ai.request.model', value: 'gpt-x' },
  { key: 'gen_ai.usage.input_tokens', value: 812 },
  { key: 'gen_ai.usage.output_tokens', value: 64 },
]
const keys = [
  ...Object.values(mapping).flatMap((rows) => rows.map((row) => (typeof row === 'string' ? row : row[0]))),
  'app.note',
  'ключ',
  'k',
  '',
]
const one = fc.oneof(
  fc.constantFrom<string | number | boolean>(
    'chat',
    'gpt-x',
    '12',
    'naïve ☕',
    '',
    'a'.repeat(127),
    'b'.repeat(300),
  ),
  fc.constantFrom<string | number | boolean>(
    0,
    1,
    127,
    128,
    16_383,
    16_384,
    -1,
    2 ** 40,
    0.2132,
    -0.5,
    true,
    false,
  ),
  fc.string({ maxLength: 60, unit: 'grapheme' }),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((x) => !Object.is(x, -0)),
)
const attribute = fc.record({
  key: fc.constantFrom(...keys),
  value: fc.oneof({ weight: 5, arbitrary: one }, fc.array(one, { maxLength: 3 })),
})

describe('OTLP protobuf', () => {
  it('whatever the attributes: the same span as from JSON, however each is written', () => {
    fc.assert(
      fc.property(
        fc.array(attribute, { maxLength: 20 }),
        fc.infiniteStream(fc.nat(WRITINGS.length - 1)),
        (more, ways) => {
          const attributes = [...CALL, ...more]
          const expected = readValue(json(attributes))
          expect(expected.counts.seen).toBe(1)
          expect(readProto(body(attributes, () => WRITINGS[0]!))).toEqual(expected)
          expect(readProto(body(attributes, () => WRITINGS[ways.next().value]!))).toEqual(expected)
        },
      ),
      { numRuns: 120 },
    )
  })

  it('a length that lies by one, in any byte of an attribute: counted as broken, or read as its bytes say; no throw', () => {
    const whole = body(CALL, () => WRITINGS[0]!)
    for (let at = 0; at < whole.length; at++) {
      for (const by of [1, 0x80]) {
        const lying = Buffer.from(whole)
        lying[at] = (lying[at]! + by) & 0xff
        const { spans, counts } = readProto(lying)
        const faults = Object.values(counts.faults).reduce((sum, count) => sum + count, 0)
        expect(spans.length + counts.other + faults).toBeLessThanOrEqual(2)
        for (const { traceId } of spans) expect(traceId).toHaveLength(32)
      }
    }
  })

  it('a text that is no UTF-8 comes to the same where it is kept for the next span and where it is not', () => {
    const broken = Buffer.from([0x67, 0xff, 0xfe, 0x70, 0xc3])
    const first = body(
      CALL,
      () =>
        ({ key }) =>
          Buffer.concat([text(1, key), message(2, bytes(1, broken))]),
    )
    const twice = Buffer.concat([first, first.subarray()])
    const { spans } = readProto(Buffer.concat([body(CALL, () => WRITINGS[0]!), twice]))
    for (const { modelRequested } of spans.slice(1)) expect(modelRequested).toBe(broken.toString('utf8'))
  })
})

describe('a span that waits for its trace', () => {
  it('comes out as one that does not wait, long texts and moments of chunks included', () => {
    const long = fc.constantFrom('x'.repeat(1024), 'x'.repeat(1025), `["${'y'.repeat(1100)}"]`, 'timeout')
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.array(attribute, { maxLength: 6 }), long, fc.nat(3)), {
          minLength: 1,
          maxLength: 8,
        }),
        (drawn) => {
          const requests = drawn.map(([more, error, chunks], i) => {
            const value: unknown = JSON.parse(
              JSON.stringify(json([...CALL, ...more, { key: 'error.type', value: error }]))
                .replace(ID, ID.slice(0, 24) + String(i).padStart(8, '0'))
                .replace(
                  '"kind":3',
                  `"kind":3,"events":[${Array.from({ length: chunks }, (_, k) => `{"timeUnixNano":"179000000050000000${k}","name":"new_token"}`).join(',')}]`,
                ),
            )
            return value
          })
          const read = (window: number): Read => {
            const intake = createIntake({ window })
            for (const request of requests) intake.value(request)
            intake.end()
            return { spans: intake.take(), counts: intake.counts }
          }
          expect(read(10_000)).toEqual(read(0))
          expect(read(2)).toEqual(read(0))
        },
      ),
      { numRuns: 40 },
    )
  })
})
