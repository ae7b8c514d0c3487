/** The hot path and what follows it: stamping and framing 1,000 events an iteration, so that hz × 1,000 is events a second. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bench, describe } from 'vitest'
import { fitCurves } from '../../src/curve/fit-curves.js'
import { frameBody } from '../../src/protocol/frame.js'
import { openaiChat } from '../../src/protocol/openai-chat.js'
import { createRandom } from '../../src/random/random.js'
import { encodeSnapshot, writeSnapshot } from '../../src/snapshot/format.js'
import { systemClock } from '../../src/units/time.js'
import { Flight } from '../../src/wire/flight.js'
import { FRESH_CELLS, lognormal, simulatedRun } from '../curve/simulated-run.js'
import { sampleOf, snapshotOf } from '../snapshot/data.js'

const EVENTS = 1000
const chunks = Array.from({ length: EVENTS }, (_, i) =>
  Buffer.from(
    `data: ${JSON.stringify({
      id: 'chatcmpl-1',
      object: 'chat.completion.chunk',
      created: 1767225600,
      model: 'bench',
      choices: [{ index: 0, delta: { content: ` word${i}` }, finish_reason: null }],
    })}\n\n`,
  ),
)
chunks.push(Buffer.from('data: [DONE]\n\n'))
const body = Buffer.concat(chunks)
let end = 0
const chunkEnd = Float64Array.from(chunks, (chunk) => (end += chunk.length))

describe('1,000 events', () => {
  const limitMs = 60_000
  const request = {
    method: 'POST',
    path: '/',
    headers: {},
    body: null,
    endMarker: openaiChat.endMarker,
    deadlines: { connectMs: limitMs, firstByteMs: limitMs, gapMs: limitMs, totalMs: limitMs },
  } as const

  bench('stamping', () => {
    const flight = new Flight(request, { at: 'x', clock: systemClock, signal: undefined, onLanded: () => {} })
    const reading = { ns: 0, count: 0 }
    for (const chunk of chunks) {
      reading.ns = systemClock.nowNs()
      reading.count += chunk.length
      flight.data(reading, chunk)
    }
    flight.complete(systemClock.nowNs())
  })

  bench('framing', () => {
    if (frameBody(body, chunkEnd, 'sse').frames.length !== EVENTS + 1) throw new Error('events were lost')
  })

  const { frames } = frameBody(body, chunkEnd, 'sse')
  bench('decoding', () => {
    let outputs = 0
    for (const { frame } of frames)
      for (const event of openaiChat.decode(frame)) if (event.kind === 'output') outputs++
    if (outputs !== EVENTS) throw new Error('events were lost')
  })
})

describe('a run', () => {
  const law = { base: 80, fresh: 100, hit: 2, step: 12, perContext: 0.5 }
  const random = createRandom('bench')
  const samples = simulatedRun({ law, cells: FRESH_CELLS, blocks: 20, random, noise: lognormal(0.1) })
  bench('fitting the curves of 120 samples', () => void fitCurves(samples, { random: createRandom(1) }))

  const snapshot = snapshotOf({ samples: Array.from({ length: 1000 }, (_, i) => sampleOf(i)) })
  const folder = mkdtempSync(join(tmpdir(), 'bench-'))
  bench('a snapshot of 1,000 samples to text', () => void encodeSnapshot(snapshot))
  bench(
    'a snapshot of 1,000 samples to disk',
    async () => void (await writeSnapshot(join(folder, 's.json'), snapshot)),
    { teardown: () => rmSync(folder, { recursive: true, force: true }) },
  )
})
