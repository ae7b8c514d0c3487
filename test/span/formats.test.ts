/** The same calls, in every format that is read, come out the same. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createIntake } from '../../src/span/intake.js'
import { otlpLine, otlpRequest } from '../../src/span/otlp-envelope.js'
import type { OtlpGroup, OtlpValue } from '../../src/span/otlp-envelope.js'
import { listSpanFiles, readSpans } from '../../src/span/read-spans.js'
import type { Span } from '../../src/span/span.js'
import { benchGroups } from '../bench/span-stream.js'
import { encodeRequest } from './proto-encode.js'
import { readBytes, readText, readValue } from './read.js'
import { zstdRaw } from './zstd.js'

const groups: OtlpGroup[] = [...benchGroups(0, 3), ...benchGroups(3, 2)]
/** By OTLP/JSON, the format that the specification writes down best. */
const expected = readValue(otlpRequest(groups)).spans

const each = groups.flatMap(({ resource, scope, spans }) =>
  spans.map((span) => ({ resource, scope, spans: [span] })),
)

function facts(spans: readonly Span[]) {
  return spans.map((span) => ({ ...span, from: undefined }))
}

/** The Collector's file exporter: length, big-endian, then the record. */
function records(...bodies: Uint8Array[]): Buffer {
  return Buffer.concat(
    bodies.flatMap((body) => {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(body.length)
      return [length, body]
    }),
  )
}

const lines = each.map((group) => `${otlpLine([group])}\n`).join('')
const json = Buffer.from(otlpLine(groups))
const proto = encodeRequest(groups)

describe('5 calls', () => {
  it('stand in the expectation', () => expect(expected).toHaveLength(5))

  it.each([
    ['OTLP/JSON, one document', json],
    ['OTLP/JSON, indented', Buffer.from(JSON.stringify(otlpRequest(groups), null, 2))],
    ['OTLP/JSON behind a byte-order mark and white space', Buffer.concat([Buffer.from('\ufeff \n '), json])],
    ['OTLP/JSON, lines', Buffer.from(lines)],
    [
      'OTLP/JSON, lines that end in CR LF, the last without an end',
      Buffer.from(lines.replaceAll('\n', '\r\n').trimEnd()),
    ],
    ['OTLP/JSON, a list of requests', Buffer.from(JSON.stringify(each.map((group) => otlpRequest([group]))))],
    [
      'OTLP/JSON, indented documents one after another',
      Buffer.from(each.map((group) => JSON.stringify(otlpRequest([group]), null, 1)).join('\n')),
    ],
    ['OTLP protobuf', proto],
    ['the Collector’s records of protobuf', records(...each.map((group) => encodeRequest([group])))],
    ['the Collector’s records of JSON', records(...each.map((group) => Buffer.from(otlpLine([group]))))],
    [
      'the Collector’s records of zstd of protobuf',
      records(...each.map((group) => zstdRaw(encodeRequest([group])))),
    ],
    [
      'the Collector’s records of zstd of JSON',
      records(...each.map((group) => zstdRaw(Buffer.from(otlpLine([group]))))),
    ],
    ['gzip of lines', gzipSync(lines)],
    ['gzip of protobuf', gzipSync(proto)],
    [
      'two gzip members, one after another',
      Buffer.concat([
        gzipSync(lines.slice(0, lines.indexOf('\n') + 1)),
        gzipSync(lines.slice(lines.indexOf('\n') + 1)),
      ]),
    ],
    ['zstd of lines', zstdRaw(Buffer.from(lines))],
    ['zstd of protobuf', zstdRaw(proto)],
  ])('%s: the same spans, in chunks of any size', async (_, bytes) => {
    for (const step of [1_000_000, 4096, 7]) {
      const { spans, counts } = await readBytes(bytes, step)
      expect(counts).toMatchObject({ seen: 5, spans: 5, faults: {} })
      expect(facts(spans)).toEqual(facts(expected))
    }
  })
})

