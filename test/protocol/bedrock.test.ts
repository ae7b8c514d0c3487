/** Bedrock's binary event stream: real recordings, messages of our own making, and the wire's scan for its end. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { EventStreamCodec } from '@smithy/eventstream-codec'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bedrockConverse } from '../../src/protocol/bedrock-converse.js'
import { CORRUPT, frameMessages } from '../../src/protocol/event-stream.js'
import type { StreamEvent } from '../../src/protocol/protocol.js'
import { readStream } from '../../src/sample/stream.js'
import { toSample } from '../../src/sample/to-sample.js'
import { messageScan, scanMessages } from '../../src/wire/message-scan.js'
import { contextOf, exchangeOf } from '../sample/exchange.js'

const DATA = join(import.meta.dirname, '../../../shared/data/sse/bedrock')
const LARGEST = 1024 * 1024

const codec = new EventStreamCodec(
  (bytes) => (typeof bytes === 'string' ? bytes : new TextDecoder().decode(bytes)),
  (text) => new TextEncoder().encode(text),
)
type Kind = 'event' | 'exception' | 'error'
/** A message as AWS writes it. */
function message(type: string, payload: unknown, kind: Kind = 'event'): Uint8Array {
  const name = kind === 'error' ? ':error-code' : `:${kind}-type`
  const headers = {
    [name]: { type: 'string', value: type },
    ':content-type': { type: 'string', value: 'application/json' },
    ':message-type': { type: 'string', value: kind },
  } as const
  const body = typeof payload === 'string' ? payload : JSON.stringify(payload)
  return codec.encode({ headers, body: new TextEncoder().encode(body) })
}

const textDelta = (text: string) => message('contentBlockDelta', { contentBlockIndex: 0, delta: { text } })
const whole = [
  message('messageStart', { role: 'assistant', p: 'abc' }),
  textDelta('One'),
  textDelta(' two'),
  message('contentBlockStop', { contentBlockIndex: 0 }),
  message('messageStop', { stopReason: 'max_tokens' }),
  message('metadata', {
    usage: {
      inputTokens: 40,
      outputTokens: 2,
      totalTokens: 1142,
      cacheReadInputTokens: 1000,
      cacheWriteInputTokens: 100,
      cacheDetails: [{ ttl: '5m', inputTokens: 100 }],
    },
    metrics: { latencyMs: 321 },
    serviceTier: { type: 'priority' },
  }),
]
const stream = Buffer.concat(whole)

const EVENT_STREAM = { headers: { 'content-type': 'application/vnd.amazon.eventstream' } }
const exchangeIn = (pieces: readonly Uint8Array[]) =>
  exchangeOf(
    pieces.map((bytes, i) => [10 * (i + 1), bytes] as const),
    EVENT_STREAM,
  )
const saidBy = (pieces: readonly Uint8Array[]): StreamEvent[] =>
  readStream(exchangeIn(pieces), bedrockConverse).moments.flatMap(({ events }) => events)

function cutAt(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const edges = [...new Set([0, ...cuts.filter((cut) => cut < bytes.length), bytes.length])].sort(
    (a, b) => a - b,
  )
  return edges.slice(1).map((end, i) => bytes.subarray(edges[i] ?? 0, end))
}

