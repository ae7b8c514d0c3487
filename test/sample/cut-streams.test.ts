/** One stream gives one sample, wherever the network cut it, whatever ends its lines and however many comments it holds. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Protocol } from '../../src/protocol/protocol.js'
import { protocols } from '../../src/run/tables.js'
import type { Sample } from '../../src/sample/sample.js'
import { toSample } from '../../src/sample/to-sample.js'
import { recorded, type Recorded } from '../protocol/recorded-table.js'
import { contextOf, exchangeOf } from './exchange.js'

const DATA = join(import.meta.dirname, '../../../shared/data/sse')
const present = existsSync(DATA)
const files = recorded.filter(({ file }) => !file.endsWith('.chunks.txt'))
const context = contextOf({
  price: { currency: 'USD', inputPerM: 1, cachedPerM: 0.1, cacheWritePerM: 1.25, outputPerM: 2 },
})
const types = {
  sse: 'text/event-stream',
  'sse-or-array': 'text/event-stream',
  ndjson: 'application/x-ndjson',
  messages: 'application/vnd.amazon.eventstream',
} satisfies Record<Protocol['framing'], string>

/** Everything in a sample but what tells how the bytes were cut; all chunks arrive at once, so that times agree. */
function sampleOf(body: Uint8Array, ends: readonly number[], protocol: Protocol) {
  const chunks = [...ends, body.length].map((end, i) => [5, body.subarray(ends[i - 1] ?? 0, end)] as const)
  const headers = { 'content-type': types[protocol.framing] }
  const {
    itl: _gaps,
    coalesced: _coalesced,
    ...sample
  }: Sample = toSample(exchangeOf(chunks, { headers }), protocol, context)
  return sample
}

/** Without what line ends and comments change: bytes and comments themselves. */
function rewritten(body: Uint8Array, ends: readonly number[], protocol: Protocol) {
  const { bytes: _bytes, comments: _comments, ...sample } = sampleOf(body, ends, protocol)
  return sample
}

const everyByte = (length: number): number[] => Array.from({ length: length - 1 }, (_, i) => i + 1)

// Beginning and end of a long stream: every event kind of it, at a length of which each cut can be tried, bytes.
const SHORT = 2500
const SHORT_OF_RESPONSES = 14_000 // each of its first and last events repeats the whole response

function shortened(body: Buffer, { protocol }: Recorded): Buffer {
  const most = protocol === 'openai-responses' ? SHORT_OF_RESPONSES : SHORT
  if (body.length <= most || protocol === 'bedrock-converse') return body
  const blank = protocol.startsWith('ollama') ? '\n' : body.includes('\r\n\r\n') ? '\r\n\r\n' : '\n\n'
  const head = body.lastIndexOf(blank, most / 2)
  const tail = body.lastIndexOf(blank, body.length - most / 2)
  if (head === -1 || tail <= head) return body
  return Buffer.concat([body.subarray(0, head), body.subarray(tail)])
}

describe.skipIf(!present)(`recorded streams${present ? '' : ` (skipped: ${DATA} is absent)`}`, () => {
  it.each(files.map((row) => [row.file, row] as const))(
    '%s: each single cut gives the same sample',
    (_, row) => {
      const protocol: Protocol = protocols[row.protocol]
      const body = shortened(readFileSync(join(DATA, row.file)), row)
      const whole = sampleOf(body, [], protocol)
      expect(whole.outcome).toBe(row.file.includes('stream_error') ? 'stream-error' : 'ok')
      const expected = JSON.stringify(whole)
      for (let cut = 1; cut < body.length; cut++) {
        const sample = sampleOf(body, [cut], protocol)
        if (JSON.stringify(sample) !== expected) expect({ cut, ...sample }).toEqual({ cut, ...whole })
      }
    },
  )

  it.each(files.map((row) => [row.file, row] as const))(
    '%s: single bytes, any cuts, CRLF, CR, LF and comments give the same sample',
    (_, row) => {
      const protocol: Protocol = protocols[row.protocol]
      const body = readFileSync(join(DATA, row.file))
      const whole = sampleOf(body, [], protocol)
      expect(sampleOf(body, everyByte(body.length), protocol)).toEqual(whole)
      const lines = body.toString('utf8').replaceAll('\r\n', '\n')
      const said = rewritten(body, [], protocol)
      fc.assert(
        fc.property(
          fc.uniqueArray(fc.integer({ min: 1, max: body.length - 1 }), { maxLength: 40 }),
          fc.constantFrom('\n', '\r\n', ...(protocol.framing === 'sse' ? ['\r'] : [])),
          fc.array(fc.nat(), { maxLength: 5 }),
          (cuts, end, comments) => {
            const ends = cuts.sort((a, b) => a - b)
            expect(sampleOf(body, ends, protocol)).toEqual(whole)
            if (protocol.framing === 'messages') return
            const parts = lines.split('\n')
            if (protocol.framing === 'sse')
              for (const at of comments) parts.splice(at % parts.length, 0, ': still here')
            expect(rewritten(Buffer.from(parts.join(end)), ends, protocol)).toEqual(said)
          },
        ),
        { numRuns: 12 },
      )
    },
  )
})