describe('spellings of OTLP/JSON', () => {
  const text = otlpLine(groups)

  it.each([
    [
      'snake_case',
      (t: string) =>
        t.replace(
          /"([a-z]+(?:[A-Z][a-z]+)+)":/g,
          (_, key: string) => `"${key.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)}":`,
        ),
    ],
    [
      'numbers where 64-bit numbers are texts',
      (t: string) => t.replace(/"(intValue|startTimeUnixNano|endTimeUnixNano)":"(\d+)"/g, '"$1":$2'),
    ],
    ['names of enumerations', (t: string) => t.replace(/"kind":3/g, '"kind":"SPAN_KIND_CLIENT"')],
    [
      'ids in base64 (Tempo)',
      (t: string) =>
        t.replace(
          /"(traceId|spanId)":"([0-9a-f]+)"/g,
          (_, key: string, hex: string) => `"${key}":"${Buffer.from(hex, 'hex').toString('base64')}"`,
        ),
    ],
    [
      'ids in capitals',
      (t: string) =>
        t.replace(
          /"(traceId|spanId)":"([0-9a-f]+)"/g,
          (_, key: string, hex: string) => `"${key}":"${hex.toUpperCase()}"`,
        ),
    ],
    [
      'instrumentationLibrarySpans',
      (t: string) =>
        t
          .replaceAll('scopeSpans', 'instrumentationLibrarySpans')
          .replaceAll('"scope":', '"instrumentationLibrary":'),
    ],
    ['batches (Tempo)', (t: string) => t.replace('resourceSpans', 'batches')],
    ['a trace (Tempo v2)', (t: string) => `{"trace":${t}}`],
    [
      'the resource behind its spans',
      (t: string) => {
        const request = JSON.parse(t) as { resourceSpans: { resource: unknown; scopeSpans: unknown }[] }
        return JSON.stringify({
          resourceSpans: request.resourceSpans.map(({ resource, scopeSpans }) => ({ scopeSpans, resource })),
        })
      },
    ],
  ])('%s', async (_, change) => {
    const changed = change(text)
    expect(changed).not.toBe(text)
    const { spans } = await readText(changed)
    expect(facts(spans)).toEqual(facts(expected))
  })
})

