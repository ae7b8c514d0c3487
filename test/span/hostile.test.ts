/** Whatever the bytes are, they are counted and stop nothing. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { gzipSync } from 'node:zlib'
import { createIntake } from '../../src/span/intake.js'
import { otlpLine, otlpRequest } from '../../src/span/otlp-envelope.js'
import { readStream } from '../../src/span/read-spans.js'
import { benchGroups, benchLine } from '../bench/span-stream.js'
import { bytes, encodeRequest, message, number, text } from './proto-encode.js'
import { readBytes, readText, readValue } from './read.js'
import { zstdBomb, zstdRaw } from './zstd.js'

describe('lines', () => {
  it('blank lines before the first call, longer than any chunk, are passed over', async () => {
    const { spans, counts } = await readText(
      `${`${' '.repeat(999)}\n`.repeat(200)}${benchLine(0, 1)}\n`,
      65_536,
    )
    expect([spans.length, counts.faults]).toEqual([1, {}])
    expect(await readText(' \n'.repeat(50_000))).toMatchObject({ spans: [], counts: { faults: {} } })
  })

  it('a source that uses its memory again loses nothing of a first chunk of 10 bytes', async () => {
    const line = Buffer.from(`${benchLine(0, 1)}\n`)
    async function* again(): AsyncGenerator<Uint8Array> {
      const memory = Buffer.alloc(line.length)
      for (const [from, to] of [
        [0, 10],
        [10, line.length],
      ] as const) {
        line.copy(memory, 0, from, to)
        yield await Promise.resolve(memory.subarray(0, to - from))
      }
    }
    const intake = createIntake()
    const spans: unknown[] = []
    for await (const batch of readStream(again(), intake)) spans.push(...batch)
    intake.end()
    expect([spans.length + intake.take().length, intake.counts.faults]).toEqual([1, {}])
  })

  it('a source that nothing more is wanted from is closed', async () => {
    let isClosed = false
    async function* picture(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield await Promise.resolve(Buffer.from('\x89PNG and so on, for as long as one likes'))
      } finally {
        isClosed = true
      }
    }
    for await (const _ of readStream(picture(), createIntake()));
    expect(isClosed).toBe(true)
  })

  it.each([
    [
      'a record of 3 million years',
      '{"model":"m","endTime":"2026-01-01T00:00:00Z","duration_ms":1e17,"input_tokens":10,"output_tokens":10}',
    ],
    [
      'a span of the year 300 million',
      benchLine(0, 1).replaceAll(
        /"(start|end)TimeUnixNano":"\d+"/g,
        '"$1TimeUnixNano":"9999999999999999999999999"',
      ),
    ],
  ])('%s has no moment that a date could not hold', async (_, line) => {
    const { spans } = await readText(`${line}\n`)
    for (const { startedAtMs, durationMs } of spans) {
      expect(new Date(startedAtMs).toISOString()).not.toBe('')
      expect(new Date(startedAtMs + durationMs).toISOString()).not.toBe('')
    }
  })

  it('broken lines among whole ones are counted, and the last, cut off, is told apart', async () => {
    const { spans, counts } = await readText(
      [
        benchLine(0, 1),
        '{"resourceSpans":[',
        '',
        'null',
        '[]',
        '"text"',
        benchLine(1, 1),
        benchLine(2, 1).slice(0, 300),
      ].join('\n'),
    )
    expect(spans).toHaveLength(2)
    expect(counts.faults).toEqual({
      'malformed JSON': 1,
      'a value that is no object': 2,
      'a record that ends early': 1,
    })
  })

  it('a mixed file: metrics are passed over, logs are looked through', async () => {
    const { spans, counts } = await readText(
      [benchLine(0, 1), '{"resourceMetrics":[{}]}', '{"resourceLogs":[]}', benchLine(1, 1)].join('\n'),
    )
    expect(spans).toHaveLength(2)
    expect(counts.faults).toEqual({})
  })

  it('malformed spans are counted by what is wrong with them; their neighbours come out', () => {
    const request = JSON.parse(JSON.stringify(otlpRequest(benchGroups(0, 4)))) as {
      resourceSpans: { scopeSpans: { spans: Record<string, unknown>[] }[] }[]
    }
    const spans = request.resourceSpans[0]?.scopeSpans[0]?.spans ?? []
    Object.assign(spans[0] ?? {}, { traceId: '0'.repeat(32) })
    Object.assign(spans[1] ?? {}, { endTimeUnixNano: 'soon' })
    spans.push(null as never)
    const read = readValue(request)
    expect(read.spans).toHaveLength(2)
    expect(read.counts).toMatchObject({
      seen: 5,
      faults: {
        'a span without a valid trace and span id': 1,
        'a span without start and end': 1,
        'a span that is no object': 1,
      },
    })
  })

  it('__proto__ as a key changes nothing', async () => {
    const line = benchLine(0, 1).replace('{"resourceSpans"', '{"__proto__":{"polluted":1},"resourceSpans"')
    const { spans } = await readText(`${line}\n{"__proto__":{"polluted":1},"model":"gpt-x","input_tokens":5}`)
    expect(spans).toHaveLength(2)
    expect({}).not.toHaveProperty('polluted')
  })
})

describe('a document that is longer than fits', () => {
  /** 9 MB in one JSON document. */
  const count = 4800
  const groups = Array.from({ length: 48 }, (_, i) => benchGroups(i * 100, 100)).flat()

  it('is taken apart as it arrives: each span in its own envelope, with resource and scope', async () => {
    const { spans, counts } = await readText(otlpLine(groups))
    expect(counts).toMatchObject({ seen: count, spans: count, faults: {} })
    expect(spans.every(({ service }) => service === 'shop')).toBe(true)
  })

  it('indented, in chunks of 1,000 bytes, the same', async () => {
    const { counts } = await readText(JSON.stringify(otlpRequest(groups), null, 1), 1000)
    expect(counts).toMatchObject({ seen: count, spans: count, faults: {} })
  })

  it('cut off: what came before the cut comes out', async () => {
    const whole = otlpLine(groups)
    const { spans, counts } = await readText(whole.slice(0, Math.floor(whole.length * 0.9)))
    expect(spans.length).toBeGreaterThan(count * 0.85)
    expect(counts.faults).toEqual({ 'a document that ends early': 1 })
  })

  it('Jaeger: a trace at a time, with the processes behind its spans; a list of records', async () => {
    const trace = (i: number) => ({
      traceID: (i + 1).toString(16).padStart(32, '0'),
      spans: [
        {
          traceID: (i + 1).toString(16).padStart(32, '0'),
          spanID: '00000000000000a1',
          operationName: 'chat "quoted \\" {[" ',
          processID: 'p1',
          startTime: 1_790_000_000_000_000,
          duration: 2_000_000,
          tags: [
            { key: 'gen_ai.operation.name', value: 'chat' },
            { key: 'pad', value: 'x'.repeat(9000) },
          ],
        },
      ],
      processes: { p1: { serviceName: 'shop' } },
    })
    const jaeger = JSON.stringify({ data: Array.from({ length: 1000 }, (_, i) => trace(i)), total: 0 })
    const { spans, counts } = await readText(jaeger)
    expect(counts).toMatchObject({ spans: 1000, faults: {} })
    expect(spans.every(({ service }) => service === 'shop')).toBe(true)
    const record = { model: 'gpt-x', input_tokens: 5, note: 'x'.repeat(9000) }
    const list = await readText(
      JSON.stringify(
        Array.from({ length: 1000 }, () => record),
        null,
        2,
      ),
    )
    expect(list.counts).toMatchObject({ spans: 1000, faults: {} })
  })

  it('1,000,000 deep is refused', async () => {
    const { counts } = await readText(`{"a":${'['.repeat(10_000_000)}`)
    expect(counts.faults).toEqual({ 'JSON nested more than 100 deep': 1 })
  })
})

