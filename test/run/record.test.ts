/** A recording holds what came over the wire; measured again, it gives the same samples. */
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createRedactor } from '../../src/border/redact.js'
import { replay } from '../../src/run/replay.js'
import type { Exchange } from '../../src/wire/exchange.js'
import { fromRecorded, recordedExchangeSchema, toRecorded } from '../../src/wire/recording.js'
import { fakeTarget, refuse, stream } from '../support/fake-target.js'
import type { Answer } from '../support/fake-target.js'
import type { Finished } from './run-here.js'
import { finished, runHere } from './run-here.js'

const KEY = 'key-of-the-tests-0123456789'

const yaml = (url: string): string => `targets:
  - { name: t, baseUrl: '${url}', model: m, tokenizer: o200k_base, apiKeyEnv: TEST_KEY,
      price: { inputPerM: 2, cachedPerM: 1, outputPerM: 8 } }
probes:
  - { probe: prompt-length, promptTokens: [64, 256], outputTokens: 12, blocks: 3 }
  - { probe: concurrency, concurrency: [4], promptTokens: 64, outputTokens: 12, blocks: 2 }
  - { probe: arrival-rate, rate: [80], maxInFlight: 50, seconds: 0.1, promptTokens: 64, outputTokens: 12, blocks: 2 }
warmup: { requests: 1 }
errorLimit: 1
retries: { attempts: 2 }
`

/** Now and then what a server does to one: refused, cut off, an error in the stream, held-back bytes. */
const unruly: Answer = (asked, response) => {
  switch (asked.number % 9) {
    case 3:
      return refuse(response, 429, 'slow down', { 'retry-after-ms': '5' })
    case 5:
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(`data: {"choices":[{"index":0,"delta":{"content":"half`)
      setTimeout(() => response.destroy(), 3)
      return
    case 7:
      return refuse(response, 503, 'busy')
    default:
      return stream(asked, response, {
        gapMs: 0,
        headers: { 'x-request-id': `r-${asked.number}`, 'openai-processing-ms': '3' },
        fingerprint: 'fp_1',
      })
  }
}

interface RecordedRun extends Finished {
  dir: string
  file: string
}

