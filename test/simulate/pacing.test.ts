import { readFileSync, mkdtempSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { spawnSimulator } from '../../src/simulate/process.js'
import { ensureBuilt } from '../support/build.js'

const STREAMS = 200
const TPOT_MS = 20
const BASE_MS = 250
const TOKENS = 60

/** Opens one stream and gives how long after its due time each token was read, ms. */
function lateness(port: number): Promise<number[]> {
  const ask = {
    model: 'exact',
    stream: true,
    max_tokens: TOKENS,
    messages: [{ role: 'user', content: 'Hello.' }],
  }
  const body = JSON.stringify(ask)
  return new Promise((resolve, reject) => {
    const late: number[] = []
    const socket = connect(port, '127.0.0.1', () => {
      const beganMs = performance.now()
      // The first `content` is the empty one of the role.
      let token = -1
      socket.on('data', (part) => {
        const readMs = performance.now() - beganMs
        const text = part.toString('latin1')
        for (let at = text.indexOf('"content":'); at >= 0; at = text.indexOf('"content":', at + 1)) {
          if (token >= 0) late.push(readMs - (BASE_MS + token * TPOT_MS))
          token++
        }
        if (text.includes('[DONE]')) socket.destroy()
      })
      socket.on('close', () => resolve(late))
      socket.write(
        `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      )
    })
    socket.on('error', reject)
  })
}

it('200 streams of 50 tokens/s with phases spread evenly: no token early, all there, lateness told by both ends', async () => {
  await ensureBuilt()
  const truth = join(mkdtempSync(join(tmpdir(), 'simulate-')), 'truth.ndjson')
  const simulator = await spawnSimulator({
    profile: 'exact',
    set: { base: BASE_MS, fresh: 0, tpot: TPOT_MS },
    truth,
  })
  const port = Number(new URL(simulator.url).port)
  const streams = Array.from({ length: STREAMS }, async (_, i) => {
    await new Promise((resolve) => setTimeout(resolve, (i * TPOT_MS * 41) / STREAMS))
    return lateness(port)
  })
  const late = (await Promise.all(streams)).flat().toSorted((a, b) => a - b)
  await simulator.close()
  const records = readFileSync(truth, 'utf8').trimEnd().split('\n')
  const told = records.map(
    (line) => (JSON.parse(line) as { lateness: { meanMs: number; lateTokens: number } }).lateness,
  )
  const quantile = (p: number): string => late[Math.floor(p * (late.length - 1))]!.toFixed(3)
  console.table({
    'received late, ms': { p50: quantile(0.5), p90: quantile(0.9), p99: quantile(0.99), max: quantile(1) },
    'written late, ms': {
      mean: (told.reduce((sum, { meanMs }) => sum + meanMs, 0) / told.length).toFixed(3),
      'share > 1 ms': (told.reduce((sum, { lateTokens }) => sum + lateTokens, 0) / late.length).toFixed(4),
    },
  })
  expect(late).toHaveLength(STREAMS * TOKENS)
  expect(late[0]).toBeGreaterThan(0)
  expect(told).toHaveLength(STREAMS)
})