describe('compressed', () => {
  it('250 MB of zeros in gzip or zstd are named and end nothing', async () => {
    for (const bomb of [gzipSync(Buffer.alloc(250 * 1024 * 1024)), zstdBomb(2000)]) {
      const { spans, counts } = await readBytes(bomb)
      expect(spans).toEqual([])
      expect(Object.keys(counts.faults)).toEqual([
        'a file that is neither JSON nor OTLP protobuf, gzip or zstd',
      ])
    }
  })

  it('a stream that ends early gives what it held', async () => {
    const lines = Array.from({ length: 200 }, (_, i) => benchLine(i, 1)).join('\n')
    const whole = gzipSync(lines, { level: 0 })
    const { spans, counts } = await readBytes(whole.subarray(0, whole.length / 2))
    expect(spans.length).toBeGreaterThan(50)
    expect(Object.keys(counts.faults)[0]).toMatch(/^a file that breaks off/)
  })

  it('a window of 2 GB is refused before it is made', async () => {
    const frame = zstdRaw(Buffer.from(benchLine(0, 1)))
    frame[5] = (31 - 10) << 3
    const { counts } = await readBytes(frame)
    expect(Object.keys(counts.faults)[0]).toMatch(/^a file that breaks off/)
  })
})

describe('protobuf', () => {
  const request = encodeRequest(benchGroups(0, 3))

  it('unknown fields, nested lists and maps, negative and large numbers are read over', () => {
    const int = (value: bigint) =>
      message(9, text(1, 'gen_ai.usage.input_tokens'), message(2, number(3, value)))
    const span = (...attributes: Buffer[]) =>
      message(
        2,
        bytes(1, Buffer.alloc(16, 1)),
        bytes(2, Buffer.alloc(8, 2)),
        number(99, 5n),
        Buffer.from([7 * 8 + 1, 0, 0, 0, 0, 0, 0, 0, 24]),
        Buffer.from([8 * 8 + 1, 0, 0, 0, 1, 0, 0, 0, 24]),
        message(9, text(1, 'gen_ai.operation.name'), message(2, text(1, 'chat'))),
        message(
          9,
          text(1, 'gen_ai.response.finish_reasons'),
          message(2, message(5, message(1, message(5, message(1, text(1, 'deep')))))),
        ),
        message(9, text(1, 'gen_ai.request.model'), message(2, message(6, message(1, text(1, 'k'))))),
        ...attributes,
      )
    const read = (...attributes: Buffer[]) => {
      const intake = createIntake()
      expect(intake.otlpProto(message(1, message(2, span(...attributes))))).toBe(true)
      intake.end()
      return intake.take()[0]
    }
    expect(read(int(5n))).toMatchObject({ inputTokens: 5, operation: 'chat' })
    expect(read(int(2n ** 52n))?.inputTokens).toBe(2 ** 52)
    expect(read(int(-1n))).toMatchObject({ doubts: ['bad-value'] })
    expect(read()?.finishReason).toBeUndefined()
    expect(read()?.modelRequested).toBeUndefined()
  })

  it('cut anywhere: never more spans than there were, and never a throw', () => {
    for (let length = 0; length < request.length; length += 11) {
      const intake = createIntake()
      intake.otlpProto(request.subarray(0, length))
      intake.end()
      expect(intake.take().length).toBeLessThanOrEqual(3)
    }
  })

  it('any bytes, and any byte changed: an answer, no throw, no wrong span id length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (input) => {
        createIntake().otlpProto(input)
      }),
    )
    fc.assert(
      fc.property(fc.nat(request.length - 1), fc.nat(255), (at, byte) => {
        const changed = Buffer.from(request)
        changed[at] = byte
        const intake = createIntake()
        intake.otlpProto(changed)
        intake.end()
        for (const { spanId, traceId } of intake.take()) {
          expect(spanId).toMatch(/^[0-9a-f]{16}$/)
          expect(traceId).toMatch(/^[0-9a-f]{32}$/)
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('fuzz', () => {
  it('any JSON value is read without a throw, and all that was seen is counted', () => {
    const keys = fc.constantFrom(
      'resourceSpans',
      'scopeSpans',
      'spans',
      'data',
      'traceId',
      'spanId',
      'attributes',
      'key',
      'value',
      'stringValue',
      'startTimeUnixNano',
      'SpanAttributes',
      'TraceId',
      'SpanName',
      'tags',
      'spanContext',
      'usageDetails',
      'batches',
      'trace',
      'gen_ai.operation.name',
      'model',
      'input_tokens',
      '__proto__',
      'constructor',
      'toString',
    )
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 5 },
        fc.constantFrom(
          null,
          true,
          0,
          -1,
          1e308,
          '',
          'chat',
          '5b8efff798038103d269b633813fc60c',
          '1790000000000000000',
        ),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(keys, tie('value'), { maxKeys: 6 }),
      ),
    }))
    fc.assert(
      fc.property(value, (input) => {
        const { spans, counts } = readValue(input)
        const faults = Object.values(counts.faults).reduce((sum, count) => sum + count, 0)
        const { other, repeated, folded, synthetic } = counts
        expect(counts.seen).toBe(spans.length + other + repeated + folded + synthetic + faults)
        for (const { durationMs, startedAtMs } of spans) {
          expect(durationMs).toBeGreaterThanOrEqual(0)
          expect(Number.isFinite(startedAtMs)).toBe(true)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('a document in pieces of any size is split as the whole is', async () => {
    const document = `[${Array.from({ length: 4 }, (_, i) => JSON.stringify({ model: 'gpt-x', input_tokens: i, note: '\\"{[]}\\\\' })).join(',')}] {"data":[${benchLine(0, 1)}],"x":{"y":[1,{"z":"}"}]}}`
    const whole = await readText(document, 1_000_000)
    expect(whole.counts).toMatchObject({ spans: 5, faults: {} })
    for (let step = 1; step < 60; step++) {
      const { spans, counts } = await readText(document, step)
      expect(counts).toEqual(whole.counts)
      expect(spans).toEqual(whole.spans)
    }
  })

  it('any text as a file: no throw', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: fc.constantFrom('{', '}', '[', ']', '"', '\\', ',', ':', '1', 'a', '\n', ' ') }),
        async (input) => {
          await readText(`{${input}`, 5)
        },
      ),
      { numRuns: 200 },
    )
  })
})