async function recorded(answer: Answer, prompts: boolean): Promise<RecordedRun> {
  const { url } = await fakeTarget(answer)
  const here = await runHere(yaml(url), { env: { TEST_KEY: KEY }, record: { dir: 'rec', prompts } })
  const dir = join(here.folder, 'rec')
  const [name = ''] = readdirSync(dir)
  return { ...finished(here), dir, file: join(dir, name) }
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

async function replayed(path: string) {
  const result = await replay(path)
  if (result.kind === 'refused') throw new Error(result.message)
  return result
}

/** The text of a recording in a folder of its own. */
function folderOf(files: Readonly<Record<string, string>>): string {
  const dir = mkdtempSync(join(tmpdir(), 'plumbline-rec-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text)
  return dir
}

describe('record and replay', () => {
  it('give the same samples to the last digit: retries, cut streams, closed and open loops', async () => {
    const { snapshot, samples, dir, file } = await recorded(unruly, false)
    const kinds = new Set(samples.map(({ outcome }) => outcome))
    expect([...kinds]).toEqual(expect.arrayContaining(['http-429', 'http-5xx', 'ok', 'truncated']))
    const text = readFileSync(file, 'utf8')
    expect(text).not.toContain('messages')
    expect(statSync(file).mode & 0o777).toBe(0o600)

    const { recordings, problems } = await replayed(dir)
    expect(problems).toEqual([])
    expect(recordings).toHaveLength(1)
    expect(plain(recordings[0]!.samples)).toEqual(plain(samples))
    const again = recordings[0]!.snapshot
    for (const part of ['summary', 'curves', 'spent', 'instrument', 'targets', 'samples'] as const)
      expect(plain(again[part]), part).toEqual(plain(snapshot[part]))
    expect(again.partial).toBe(snapshot.partial)
    expect(again.notes).toContainEqual(expect.stringMatching(/^measured again from a recording of /))

    // A torn end, a damaged line and foreign files are named, and the rest is measured.
    const lines = text.trimEnd().split('\n')
    const damaged = lines[5]!.replace('"chunks":[', '"chunks":[[1,999999],')
    const torn = folderOf({
      'torn.ndjson': [...lines.slice(0, 5), damaged, lines[6]!.slice(0, 80)].join('\n'),
      'a-foreign.ndjson': '{"hello":1}\n',
      'b-empty.ndjson': '',
    })
    const rest = await replayed(torn)
    expect(rest.recordings).toHaveLength(1)
    expect(plain(rest.recordings[0]!.samples)).toEqual(plain(samples.slice(0, 4)))
    expect(rest.recordings[0]!.snapshot).toMatchObject({
      partial: true,
      partialReason: 'the recording ends before its run did',
    })
    expect(rest.problems).toEqual([
      expect.stringContaining('a-foreign.ndjson: is no recording'),
      expect.stringContaining('b-empty.ndjson: is empty'),
      expect.stringMatching(/sample \S+: its chunks do not add up to its body/),
      expect.stringMatching(/torn.ndjson:7: is torn or no part of a recording/),
    ])

    // Fields of a later version beside ours do not disturb.
    const later = text.replaceAll('{"kind":"exchange",', '{"kind":"exchange","later":{"a":1},')
    expect((await replayed(folderOf({ 'later.ndjson': later }))).problems).toEqual([])
  })

  it('a key that the server echoes in body and headers is in no byte of it, and every chunk ends where it ended', async () => {
    const encoded = Buffer.from(KEY).toString('base64')
    const echo: Answer = (asked, response) =>
      stream(asked, response, {
        gapMs: 0,
        headers: { 'x-echo': String(asked.headers.authorization), 'set-cookie': `session=${KEY}` },
        fingerprint: `fp ${asked.headers.authorization}`,
        model: `m ${encoded}`,
      })
    const { samples, dir, file } = await recorded(echo, true)
    const text = readFileSync(file, 'utf8')
    const bodies = [...text.matchAll(/"body":"([A-Za-z0-9+/=]{40,})"/g)].map((match) =>
      Buffer.from(match[1] ?? '', 'base64').toString(),
    )
    expect(bodies.length).toBe(samples.length)
    expect(bodies[0]).toMatch(/"system_fingerprint":"fp [^"]*\*{20,}"/)
    for (const hay of [text, ...bodies])
      for (const needle of [KEY, encoded]) expect(hay.includes(needle), needle).toBe(false)
    expect(text).toContain('messages')
    const { recordings, problems } = await replayed(dir)
    expect(problems).toEqual([])
    const timed = (all: typeof samples): unknown => plain(all.map(({ route: _route, ...rest }) => rest))
    expect(timed(recordings[0]!.samples)).toEqual(timed(samples))
  })

  it.each([
    ['a folder that is not there', () => '/nonexistent/folder'],
    ['a folder without a recording', () => folderOf({})],
    ['an empty file', () => folderOf({ 'empty.ndjson': '' })],
  ])('%s is refused with 2', async (_, pathOf) => {
    expect(await replay(pathOf())).toMatchObject({ kind: 'refused', exit: 2 })
  })

  it('a folder that cannot be written is refused with 2 before anything is sent', async () => {
    const { url, asked } = await fakeTarget()
    const record = { dir: 's.yaml/inside', prompts: false }
    const { result } = await runHere(yaml(url), { env: { TEST_KEY: KEY }, record })
    expect(result).toMatchObject({ kind: 'refused', exit: 2, message: expect.stringContaining('--record') })
    expect(asked).toEqual([])
  })
})

const exchanges: fc.Arbitrary<Exchange> = fc
  .record({
    pieces: fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 12 }),
    gaps: fc.array(fc.nat(1e9), { minLength: 12, maxLength: 12 }),
    origin: fc.integer({ min: -1e15, max: 1e15 }),
    status: fc.option(fc.integer({ min: 100, max: 599 }), { nil: undefined }),
    reused: fc.boolean(),
    ms: fc.double({ min: 0, max: 1e5, noNaN: true }),
  })
  .map(({ pieces, gaps, origin, status, reused, ms }) => {
    let ns = origin
    let end = 0
    const chunkNs = Float64Array.from(pieces, (_, i) => (ns += gaps[i]!))
    const chunkEnd = Float64Array.from(pieces, (piece) => (end += piece.length))
    return {
      enqueuedNs: origin,
      startNs: origin + gaps[0]!,
      connection: { reused, dnsMs: ms, connectMs: ms / 3, tlsMs: 0, http: '1.1' },
      headersNs: status === undefined ? undefined : origin + gaps[0]! + gaps[1]!,
      status,
      headers: { 'content-type': 'text/event-stream' },
      body: Buffer.concat(pieces),
      chunkNs,
      chunkEnd,
      endMarkerChunk: pieces.length > 0 ? pieces.length - 1 : undefined,
      endNs: ns,
      failure: undefined,
    }
  })

describe('one exchange', () => {
  const cover = createRedactor([])

  it('comes back from JSON as it was: every byte, every nanosecond between two of its times', () => {
    fc.assert(
      fc.property(exchanges, fc.integer({ min: -1e15, max: 1e15 }), (exchange, originNs) => {
        const record: unknown = JSON.parse(JSON.stringify(toRecorded(exchange, originNs, cover)))
        const back = fromRecorded(recordedExchangeSchema.parse(record))
        if ('fault' in back) throw new Error(back.fault)
        expect(Buffer.from(back.body)).toEqual(Buffer.from(exchange.body))
        expect([...back.chunkEnd]).toEqual([...exchange.chunkEnd])
        expect([...back.chunkNs]).toEqual([...exchange.chunkNs].map((ns) => ns - originNs))
        const { enqueuedNs, startNs = 0, endNs } = exchange
        expect(back).toMatchObject({
          enqueuedNs: enqueuedNs - originNs,
          startNs: startNs - originNs,
          endNs: endNs - originNs,
          status: exchange.status,
          connection: exchange.connection,
          endMarkerChunk: exchange.endMarkerChunk,
        })
      }),
    )
  })

  it('a mask has the length of what it covers, in any bytes around it', () => {
    const secret = 'sk-secret/with+signs=="12345'
    const { mask } = createRedactor([secret])
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary-ascii' }),
        fc.string({ unit: 'binary-ascii' }),
        (before, after) => {
          const masked = mask(before + secret + after)
          expect(masked).toHaveLength((before + secret + after).length)
          expect(masked).not.toContain(secret)
        },
      ),
      { numRuns: 30 },
    )
  })
})
