/** The simulated provider's own metrics page, read beside a run: the two were written apart and must agree. */
import { expect, it } from 'vitest'
import { finished, runHere } from './run-here.js'

it('a run of the simulated provider reads its gauges and times from its /metrics, at its own address', async () => {
  const here = await runHere(`targets:
  - { name: sim, simulate: { profile: exact }, metrics: true }
probes:
  - { probe: concurrency, concurrency: [4], promptTokens: 256, outputTokens: 64, blocks: 6 }
warmup: { requests: 1 }
`)
  const { snapshot } = finished(here)
  expect(snapshot.notes.filter((note) => note.includes('metrics'))).toEqual([])
  const [metrics] = snapshot.serverMetrics ?? []
  expect(metrics).toMatchObject({ target: 'sim', engine: 'vllm', failed: 0 })
  // 25 requests; whatever was finished before the first reading is not among them.
  expect(metrics!.requests).toBeGreaterThanOrEqual(20)
  expect(metrics!.requests).toBeLessThanOrEqual(25)
  expect(metrics!.running!.max).toBeLessThanOrEqual(4)
  const ttft = snapshot.summary[0]!.ttft!.p50
  expect(metrics!.prefillMs! + (metrics!.queueMs ?? 0)).toBeLessThanOrEqual(ttft * 1.5)
  expect(metrics!.prefillMs).toBeGreaterThan(0)
})
