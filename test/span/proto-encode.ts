/** Writes OTLP's protobuf, for tests: an encoder that shares nothing with the reader under test. */
import type { OtlpAttributes, OtlpGroup, OtlpSpan, OtlpValue } from '../../src/span/otlp-envelope.js'

const KINDS = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 } as const

export function encodeRequest(groups: readonly OtlpGroup[]): Buffer {
  return Buffer.concat(
    groups.map((group) =>
      message(
        1,
        message(1, ...attributes(1, group.resource)),
        message(
          2,
          message(1, text(1, group.scope.name)),
          ...group.spans.map((span) => message(2, ...encodeSpan(span))),
        ),
      ),
    ),
  )
}

function encodeSpan(span: OtlpSpan): Buffer[] {
  return [
    bytes(1, Buffer.from(span.traceId, 'hex')),
    bytes(2, Buffer.from(span.spanId, 'hex')),
    ...(span.parentSpanId === undefined ? [] : [bytes(4, Buffer.from(span.parentSpanId, 'hex'))]),
    text(5, span.name),
    number(6, BigInt(KINDS[span.kind])),
    time(7, span.startMs),
    time(8, span.endMs),
    ...attributes(9, span.attributes),
    ...(span.events ?? []).map((event) =>
      message(11, time(1, event.atMs), text(2, event.name), ...attributes(3, event.attributes ?? {})),
    ),
    ...(span.status === undefined
      ? []
      : [message(15, text(2, span.status.message ?? ''), number(3, span.status.code === 'ok' ? 1n : 2n))]),
  ]
}

function attributes(field: number, map: OtlpAttributes): Buffer[] {
  return Object.entries(map).flatMap(([key, value]) =>
    value === undefined ? [] : [message(field, text(1, key), message(2, ...any(value)))],
  )
}

function any(value: OtlpValue): Buffer[] {
  if (typeof value === 'string') return [text(1, value)]
  if (typeof value === 'boolean') return [number(2, value ? 1n : 0n)]
  if (typeof value === 'number')
    return [Number.isSafeInteger(value) ? number(3, BigInt(value)) : double(4, value)]
  return [message(5, ...value.map((item) => message(1, ...any(item))))]
}

export function message(field: number, ...parts: readonly Buffer[]): Buffer {
  return bytes(field, Buffer.concat(parts))
}

export function text(field: number, value: string): Buffer {
  return bytes(field, Buffer.from(value))
}

export function bytes(field: number, value: Buffer): Buffer {
  return Buffer.concat([varint(BigInt(field * 8 + 2)), varint(BigInt(value.length)), value])
}

export function number(field: number, value: bigint): Buffer {
  return Buffer.concat([varint(BigInt(field * 8)), varint(BigInt.asUintN(64, value))])
}

function double(field: number, value: number): Buffer {
  const buffer = Buffer.alloc(8)
  buffer.writeDoubleLE(value)
  return Buffer.concat([varint(BigInt(field * 8 + 1)), buffer])
}

function time(field: number, ms: number): Buffer {
  const buffer = Buffer.alloc(8)
  const whole = Math.floor(ms)
  buffer.writeBigUInt64LE(BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1e6)))
  return Buffer.concat([varint(BigInt(field * 8 + 1)), buffer])
}

function varint(value: bigint): Buffer {
  const out: number[] = []
  let rest = value
  for (; rest >= 0x80n; rest >>= 7n) out.push(Number(rest & 0x7fn) | 0x80)
  return Buffer.from([...out, Number(rest)])
}