describe('other stores', () => {
  const attributesOf = (index: number) =>
    Object.entries(each[index]?.spans[0]?.attributes ?? {}).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, value] as const],
    )
  const at = (index: number) => {
    const span = each[index]?.spans[0]
    if (span === undefined) throw new Error('no span')
    return span
  }
  const text = (value: OtlpValue): string =>
    typeof value === 'object' ? JSON.stringify(value) : String(value)
  const comparable = (spans: readonly Span[]) =>
    spans.map(
      ({
        traceId,
        spanId,
        service,
        inputTokens,
        cacheReadTokens,
        outputTokens,
        ttftMs,
        finishReason,
        streaming,
        startedAtMs,
        durationMs,
      }) => ({
        traceId,
        spanId,
        service,
        inputTokens,
        cacheReadTokens,
        outputTokens,
        ttftMs,
        finishReason,
        streaming,
        startedAtMs,
        durationMs: Math.round(durationMs),
      }),
    )

  it('Jaeger’s JSON: microseconds, typed tags, the processes behind the spans', () => {
    const spans = [0, 1, 2].map((index) => ({
      traceID: at(index).traceId,
      spanID: at(index).spanId,
      operationName: at(index).name,
      references: [],
      startTime: at(index).startMs * 1000,
      duration: Math.round((at(index).endMs - at(index).startMs) * 1000),
      processID: 'p1',
      tags: [
        ...attributesOf(index).map(([key, value]) => ({
          key,
          type: typeof value,
          value: typeof value === 'object' ? JSON.stringify(value) : value,
        })),
        { key: 'span.kind', type: 'string', value: 'client' },
      ],
      logs: [],
    }))
    const document = {
      data: [{ traceID: at(0).traceId, spans, processes: { p1: { serviceName: 'shop', tags: [] } } }],
    }
    expect(comparable(readValue(document).spans)).toEqual(comparable(expected.slice(0, 3)))
  })

  it('Jaeger’s logs and references: the first chunk, the parent', () => {
    const { spans } = readValue({
      traceID: '5b8efff798038103d269b633813fc60c',
      processes: { p1: { serviceName: 'shop' } },
      spans: [
        {
          traceID: '5b8efff798038103d269b633813fc60c',
          spanID: 'a1',
          operationName: 'chat',
          references: [{ refType: 'CHILD_OF', traceID: '5b8e', spanID: 'b2' }],
          startTime: 1_790_000_000_000_000,
          duration: 2_000_000,
          processID: 'p1',
          tags: [{ key: 'gen_ai.operation.name', type: 'string', value: 'chat' }],
          logs: [
            {
              timestamp: 1_790_000_000_250_000,
              fields: [{ key: 'event', value: 'gen_ai.content.completion.chunk' }],
            },
          ],
        },
      ],
    })
    expect(spans).toMatchObject([{ spanId: '00000000000000a1', parentId: '00000000000000b2', ttftMs: 250 }])
  })

  it('Zipkin v2: every tag a text', () => {
    const document = [0, 1, 2].map((index) => ({
      traceId: at(index).traceId,
      id: at(index).spanId,
      name: at(index).name,
      kind: 'CLIENT',
      timestamp: at(index).startMs * 1000,
      duration: Math.round((at(index).endMs - at(index).startMs) * 1000),
      localEndpoint: { serviceName: 'shop' },
      tags: Object.fromEntries(attributesOf(index).map(([key, value]) => [key, text(value)])),
    }))
    expect(comparable(readValue(document).spans)).toEqual(comparable(expected.slice(0, 3)))
  })

  it('ClickHouse rows: texts, nanoseconds, 64-bit numbers in quotes', async () => {
    const rows = [0, 1, 2].map((index) => ({
      Timestamp: new Date(at(index).startMs).toISOString().replace('T', ' ').replace('Z', '000000'),
      TraceId: at(index).traceId,
      SpanId: at(index).spanId,
      ParentSpanId: '',
      SpanName: at(index).name,
      SpanKind: 'Client',
      ServiceName: 'shop',
      ResourceAttributes: { 'service.name': 'shop' },
      ScopeName: 'app.llm',
      SpanAttributes: Object.fromEntries(attributesOf(index).map(([key, value]) => [key, text(value)])),
      Duration: String(Math.round((at(index).endMs - at(index).startMs) * 1e6)),
      StatusCode: 'Unset',
      'Events.Timestamp': [],
      'Events.Name': [],
    }))
    const { spans } = await readText(rows.map((row) => JSON.stringify(row)).join('\n'))
    expect(comparable(spans)).toEqual(comparable(expected.slice(0, 3)))
  })

  it('the console exporter of the JavaScript SDK: microseconds, kinds from 0', () => {
    const document = {
      resource: { attributes: { 'service.name': 'shop' } },
      instrumentationScope: { name: 'app.llm' },
      traceId: at(0).traceId,
      name: at(0).name,
      id: at(0).spanId,
      kind: 2,
      timestamp: at(0).startMs * 1000,
      duration: Math.round((at(0).endMs - at(0).startMs) * 1000),
      attributes: Object.fromEntries(attributesOf(0)),
      status: { code: 0 },
      events: [],
    }
    expect(comparable(readValue(document).spans)).toEqual(comparable(expected.slice(0, 1)))
  })
})

describe('files', () => {
  it('a folder is gone through by name; a span that stands in two files is counted once', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'plumbline-spans-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    writeFileSync(join(folder, '1.json.gz'), gzipSync(json))
    writeFileSync(join(folder, '2.binpb'), proto)
    writeFileSync(join(folder, '.hidden'), 'no span')
    const listed = await listSpanFiles([folder])
    expect(listed).toMatchObject({ ok: true, files: [join(folder, '1.json.gz'), join(folder, '2.binpb')] })
    const intake = createIntake()
    const spans: Span[] = []
    if (listed.ok) for await (const batch of readSpans(listed.files, intake)) spans.push(...batch)
    expect(spans).toHaveLength(5)
    expect(intake.counts).toMatchObject({ seen: 10, repeated: 5 })
  })

  it('- is standard input; a path that is not there is said', async () => {
    const intake = createIntake()
    const spans: Span[] = []
    async function* input(): AsyncGenerator<Buffer> {
      yield json
    }
    for await (const batch of readSpans(['-'], intake, input())) spans.push(...batch)
    expect(spans).toHaveLength(5)
    expect(await listSpanFiles(['/no/such/file'])).toMatchObject({
      ok: false,
      message: expect.stringMatching(/^\/no\/such\/file: /) as string,
    })
  })
})