describe('usage and times', () => {
  const sample = toSample(exchangeIn(whole), bedrockConverse, contextOf())

  it('input excludes what was read and written: 40 + 1000 + 100 = 1140 prompt tokens', () => {
    expect(sample).toMatchObject({
      outcome: 'ok',
      promptTokens: 1140,
      cachedTokens: 1000,
      cacheWriteTokens: 100,
      outputTokens: 2,
      tokenSource: 'usage',
      finishReason: 'max_tokens',
      serverTimings: { totalMs: 321, raw: { latencyMs: 321 } },
      route: { serviceTier: 'priority' },
    })
  })

  it('messageStart ends ttfe, the first text ends ttft, metadata ends e2e', () => {
    expect([sample.ttfe, sample.ttft, sample.e2e]).toEqual([10, 20, 60])
  })

  it.each([
    [
      'Claude signs its thinking, which is a summary of an unknown length: no tpot',
      [{ signature: 'EqQB' }],
      null,
    ],
    ['redacted thinking is as unknown', [{ redactedContent: 'AAAA' }], null],
    // 12 tokens, the first of them with the first arrival: 11 in 110 ms.
    ['others reason in full and sign nothing: 10 ms a token', [], 10],
  ])('%s', (_, sealed, tpot) => {
    const thought = (reasoningContent: object) =>
      message('contentBlockDelta', { delta: { reasoningContent } })
    const pieces = [
      message('messageStart', { role: 'assistant' }),
      ...Array.from({ length: 6 }, () => thought({ text: ' hm' })),
      ...Array.from({ length: 6 }, () => textDelta(' word')),
      ...sealed.map(thought),
      message('messageStop', { stopReason: 'end_turn' }),
      message('metadata', { usage: { inputTokens: 9, outputTokens: 12 } }),
    ]
    const seen = toSample(exchangeIn(pieces), bedrockConverse, contextOf())
    expect(seen).toMatchObject({ outcome: 'ok', ttft: 20, ttfvt: 80 })
    if (tpot === null) expect(seen.tpot).toBeNull()
    else expect(seen.tpot).toBeCloseTo(tpot, 9)
  })

  it('a stream cut behind messageStop is whole with a mark, before it truncated', () => {
    const cut = (messages: number) =>
      toSample(exchangeIn(whole.slice(0, messages)), bedrockConverse, contextOf())
    expect(cut(5)).toMatchObject({
      outcome: 'ok',
      detail: expect.stringContaining('terminal event is missing'),
    })
    expect(cut(3)).toMatchObject({ outcome: 'truncated' })
  })
})

describe('what a delta says', () => {
  it.each([
    [{ text: 'a' }, [{ kind: 'output', channel: 'text', text: 'a' }]],
    [{ text: '' }, []],
    [{ reasoningContent: { text: 'hm' } }, [{ kind: 'output', channel: 'reasoning', text: 'hm' }]],
    [{ reasoningContent: { signature: 'EqQB' } }, [{ kind: 'hidden' }]],
    [{ reasoningContent: { redactedContent: 'AAAA' } }, [{ kind: 'hidden' }]],
    [{ toolUse: { input: '{"a"' } }, [{ kind: 'output', channel: 'tool', text: '{"a"' }]],
    [{ brandNew: 1 }, []],
  ])('%j', (delta, events) => {
    expect(saidBy([message('contentBlockDelta', { delta })])).toEqual(events)
  })

  it('the name of a tool is output, its id is not', () => {
    const start = { start: { toolUse: { name: 'weather', toolUseId: 'tooluse_1' } } }
    expect(saidBy([message('contentBlockStart', start)])).toEqual([
      { kind: 'output', channel: 'tool', text: 'weather' },
    ])
  })
})

