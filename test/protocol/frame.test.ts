import fc from 'fast-check'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { frameBody, LARGEST_EVENT, type FramedBody } from '../../src/protocol/frame.js'

const encode = (text: string) => new TextEncoder().encode(text)

/** Frames a body cut after each of `cuts`. */
function framed(
  body: Uint8Array,
  cuts: readonly number[] = [],
  framing: 'sse' | 'ndjson' = 'sse',
): FramedBody {
  const ends = [...new Set([...cuts, body.length])].sort((a, b) => a - b)
  return frameBody(body, ends, framing)
}

const everyByte = (body: Uint8Array) => Array.from(body, (_, index) => index + 1)

/** All but the arrival: what must not depend on the cuts. */
function said({ frames, ...rest }: FramedBody) {
  return { ...rest, frames: frames.map(({ frame }) => frame) }
}

const SAMPLE = [
  ': keep-alive',
  '',
  'data: {"a":"é — 😀"}',
  '',
  'event: ping',
  'data: {}',
  '',
  'id: 7',
  'retry: 10',
  'data: first line',
  'data: second line',
  '',
  'data:no blank',
  '',
  'data: [DONE]',
  '',
  '',
]

describe('server-sent events', () => {
  it('events carry name and data; data lines join; comments are counted', () => {
    expect(said(framed(encode(SAMPLE.join('\n'))))).toEqual({
      frames: [
        { data: '{"a":"é — 😀"}' },
        { name: 'ping', data: '{}' },
        { data: 'first line\nsecond line' },
        { data: 'no blank' },
        { data: '[DONE]' },
      ],
      tail: undefined,
      comments: 1,
      replaced: 0,
      oversized: false,
    })
  })

  it.each(['\n', '\r\n', '\r'])(
    'line ends %j, cut at every offset and into single bytes, give the same events',
    (end) => {
      const expected = said(framed(encode(SAMPLE.join('\n'))))
      const body = encode(SAMPLE.join(end))
      expect(said(framed(body, everyByte(body)))).toEqual(expected)
      for (let cut = 0; cut <= body.length; cut++) expect(said(framed(body, [cut]))).toEqual(expected)
    },
  )

  it('any text, cut anywhere, with any mix of line ends and comments, gives back its events', () => {
    const line = fc.string({ unit: 'binary' }).map((text) => text.replace(/[\r\n\0\uFFFD]/g, ''))
    const lineEnd = fc.constantFrom('\n', '\r\n', '\r')
    const event = fc.record({
      lines: fc.array(line, { minLength: 1, maxLength: 3 }),
      comments: fc.integer({ min: 0, max: 2 }),
    })
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 6 }),
        fc.infiniteStream(lineEnd),
        fc.array(fc.nat(400), { maxLength: 12 }),
        (events, ends, cuts) => {
          const end = () => ends.next().value ?? '\n'
          // A CR and then a LF would be one line end, so a blank line repeats the end of the line before it.
          const text = events
            .map(({ lines, comments }) => {
              const e = end()
              return `: c${e}`.repeat(comments) + lines.map((data) => `data: ${data}${e}`).join('') + e
            })
            .join(':\n')
          const body = encode(text)
          const result = framed(
            body,
            cuts.filter((cut) => cut < body.length),
          )
          expect(result.frames.map(({ frame }) => frame.data)).toEqual(
            events.map(({ lines }) => lines.join('\n')),
          )
          expect(result.tail).toBeUndefined()
        },
      ),
      { numRuns: 300 },
    )
  })

  it('any bytes at all give the same frames and counts wherever they are cut', () => {
    const fragment = fc.oneof(
      fc.uint8Array({ maxLength: 6 }),
      fc
        .constantFrom('data: ', '\n', '\r', '\n\n', ':', 'event: x', '\uFEFF', '\0', '\uFFFD', 'é', '😀')
        .map(encode),
      fc
        .constantFrom([0xed, 0xa0, 0x80], [0xf0, 0x9f, 0x98], [0xc0, 0x80], [0xef, 0xbf])
        .map((b) => Uint8Array.from(b)),
    )
    fc.assert(
      fc.property(
        fc.array(fragment, { maxLength: 24 }).map((parts) => Buffer.concat(parts)),
        fc.array(fc.nat(100), { maxLength: 8 }),
        fc.constantFrom<'sse' | 'ndjson'>('sse', 'ndjson'),
        (body, cuts, framing) => {
          const whole = said(framed(body, [], framing))
          expect(
            said(
              framed(
                body,
                cuts.filter((cut) => cut < body.length),
                framing,
              ),
            ),
          ).toEqual(whole)
          expect(said(framed(body, everyByte(body), framing))).toEqual(whole)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('a frame belongs to the chunk that completed its blank line', () => {
    const body = encode('data: a\n\ndata: b\n\n')
    const chunksOf = (cuts: number[]) => framed(body, cuts).frames.map(({ chunk }) => chunk)
    expect(chunksOf([])).toEqual([0, 0])
    expect(chunksOf([9])).toEqual([0, 1])
    expect(chunksOf([8])).toEqual([1, 1])
    expect(chunksOf([4, 9, 17])).toEqual([1, 3])
  })

  it('a CR that ends a chunk ends its line: the event does not wait for the next chunk', () => {
    const body = encode('data: a\r\n\r\ndata: b\r\n\r\n')
    expect(framed(body, [10]).frames.map(({ chunk }) => chunk)).toEqual([0, 1])
    expect(framed(encode('data: a\r\rdata: b\r\r'), [9]).frames.map(({ chunk }) => chunk)).toEqual([0, 1])
  })

  it('the last event without its blank line is the tail, not a frame', () => {
    const result = framed(encode('data: a\n\ndata: [DONE]'))
    expect(result.frames).toHaveLength(1)
    expect(result.tail).toEqual({ data: '[DONE]' })
  })

  it('a BOM is taken off, also when chunks cut it', () => {
    const body = encode('\uFEFFdata: a\n\n')
    for (const cut of [0, 1, 2, 3]) expect(framed(body, [cut]).frames[0]?.frame).toEqual({ data: 'a' })
  })

  it('a NUL and bad UTF-8 are replaced and counted, U+FFFD from the server is not', () => {
    const bad = Buffer.concat([encode('data: \0\uFFFD'), Uint8Array.of(0xff), encode('\n\n')])
    expect(said(framed(bad))).toMatchObject({ frames: [{ data: '\uFFFD\uFFFD\uFFFD' }], replaced: 2 })
  })

  it('an event above 1 MiB is oversized and ends the reading, at any cut; one of 1 MiB is read', () => {
    const before = 'data: a\n\n'
    const after = '\n\ndata: b\n\n'
    const fits = encode(`${before}data: ${'x'.repeat(LARGEST_EVENT)}${after}`)
    const bursts = encode(`${before}data: ${'x'.repeat(LARGEST_EVENT + 1)}${after}`)
    for (const cuts of [[], [9], [fits.length - 12], [fits.length - 10], [500_000, 1_000_000]]) {
      expect(said(framed(fits, cuts))).toMatchObject({ oversized: false, frames: { length: 3 } })
      expect(said(framed(bursts, cuts))).toMatchObject({ oversized: true, frames: { length: 1 } })
    }
  })

  it('100 MB without a line end are given up after 1 MiB', () => {
    const chunk = 65_536
    const ends = Array.from({ length: 1600 }, (_, index) => (index + 1) * chunk)
    expect(frameBody(new Uint8Array(1600 * chunk).fill(120), ends, 'sse')).toMatchObject({
      oversized: true,
      frames: [],
    })
  })

  it('llama.cpp’s own error field is an event named error', () => {
    expect(framed(encode('error: {"message":"slot unavailable"}\n\n')).frames[0]?.frame).toEqual({
      name: 'error',
      data: '{"message":"slot unavailable"}',
    })
  })
})

describe('lines of JSON', () => {
  it.each(['\n', '\r\n'])('line end %j, cut anywhere: one frame a line, blank ones left out', (end) => {
    const body = encode(['{"a":"é"}', '', '{"b":2}', '{"c":3}'].join(end))
    const expected = { frames: [{ data: '{"a":"é"}' }, { data: '{"b":2}' }], tail: { data: '{"c":3}' } }
    for (let cut = 0; cut <= body.length; cut++)
      expect(said(framed(body, [cut], 'ndjson'))).toMatchObject(expected)
    expect(said(framed(body, everyByte(body), 'ndjson'))).toMatchObject(expected)
  })
})

const DATA = join(import.meta.dirname, '../../../shared/data/sse')
const present = existsSync(DATA)
const recorded = (present ? readdirSync(DATA, { recursive: true, encoding: 'utf8' }) : []).filter((name) =>
  /\.(sse|ndjson)$/.test(name),
)

describe.skipIf(!present)(`recorded streams${present ? '' : ` (skipped: ${DATA} is absent)`}`, () => {
  it.each(recorded)(
    '%s: single bytes, 64 random cuts, CRLF, CR and comments give the same events',
    (name) => {
      const body = readFileSync(join(DATA, name))
      const framing = name.endsWith('.sse') ? 'sse' : 'ndjson'
      const whole = said(framed(body, [], framing))
      expect(whole.frames.length).toBeGreaterThan(0)
      expect(said(framed(body, everyByte(body), framing))).toEqual(whole)
      const cuts = fc.sample(fc.nat(body.length), { numRuns: 64, seed: 1 })
      for (const cut of cuts) expect(said(framed(body, [cut], framing))).toEqual(whole)
      if (framing === 'ndjson') return
      const text = body.toString('utf8').replaceAll('\r\n', '\n')
      for (const end of ['\r\n', '\r']) {
        const swapped = encode(text.replaceAll('\n', end))
        expect(said(framed(swapped, cuts, framing))).toEqual(whole)
      }
      const commented = encode(`: hi\n\n${text.replaceAll('data: ', ': hi\ndata: ')}`)
      expect(said(framed(commented, cuts, framing)).frames).toEqual(whole.frames)
    },
  )
})
