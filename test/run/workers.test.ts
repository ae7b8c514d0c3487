import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { ensureBuilt } from '../support/build.js'
import { finished, runHere } from './run-here.js'

const yaml = (load: string, requests: number): string => `name: crew
targets:
  - { name: sim, simulate: { profile: exact, set: { base: 20, tpot: 1 } } }
probes:
  - { probe: arrival-rate, rate: [100], arrivals: constant, seconds: ${requests / 100}, blocks: 1, promptTokens: 64, outputTokens: 8, maxInFlight: 50 }
${load}
`

it('a run on 2 workers makes one snapshot: 40 of 40 requests, arrivals as asked, and it says 2 workers', async () => {
  await ensureBuilt()
  const { snapshot, stop } = finished(await runHere(yaml('workers: 2', 40)))
  expect(stop).toBeNull()
  const samples = snapshot.samples.filter(({ warmup }) => !warmup)
  expect(samples.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 40 }, () => 'ok'))
  expect(new Set(samples.map(({ cell }) => cell)).size).toBe(1)
  expect(snapshot.instrument.workers).toBe(2)
  expect(snapshot.instrument.arrivals).toMatchObject([{ process: 'constant', asked: 100 }])
  // Due times lie 10 ms apart, whichever worker kept them.
  const due = samples.map(({ atMs, startDelay }) => atMs - startDelay).sort((a, b) => a - b)
  for (const [i, at] of due.slice(1).entries()) expect(at - due[i]!).toBeCloseTo(10, 1)
})

it('a worker that dies ends the run: what was measured is kept, the load is said to be short', async () => {
  const dist = await ensureBuilt()
  const folder = mkdtempSync(join(tmpdir(), 'crew-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const workerEntry = join(folder, 'dying.mjs')
  writeFileSync(
    workerEntry,
    `import { parentPort } from 'node:worker_threads'
     let sent = 0
     parentPort.on('message', ({ kind }) => {
       if (kind === 'send' && ++sent === 60) process.exit(1)
     })
     await import(${JSON.stringify(pathToFileURL(join(dist, 'src/run/worker.js')).href)})`,
  )
  const { snapshot, stop } = finished(await runHere(yaml('workers: 2', 200), { workerEntry }))
  expect(stop).toMatchObject({
    reason: 'worker',
    message: expect.stringContaining('the load fell short') as string,
  })
  expect(snapshot.partial).toBe(true)
  const ok = snapshot.samples.filter(({ outcome, warmup }) => outcome === 'ok' && !warmup).length
  expect(ok).toBeGreaterThan(10)
  expect(ok).toBeLessThan(200)
})

it('a trace gives the load its times: 4 arrivals 20, 30 and 50 ms apart', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'trace-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'trace.jsonl')
  writeFileSync(file, [0, 40, 100, 200].map((timestamp) => JSON.stringify({ timestamp })).join('\n'))
  const own = `name: trace
targets:
  - { name: sim, simulate: { profile: exact, set: { base: 5, tpot: 1 } } }
probes:
  - { probe: prompt-length, promptTokens: [64], blocks: 1 }
load: { trace: { file: ${JSON.stringify(file)}, speed: 2 }, maxInFlight: 8 }
`
  const { snapshot } = finished(await runHere(own))
  const due = snapshot.samples
    .filter(({ asked }) => asked.arrivals === 'trace')
    .map(({ atMs, startDelay }) => atMs - startDelay)
    .sort((a, b) => a - b)
    .slice(0, 4)
  expect(due.slice(1).map((at, i) => Math.round(at - due[i]!))).toEqual([20, 30, 50])
})

it('a trace that cannot be read is refused with its path: exit 2', async () => {
  const { result } = await runHere(yaml('load: { trace: { file: missing.jsonl }, maxInFlight: 8 }', 10))
  expect(result).toMatchObject({
    kind: 'refused',
    exit: 2,
    message: expect.stringContaining('missing.jsonl') as string,
  })
})