describe('failures inside the stream', () => {
  it.each([
    ['throttlingException', { message: 'Too many tokens, please wait' }, 'Too many tokens, please wait'],
    [
      'modelStreamErrorException',
      { message: 'The model failed', originalStatusCode: 500 },
      'The model failed',
    ],
    ['serviceUnavailableException', {}, 'exception/serviceUnavailableException'],
  ])('%s becomes a stream-error with its sentence', (type, payload, said) => {
    const exchange = exchangeIn([...whole.slice(0, 2), message(type, payload, 'exception')])
    const sample = toSample(exchange, bedrockConverse, contextOf())
    expect(sample).toMatchObject({ outcome: 'stream-error', detail: expect.stringContaining(said) })
  })

  it('an :error message is told by its code', () => {
    expect(saidBy([message('InternalError', '', 'error')])).toEqual([
      { kind: 'error', message: 'error/InternalError', type: 'InternalError' },
    ])
  })

  it('one flipped bit in any byte is never read as other text', () => {
    const clean = saidBy(whole)
    for (let at = 0; at < stream.length; at++) {
      const bad = Uint8Array.from(stream)
      bad[at] = (bad[at] ?? 0) ^ 1
      const said = saidBy([bad])
      const outputs = (events: readonly StreamEvent[]) => events.filter(({ kind }) => kind === 'output')
      // What came before the damage is a beginning of what was sent; the rest is missing, and no `end` comes.
      expect(outputs(clean).slice(0, outputs(said).length)).toEqual(outputs(said))
      expect(said.some(({ kind }) => kind === 'end')).toBe(false)
    }
  })

  it('a damaged message is counted as malformed and ends the reading', () => {
    const bad = Buffer.from(stream)
    bad[(whole[0]?.length ?? 0) + 130] = 0
    const framed = frameMessages(bad, [bad.length], LARGEST)
    expect(framed.frames.map(({ frame }) => frame.name)).toEqual(['messageStart', CORRUPT])
  })

  it('a length of 1 MiB + 1 is oversized, one of 15 impossible', () => {
    const prelude = Buffer.alloc(16)
    prelude.writeUInt32BE(LARGEST + 1)
    expect(frameMessages(prelude, [16], LARGEST)).toMatchObject({ oversized: true, frames: [] })
    prelude.writeUInt32BE(15)
    expect(frameMessages(prelude, [16], LARGEST).frames[0]?.frame.name).toBe(CORRUPT)
  })
})

describe('any cut of the bytes', () => {
  it('gives the same events, each with the chunk that holds its last byte', () => {
    const ends = whole.reduce<number[]>((sum, part) => [...sum, (sum.at(-1) ?? 0) + part.length], [])
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 40 }), (cuts) => {
        const pieces = cutAt(stream, cuts)
        const chunkEnd = pieces.reduce<number[]>((sum, part) => [...sum, (sum.at(-1) ?? 0) + part.length], [])
        const { frames } = frameMessages(stream, chunkEnd, LARGEST)
        expect(frames.map(({ chunk }) => chunk)).toEqual(
          ends.map((end) => chunkEnd.findIndex((cut) => cut >= end)),
        )
        expect(saidBy(pieces)).toEqual(saidBy([stream]))
      }),
    )
  })

  it('the scan finds the end in the chunk of the last byte of metadata, and nowhere else', () => {
    const found = (pieces: readonly Uint8Array[]) => {
      const scan = messageScan('metadata')
      return pieces.flatMap((piece, i) => (scanMessages(scan, Buffer.from(piece)) ? [i] : []))
    }
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 40 }), (cuts) => {
        const pieces = cutAt(stream, cuts)
        expect(found(pieces)).toEqual([pieces.length - 1])
      }),
    )
    expect(
      found(
        cutAt(
          stream,
          Array.from({ length: stream.length }, (_, i) => i),
        ),
      ),
    ).toEqual([stream.length - 1])
    expect(found(whole.slice(0, 5))).toEqual([])
  })

  it('a model that writes the header of metadata does not end its own stream', () => {
    const scan = messageScan('metadata')
    expect(scanMessages(scan, Buffer.from(textDelta('\u000b:event-type\u0007\u0000\u0008metadata')))).toBe(
      false,
    )
  })

  it('random bytes never throw, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        frameMessages(bytes, [bytes.length], LARGEST)
        scanMessages(messageScan('metadata'), Buffer.from(bytes))
      }),
    )
  })
})

