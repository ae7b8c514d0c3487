/** Gemini without `alt=sse`: one JSON array that grows is read as the events that it is made of. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { frameBody } from '../../src/protocol/frame.js'
import { gemini } from '../../src/protocol/gemini.js'
import { arrayEntries } from '../../src/protocol/json-array.js'
import { toSample } from '../../src/sample/to-sample.js'
import { contextOf, exchangeOf } from '../sample/exchange.js'

const headers = { 'content-type': 'application/json; charset=UTF-8' }
const piece = (text: string, more: object = {}) => ({
  candidates: [{ content: { role: 'model', parts: [{ text }] }, ...more }],
  usageMetadata: { promptTokenCount: 7, candidatesTokenCount: 3 },
})
const events = [piece('a "[{\\'), piece('é, ]}"'), piece('c', { finishReason: 'STOP' })]
// As Google writes it: an entry's indentation, a comma on a line of its own.
const pretty = `[${events.map((event) => JSON.stringify(event, null, 2)).join('\n,\r\n')}\n]\n`

/** Each with the count of the bytes that had come when it was complete. */
function entriesOf(text: string | Uint8Array, ends: readonly number[]): [end: number, data: string][] {
  const body = Buffer.from(text)
  const chunkEnd = [...ends, body.length]
  return frameBody(body, chunkEnd, 'sse-or-array').frames.map(({ frame, chunk }) => [
    chunkEnd[chunk] ?? -1,
    frame.data,
  ])
}

describe('a JSON array that grows', () => {
  it('gives each entry with the chunk that holds its last brace', () => {
    const ends = Array.from({ length: Buffer.byteLength(pretty) - 1 }, (_, i) => i + 1)
    const found = entriesOf(pretty, ends)
    expect(found.map(([, data]) => JSON.parse(data) as unknown)).toEqual(events)
    for (const [end, data] of found) {
      expect(Buffer.from(pretty).subarray(0, end).toString().endsWith(data)).toBe(true)
    }
  })

  it('cut at any one byte gives the same sample, with first token and usage', () => {
    const body = Buffer.from(pretty)
    const sampleOf = (cut: number) => {
      const chunks = [[5, body.subarray(0, cut)] as const, [5, body.subarray(cut)] as const]
      const {
        itl: _itl,
        coalesced: _coalesced,
        ...rest
      } = toSample(exchangeOf(chunks, { headers }), gemini, contextOf())
      return rest
    }
    const whole = sampleOf(0)
    expect(whole).toMatchObject({ outcome: 'ok', ttft: 5, promptTokens: 7, outputTokens: 3 })
    for (let cut = 1; cut < body.length; cut++) expect(sampleOf(cut)).toEqual(whole)
  })

  it('of any values, written anyhow and cut anywhere, gives these values', () => {
    const value = fc.oneof(fc.object({ maxDepth: 3 }), fc.array(fc.jsonValue()), fc.string(), fc.integer())
    const space = fc.constantFrom('', ' ', '\n', '\r\n  ', '\t')
    fc.assert(
      fc.property(
        fc.array(value, { maxLength: 6 }),
        space,
        fc.constantFrom(undefined, 1, '\t'),
        fc.array(fc.nat()),
        (values, gap, indent, cuts) => {
          const texts = values.map((each) => JSON.stringify(each, null, indent))
          const text = `${gap}[${gap}${texts.join(`${gap},${gap}`)}${gap}]${gap}`
          const ends = cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b)
          const found: unknown[] = []
          const entries = arrayEntries((entry) => found.push(JSON.parse(entry)))
          for (const [i, end] of [...ends, text.length].entries())
            entries.feed(text.slice(ends[i - 1] ?? 0, end))
          entries.flush()
          expect(found).toEqual(texts.map((each) => JSON.parse(each) as unknown))
        },
      ),
    )
  })

  it.each([
    [
      'an error inside',
      `[${JSON.stringify(events[0])},{"error":{"code":503,"message":"overloaded"}}]`,
      'stream-error',
    ],
    ['an end without finish reason', `[${JSON.stringify(events[0])}]`, 'truncated'],
    ['a last entry that is cut', pretty.slice(0, -12), 'truncated'],
    ['no entry', '[]', 'not-streaming'],
    [
      'an entry of 2 MiB',
      `[${JSON.stringify(events[0])},${JSON.stringify(piece('x'.repeat(2 << 20)))}`,
      'oversized',
    ],
    [
      'an error as server-sent event',
      'data: {"error":{"code":503,"message":"overloaded"}}\n\n',
      'stream-error',
    ],
  ])('with %s is judged as events would be', (_, body, outcome) => {
    expect(toSample(exchangeOf([[5, body]], { headers }), gemini, contextOf()).outcome).toBe(outcome)
  })
})
