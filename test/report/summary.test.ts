import { expect, test } from 'vitest'
import { summaryOf } from '../../src/report/summary.js'
import { terminalSummary, wrap } from '../../src/report/terminal.js'
import { summarise } from '../../src/run/summarise.js'
import type { Curve } from '../../src/curve/curve.js'
import type { Sample } from '../../src/sample/sample.js'
import type { Snapshot } from '../../src/snapshot/snapshot.js'
import { sampleOf } from './sample.js'

function snapshotOf(samples: Sample[], fields: Partial<Snapshot> = {}): Snapshot {
  return {
    format: 'plumbline.snapshot/1',
    id: '20261124T060000Z-0001',
    checksum: 'sha256:0',
    startedAt: '2026-11-24T06:00:00.000Z',
    endedAt: '2026-11-24T06:00:26.000Z',
    partial: false,
    scenario: { name: 'quickstart', file: null, hash: 'sha256:0', text: '' },
    provenance: {
      harness: '0.1.0',
      commit: null,
      node: 'v20',
      os: 'linux',
      cpu: '2 x cpu',
      seed: 1,
      runId: 'r',
      definitions: {},
    },
    instrument: {
      timerNs: 40,
      error: { p50: 0.04, p99: 0.9, streams: 8, n: 224 },
      loopDelay: { p50: 0.1, p99: 1.3, max: 6 },
      arrivals: [],
      overloaded: false,
      warnings: [],
    },
    targets: [
      {
        name: 'sim',
        provider: 'simulated',
        protocol: 'openai-chat',
        baseUrl: 'simulated://exact',
        model: 'm',
        tokenizer: 'o200k_base',
      },
    ],
    curves: [],
    summary: summarise(samples),
    spent: { requests: samples.length, promptTokens: 1000, outputTokens: 100, cost: null },
    notes: [],
    samples,
    ...fields,
  }
}

const many = (n: number, fields: (i: number) => Partial<Sample>): Sample[] =>
  Array.from({ length: n }, (_, i) => sampleOf({ id: `s-${i}`, block: i, atMs: i * 200, ...fields(i) }))

test('a median stands with its interval and count; a quantile that n cannot carry is not given', () => {
  const [row] = summarise(many(20, (i) => ({ ttft: 100 + i })))
  expect(row!.n).toBe(20)
  expect(row!.ttft).toMatchObject({ p50: 109.5, p50Low: 105, p50High: 114, p90: null, p99: null })
})

test('failed, untimed and contradicted samples stand in no latency, and are counted', () => {
  const samples = [
    ...many(6, () => ({ ttft: 10 })),
    sampleOf({ id: 'w', warmup: true, ttft: 9000 }),
    sampleOf({ id: 'c', cacheState: 'contradicted', ttft: 9000 }),
    sampleOf({ id: 'f', outcome: 'http-5xx', ttft: null, e2e: null }),
  ]
  const [row] = summarise(samples)
  expect(row).toMatchObject({
    n: 6,
    errors: { 'http-5xx': 1 },
    cacheStates: { confirmed: 6, contradicted: 1 },
  })
  expect(row!.ttft!.p50).toBe(10)
  const text = terminalSummary(summaryOf(snapshotOf(samples)))
  expect(text).toContain('1 FAILED')
  expect(text).toContain('1 http-5xx')
  expect(text).toMatch(/1 sample in another cache state than asked/)
})

test('requests and output tokens per second count the time in which the cell was visited', () => {
  const samples = [0, 1].flatMap((block) =>
    [0, 1].map((i) =>
      sampleOf({ id: `${block}${i}`, block, atMs: block * 60_000 + i * 500, e2e: 500, outputTokens: 16 }),
    ),
  )
  const [row] = summarise(samples)
  expect(row!.requestsPerS).toBeCloseTo(2, 6)
  expect(row!.outputTokensPerS).toBeCloseTo(32, 6)
})

test('lines keep to 80 columns and hold no control codes', () => {
  const samples = [128, 512, 32_768].flatMap((promptTokens) =>
    many(30, (i) => ({
      cell: `prompt-length/${promptTokens}`,
      asked: { ...sampleOf({}).asked, promptTokens },
      ttft: promptTokens + i,
    })),
  )
  const text = terminalSummary(
    summaryOf(snapshotOf(samples, { notes: [`a note \u001b[2J ${'long '.repeat(40)}`] })),
  )
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/)
})

test('an event loop that was never looked at has no delay of 0 ms', () => {
  const base = snapshotOf(many(6, () => ({})))
  const instrument = { ...base.instrument, loopDelay: { p50: 0, p99: 0, max: 0 } }
  const lineOf = (each: Snapshot): string => terminalSummary(summaryOf(each)).replaceAll(/\s+/g, ' ')
  expect(lineOf({ ...base, instrument })).toContain('; event-loop delay not measured')
  expect(lineOf(base)).toContain('; event-loop delay p99 1.30 ms, max 6.00 ms')
})

test('an overloaded instrument and a partial run are said in capitals', () => {
  const base = snapshotOf(many(6, () => ({})))
  const text = terminalSummary(
    summaryOf({
      ...base,
      partial: true,
      partialReason: 'interrupted',
      instrument: { ...base.instrument, overloaded: true },
    }),
  )
  expect(text).toContain('PARTIAL (interrupted)')
  expect(text).toContain('OVERLOADED')
})

test('wrapping keeps every word, and a word longer than the line whole', () => {
  const text = `some words ${'x'.repeat(100)} and more`
  expect(wrap(text, '    ').split(/\s+/)).toEqual(text.split(' '))
})

test('contention says at which lengths it was told', () => {
  const curve: Curve = {
    target: 'sim',
    law: 'contention',
    parameters: { tpotPerPeer: { value: 0.2, low: 0.1, high: 0.3, se: 0.04, unit: 'ms' } },
    residual: { quantiles: [], sd: 0.1 },
    validity: { concurrency: [1, 4], prompt: [1022, 1024], output: [64, 64] },
    samples: 30,
    blocks: 6,
    regimes: 1,
    warnings: [],
  }
  const samples = many(2, () => ({}))
  const [target] = summaryOf(snapshotOf(samples, { curves: [curve] })).targets
  expect(target?.curves[0]?.text).toBe(
    'tpotPerPeer 0.2 [0.1, 0.3] ms; at 1,022-1,024 prompt tokens and 64 output tokens; 30 samples in 6 blocks',
  )
})
