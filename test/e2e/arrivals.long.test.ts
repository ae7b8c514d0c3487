/** Open loops of whole runs, seen from the server: arrivals at their times, and the bound of requests in flight. */
import { expect, test } from 'vitest'
import type { Sample } from '../../src/sample/sample.js'
import { runCli, workspace } from '../support/cli.js'
import { fakeTarget, stream } from '../support/fake-target.js'

/** An open loop against a server that takes 100 ms, whatever comes. */
async function openLoop(arrivals: string, rate: number, maxInFlight: number, seconds: number) {
  const server = await fakeTarget((asked, response) => stream(asked, response, { firstMs: 100, gapMs: 0 }))
  const here = workspace()
  const load = `rate: [${rate}], arrivals: ${arrivals}, maxInFlight: ${maxInFlight}, seconds: ${seconds}, blocks: 1`
  const probe = `{ probe: arrival-rate, ${load}, promptTokens: 64, outputTokens: 2 }`
  const target = `{ name: t, baseUrl: '${server.url}', model: m, tokenizer: o200k_base }`
  here.write('s.yaml', `targets:\n  - ${target}\nprobes:\n  - ${probe}\n`)
  expect(await runCli(['run', 's.yaml', '--quiet'], { cwd: here.path })).toMatchObject({ code: 0 })
  const { instrument, samples } = await here.snapshot('s')
  const sent = samples.filter(({ warmup }) => !warmup).sort((a, b) => a.atMs - b.atMs)
  return { server, samples: sent, arrivals: instrument.arrivals, warnings: instrument.warnings }
}
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!
const gapsOf = (samples: readonly Sample[]): number[] =>
  samples.slice(1).map(({ atMs }, i) => atMs - samples[i]!.atMs)

test('constant arrivals: even gaps, whatever the answers take', async () => {
  const { server, samples, arrivals } = await openLoop('constant', 50, 50, 1)
  expect(samples).toHaveLength(50)
  expect(Math.abs(median(gapsOf(samples)) - 20)).toBeLessThan(4)
  expect(server.mostInFlight()).toBeGreaterThan(2)
  expect(arrivals).toEqual([expect.objectContaining({ target: 't', asked: 50, process: 'constant' })])
  expect(median(samples.map(({ startDelay }) => startDelay))).toBeLessThan(5)
})

test('poisson arrivals: gaps as uneven as chance makes them', async () => {
  const { samples, arrivals } = await openLoop('poisson', 50, 50, 1.2)
  const gaps = gapsOf(samples)
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length
  const sd = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / (gaps.length - 1))
  // 99.9 % of runs of 60 exponential gaps; constant ones have 0.
  expect(sd / mean).toBeGreaterThan(0.6)
  expect(sd / mean).toBeLessThan(1.7)
  expect(arrivals).toEqual([expect.objectContaining({ target: 't', asked: 50, process: 'poisson' })])
})

test('a bound of requests in flight holds starts back, and the delay is counted from the intended start', async () => {
  const { server, samples, warnings } = await openLoop('constant', 40, 2, 1)
  expect(server.mostInFlight()).toBe(2)
  const last = samples.at(-1)!
  // 40 requests of 100 ms, two at a time, are 2 s of work for 1 s.
  expect(last.startDelay).toBeGreaterThan(500)
  expect(last.ttftIntended! - last.ttft!).toBeCloseTo(last.startDelay, 3)
  expect(last.ttft).toBeLessThan(500)
  expect(warnings.join(' ')).toMatch(/waited for one of 2 in flight/)
})