describe('encode', () => {
  const quirks = {
    maxTokensField: 'max_tokens',
    streamOptions: true,
    ignoreEos: false,
    temperature: 0,
  } as const
  const options = { model: 'us.amazon.nova-micro-v1:0', quirks, body: {} }

  it('the model stands escaped in the path, as in the recorded requests', () => {
    const ask = { messages: [{ role: 'user', content: 'hello' }], outputTokens: 7 } as const
    const { path, body } = bedrockConverse.encode(ask, options)
    expect(path).toBe('/model/us.amazon.nova-micro-v1%3A0/converse-stream')
    expect(JSON.parse(body)).toEqual({
      messages: [{ role: 'user', content: [{ text: 'hello' }] }],
      inferenceConfig: { maxTokens: 7, temperature: 0 },
    })
  })

  it('a cache point stands behind the shared prefix, and system prompts outside the conversation', () => {
    const messages = [
      { role: 'system', content: 'be kind' },
      { role: 'user', content: 'shared, own' },
    ] as const
    const encode = (content: string) =>
      JSON.parse(
        bedrockConverse.encode(
          { messages: [messages[0], { role: 'user', content }], outputTokens: 1, cachePrefix: 7 },
          { ...options, body: { inferenceConfig: { topP: 1 }, serviceTier: { type: 'flex' } } },
        ).body,
      )
    const prefix = [{ text: 'shared,' }, { cachePoint: { type: 'default' } }]
    expect(encode('shared, own')).toMatchObject({
      system: [{ text: 'be kind' }],
      messages: [{ role: 'user', content: [...prefix, { text: ' own' }] }],
      inferenceConfig: { maxTokens: 1, temperature: 0, topP: 1 },
      serviceTier: { type: 'flex' },
    })
    expect(encode('shared,').messages[0].content).toEqual(prefix)
  })
})

describe.skipIf(!existsSync(DATA))('recorded Bedrock streams', () => {
  /** Lengths and JSON only, nothing of the code under test. */
  function readNaively(bytes: Buffer) {
    const payloads: Record<string, never>[] = []
    for (let at = 0; at < bytes.length; at += bytes.readUInt32BE(at)) {
      const from = at + 12 + bytes.readUInt32BE(at + 4)
      payloads.push(JSON.parse(bytes.toString('utf8', from, at + bytes.readUInt32BE(at) - 4)))
    }
    const all = JSON.stringify(payloads)
    const last: { usage: { inputTokens: number; outputTokens: number }; metrics: { latencyMs: number } } =
      JSON.parse(JSON.stringify(payloads.at(-1)))
    const texts = [...all.matchAll(/"delta":\{(?:"reasoningContent":\{)?"text":"((?:[^"\\]|\\.)*)"/g)]
    return {
      frames: payloads.length,
      outputs: texts.filter((match) => match[1] !== '').length,
      finish: /"stopReason":"(\w+)"/.exec(all)?.[1],
      promptTokens: last.usage.inputTokens,
      outputTokens: last.usage.outputTokens,
      latencyMs: last.metrics.latencyMs,
    }
  }

  it.each(['test_bedrock_model_stream.0', 'test_bedrock_model_thinking_part_stream.0'])(
    '%s says what its bytes contain, whole and cut at every byte',
    (name) => {
      const bytes = readFileSync(join(DATA, `${name}.eventstream.bin`))
      const expected = readNaively(bytes)
      for (const pieces of [
        [bytes],
        cutAt(
          bytes,
          Array.from({ length: bytes.length }, (_, i) => i),
        ),
      ]) {
        const read = readStream(exchangeIn(pieces), bedrockConverse)
        const outputs = read.moments.filter(({ events }) => events.some(({ kind }) => kind === 'output'))
        expect({
          frames: read.moments.length,
          outputs: outputs.length,
          finish: read.finishReason,
          promptTokens: read.usage.promptTokens,
          outputTokens: read.usage.outputTokens,
          latencyMs: read.timings?.totalMs,
        }).toEqual(expected)
        expect(read).toMatchObject({ malformed: [], error: undefined, afterEnd: 0 })
        expect(read.endNs).toBeDefined()
      }
    },
  )
})
