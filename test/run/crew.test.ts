import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Crew, CrewOptions } from '../../src/run/crew.js'
import { startCrew } from '../../src/run/crew.js'
import { loopsFor } from '../../src/run/workers.js'
import { systemClock } from '../../src/units/time.js'
import type { WireRequest } from '../../src/wire/exchange.js'
import { ensureBuilt } from '../support/build.js'

let server: Server
let origin: string
let folder: string
let dist: string
const ports = new Set<number>()

beforeAll(async () => {
  dist = await ensureBuilt()
  folder = mkdtempSync(join(tmpdir(), 'crew-'))
  server = createServer((request, response) => {
    ports.add(request.socket.remotePort ?? 0)
    const begin = (): void => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end('data: one\n\ndata: [DONE]\n\n')
    }
    if (request.url === '/slow') setTimeout(begin, 200)
    else if (request.url === '/never') return
    else begin()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  origin = `http://127.0.0.1:${address.port}`
})

afterAll(() => {
  server.closeAllConnections()
  server.close()
  rmSync(folder, { recursive: true })
})

const LIMIT_MS = 20_000
const ask = (path: string): WireRequest => ({
  method: 'GET',
  path,
  headers: {},
  body: null,
  endMarker: 'data: [DONE]',
  deadlines: { connectMs: LIMIT_MS, firstByteMs: LIMIT_MS, gapMs: LIMIT_MS, totalMs: LIMIT_MS },
})

async function withCrew<T>(options: Partial<CrewOptions>, body: (crew: Crew) => Promise<T>): Promise<T> {
  const crew = await startCrew({ workers: 2, clock: systemClock, ...options })
  if ('problem' in crew) throw new Error(crew.problem)
  try {
    return await body(crew)
  } finally {
    await crew.close()
  }
}

const connect = (crew: Crew, maxConnections = 20) =>
  crew.connect({ origin, clock: systemClock, http: '1.1', maxConnections, proxy: 'none' })

it('20 exchanges over 2 workers come back whole, with times of the clock of the main thread', () =>
  withCrew({}, async (crew) => {
    const transport = connect(crew)
    expect(await transport.warm(20)).toEqual({ opened: 20, failure: undefined })
    const beforeNs = systemClock.nowNs()
    const exchanges = await Promise.all(
      Array.from({ length: 20 }, () => transport.send(ask('/'), { connection: 'reused' })),
    )
    const afterNs = systemClock.nowNs()
    for (const { body, chunkNs, chunkEnd, startNs = 0, endNs, failure, endMarkerChunk } of exchanges) {
      expect(failure).toBeUndefined()
      expect(Buffer.from(body).toString()).toBe('data: one\n\ndata: [DONE]\n\n')
      expect(chunkEnd[endMarkerChunk ?? 0]).toBe(body.length)
      // Clocks of two threads are matched to microseconds.
      expect(startNs).toBeGreaterThan(beforeNs - 50_000)
      expect(chunkNs[0]).toBeGreaterThan(startNs)
      expect(endNs).toBeLessThan(afterNs + 50_000)
    }
    await transport.close()
  }))

it('a request handed over early starts at its due time, not before', () =>
  withCrew({}, async (crew) => {
    const transport = connect(crew)
    await transport.warm(2)
    const notBeforeNs = systemClock.nowNs() + 80e6
    const { startNs = 0 } = await transport.send(ask('/'), { connection: 'reused', notBeforeNs })
    expect(startNs - notBeforeNs).toBeGreaterThan(-50_000)
    await transport.close()
  }))

it('a stop cuts off what a worker has in the air', () =>
  withCrew({}, async (crew) => {
    const control = new AbortController()
    const sent = connect(crew).send(ask('/never'), { connection: 'reused', signal: control.signal })
    setTimeout(() => control.abort(), 100)
    expect((await sent).failure).toMatchObject({ kind: 'aborted' })
  }))

it('each worker watches its own event loop', () =>
  withCrew({ workers: 3 }, async (crew) => expect(await crew.loops()).toHaveLength(3)))

/** A worker that runs out of its heap when it is handed the request that is its end. */
function dying(): string {
  const entry = join(folder, 'dying.mjs')
  writeFileSync(
    entry,
    `import { parentPort, threadId } from 'node:worker_threads'
     parentPort.on('message', ({ request }) => {
       if (request?.path === '/fatal') for (const held = []; ; ) held.push(new Array(1e6).fill({}))
     })
     await import(${JSON.stringify(pathToFileURL(join(dist, 'src/run/worker.js')).href)})`,
  )
  return entry
}

it('a worker out of memory costs the requests in its hands, and the crew says that the load fell short', () =>
  withCrew({ entry: dying(), heapMb: 24 }, async (crew) => {
    const transport = connect(crew)
    const slow = Array.from({ length: 4 }, () => transport.send(ask('/slow'), { connection: 'reused' }))
    expect(crew.lost()).toBeNull()
    const fatal = transport.send(ask('/fatal'), { connection: 'reused' })
    const failures = (await Promise.all([...slow, fatal])).map(({ failure }) => failure?.kind)
    expect(crew.lost()).toMatch(/died \(.*memory.*\) with 3 requests in the air: the load fell short/)
    expect(failures.filter((kind) => kind === 'resource')).toHaveLength(3)
    expect(failures.filter((kind) => kind === undefined)).toHaveLength(2)
    // The one that lives carries on.
    expect((await transport.send(ask('/'), { connection: 'reused' })).failure?.kind).toBeUndefined()
  }))

it('a worker that cannot start is a problem, said in words', async () => {
  const crew = await startCrew({ workers: 2, clock: systemClock, entry: join(folder, 'missing.mjs') })
  expect(crew).toMatchObject({ problem: expect.stringContaining('--workers 0') as string })
})

it.each([
  [1, 8, 0],
  [15, 8, 0],
  [16, 8, 1],
  [500, 8, 1],
  [501, 8, 2],
  [2000, 8, 4],
  [2000, 2, 2],
  [2000, 1, 1],
])('%i requests in flight on %i cores take %i threads beside the main one', (inFlight, cores, loops) => {
  expect(loopsFor(inFlight, cores)).toBe(loops)
})
