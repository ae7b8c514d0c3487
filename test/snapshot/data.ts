/** Data of our own making for the tests of this room. */
import type { Sample } from '../../src/sample/sample.js'
import type { JournalHeader } from '../../src/snapshot/journal-line.js'
import type { Snapshot } from '../../src/snapshot/snapshot.js'

export function sampleOf(number: number, change: Partial<Sample> = {}): Sample {
  return {
    id: `s-${String(number).padStart(6, '0')}`,
    target: 'gpt',
    probe: 'prompt-length',
    cell: 'prompt-length/1024/64/fresh/c1/reused',
    block: 0,
    attempt: 1,
    warmup: false,
    outcome: 'ok',
    status: 200,
    asked: {
      promptTokens: 1024,
      prefixTokens: 0,
      outputTokens: 64,
      cache: 'fresh',
      concurrency: 1,
      rate: null,
      connection: 'reused',
    },
    startedAt: '2026-11-23T09:00:04.117Z',
    atMs: 4117.25,
    startDelay: 0.08,
    reused: true,
    dns: 0,
    connect: 0,
    tls: 0,
    ttfb: 181.4,
    ttfe: 182,
    ttft: 412.6,
    ttfvt: 412.6,
    ttftIntended: 412.7,
    tpot: 9.84,
    decodeRate: 101.6,
    e2e: 1033.1,
    e2eIntended: 1033.2,
    itl: { count: 62, mean: 9.9, p50: 9.7, p90: 11.2, p99: 24, max: 31.5 },
    coalesced: 1,
    promptTokens: 1031,
    cachedTokens: 0,
    outputTokens: 64,
    tokenSource: 'usage',
    cacheState: 'confirmed',
    finishReason: 'length',
    bytes: 14210,
    cost: { currency: 'USD', amount: 0.00231 },
    serverTimings: { totalMs: 1008, raw: { 'openai-processing-ms': '1008' } },
    route: { requestId: 'req_1', model: 'gpt-x-2026-08-01', region: 'FRA' },
    ...change,
  }
}

const scenario = {
  name: 'openai',
  file: 'openai.yaml',
  hash: 'sha256:0',
  text: 'name: openai\n# Grüße\u0007\n',
}

const provenance = {
  harness: '0.1.0',
  commit: null,
  node: 'v22.1.0',
  os: 'linux 6.1 x64',
  cpu: '2 x some processor',
  seed: 42,
  runId: '20261123T090000Z-7f3a',
  definitions: { ttft: 'ttft/1' },
}

const instrument = {
  timerNs: 41,
  error: { p50: 0.04, p99: 0.9, streams: 8, n: 512 },
  loopDelay: { p50: 0.1, p99: 1.3, max: 6 },
  arrivals: [],
  overloaded: false,
  warnings: [],
}

const target = {
  name: 'gpt',
  provider: 'openai',
  protocol: 'openai-chat',
  baseUrl: 'https://api.openai.com/v1',
  model: 'gpt-x',
  tokenizer: 'o200k_base',
}

export function headerOf(run = provenance.runId): Omit<JournalHeader, 'format'> {
  return {
    run,
    startedAt: '2026-11-23T09:00:00.000Z',
    scenario,
    seed: 42,
    planHash: 'sha256:1',
    currency: 'USD',
    provenance: { ...provenance, runId: run },
    instrument,
    targets: [target],
  }
}

export function snapshotOf(change: Partial<Snapshot> = {}): Snapshot {
  return {
    format: 'plumbline.snapshot/1',
    id: provenance.runId,
    checksum: '',
    startedAt: '2026-11-23T09:00:00.000Z',
    endedAt: '2026-11-23T09:48:12.402Z',
    partial: false,
    scenario,
    provenance,
    instrument,
    targets: [target],
    curves: [
      {
        target: 'gpt',
        law: 'prefill',
        parameters: {
          base: { value: 402.1, low: 391, high: 413.4, se: 5.2, unit: 'ms' },
          hit: { value: 11.9, low: 8, high: 16.1, se: 1.9, unit: 'us/token', unverified: false },
        },
        residual: { quantiles: [-0.21, 0, 0.34], sd: 0.14 },
        validity: { fresh: [128, 8192] },
        samples: 240,
        blocks: 20,
        regimes: 1,
        warnings: [],
      },
    ],
    summary: [
      {
        target: 'gpt',
        probe: 'prompt-length',
        cell: 'prompt-length/1024/64/fresh/c1/reused',
        promptTokens: 1024,
        prefixTokens: 0,
        outputTokens: 64,
        cache: 'fresh',
        concurrency: 1,
        rate: null,
        connection: 'reused',
        n: 20,
        errors: { 'http-429': 1 },
        cacheStates: { confirmed: 20, contradicted: 0, unverified: 0 },
        ttft: { p50: 441, p50Low: 425.2, p50High: 460.3, p90: null, p99: null },
        tpot: null,
        e2e: null,
        requestsPerS: 0.9,
        outputTokensPerS: null,
      },
    ],
    spent: { requests: 2, promptTokens: 2062, outputTokens: 128, cost: { currency: 'USD', amount: 0.00462 } },
    notes: [],
    samples: [
      sampleOf(1),
      sampleOf(2, { outcome: 'reset', status: null, detail: 'connection reset', ttft: null }),
    ],
    ...change,
  }
}
