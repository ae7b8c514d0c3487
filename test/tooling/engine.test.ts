import { describe, expect, it } from 'vitest'
import { judge } from '../../scripts/engine/judge.mjs'

type Snapshot = Parameters<typeof judge>[0]
type Sample = Snapshot['samples'][number]

const LENGTHS = [64, 128, 256, 512, 1024, 2048]

/** An engine that answers 4 ms after its prefill began to be asked for, at 3 ms a token, and says so. */
function sampleOf(probe: string, promptTokens: number, cache: string, over: Partial<Sample> = {}): Sample {
  const prefixTokens = cache === 'warm' ? promptTokens - 64 : 0
  const prefillMs = 3 * (promptTokens - prefixTokens)
  return {
    probe,
    cell: `${probe} ${promptTokens} ${cache}`,
    outcome: 'ok',
    warmup: false,
    cacheState: 'confirmed',
    asked: { promptTokens, prefixTokens, cache },
    ttfb: 4,
    ttft: 4 + prefillMs,
    tpot: 20,
    promptTokens,
    cachedTokens: prefixTokens,
    outputTokens: 32,
    serverTimings: { prefillMs, decodeMs: 31 * 20 },
    ...over,
  }
}

function snapshotOf(change: (sample: Sample) => Partial<Sample> = () => ({})): Snapshot {
  const samples = Array.from({ length: 3 }, () => [
    ...LENGTHS.map((length) => sampleOf('prompt-length', length, 'fresh')),
    ...['fresh', 'warm'].map((cache) => sampleOf('prefix-cache', 512, cache)),
  ]).flat()
  return {
    partial: false,
    samples: samples.map((sample) => ({ ...sample, ...change(sample) })),
    curves: [
      { law: 'prefill', parameters: { base: { value: 4 }, fresh: { value: 3000 }, hit: { value: 0 } } },
    ],
  }
}

const failing = (snapshot: Snapshot) =>
  judge(snapshot)
    .filter(({ passed }) => !passed)
    .map(({ name }) => name.slice(0, 22))

const prefill = (add: number) => (sample: Sample) => ({ ttft: (sample.ttft ?? 0) + add })
const isWarm = ({ asked }: Sample) => asked.cache === 'warm'

describe('what check:engine judges', () => {
  it('8 checks pass on a run that agrees with its engine', () => {
    expect(judge(snapshotOf()).map(({ passed }) => passed)).toEqual(Array(8).fill(true))
  })

  it.each<[string, Snapshot, string[]]>([
    ['a partial run', { ...snapshotOf(), partial: true }, ['the run is whole, with']],
    ['one request of 24 failed', withOne({ outcome: 'closed' }), ['the run is whole, with']],
    ['a prompt 10 % too long', withOne({ promptTokens: 71 }), ['prompts have the lengt']],
    ['one state unverified', withOne({ cacheState: 'unverified' }), ['the engine confirms ev']],
    ['prefill 10 ms late', snapshotOf(prefill(10)), ['TTFT of a fresh prompt', 'TTFT less TTFB agrees ']],
    [
      'the warm prefill alone 10 ms late',
      snapshotOf((sample) => (isWarm(sample) ? prefill(10)(sample) : {})),
      ['TTFT less TTFB agrees '],
    ],
    ['decode 4 % slow', snapshotOf(() => ({ tpot: 20 * 1.04 })), ['decode time agrees wit']],
    ['no decode time', withOne({ tpot: null }), ['decode time agrees wit']],
    [
      'warm no faster than fresh',
      snapshotOf((sample) =>
        isWarm(sample) ? { ttft: 1600, serverTimings: { prefillMs: 1596, decodeMs: 620 } } : {},
      ),
      ['a warm prefix of 448 t'],
    ],
    ['no curve', { ...snapshotOf(), curves: [] }, ['fresh TTFT follows the']],
    [
      'a curve of twice the slope',
      { ...snapshotOf(), curves: [{ law: 'prefill', parameters: { fresh: { value: 6000 } } }] },
      ['fresh TTFT follows the'],
    ],
  ])('%s fails its own checks and no other', (_, snapshot, names) => {
    expect(failing(snapshot)).toEqual(names)
  })

  it('a run without samples passes nothing', () => {
    expect(judge({ partial: false, samples: [], curves: [] }).every(({ passed }) => !passed)).toBe(true)
  })
})

/** The first sample, changed. */
function withOne(change: Partial<Sample>): Snapshot {
  const { samples, ...rest } = snapshotOf()
  return { ...rest, samples: samples.map((sample, i) => (i === 0 ? { ...sample, ...change } : sample)) }
}
