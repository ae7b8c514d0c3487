/** A snapshot from an exact law and a noise, whole as a run leaves it but for its summary. */
import { fitCurves } from '../../src/curve/fit-curves.js'
import { createRandom } from '../../src/random/random.js'
import { definitions, type Sample } from '../../src/sample/sample.js'
import { SNAPSHOT_FORMAT, type Snapshot, type SnapshotTarget } from '../../src/snapshot/snapshot.js'
import { lognormal, NINE_CELLS, simulatedRun, type RunDesign, type TrueLaw } from '../curve/simulated-run.js'

export const LAW: TrueLaw = { base: 400, fresh: 45, hit: 12, step: 10, perContext: 0.5 }

export function simulatedSnapshot(
  id: string,
  design: Partial<RunDesign> = {},
  options: { resamples?: number; change?: Partial<Snapshot> } = {},
): Snapshot {
  const random = createRandom(id)
  const samples = simulatedRun({
    law: LAW,
    cells: NINE_CELLS,
    blocks: 20,
    noise: lognormal(0.05),
    random,
    ...design,
  })
  return snapshotOf(id, samples, options)
}

export function snapshotOf(
  id: string,
  samples: readonly Sample[],
  { resamples = 99, change = {} }: { resamples?: number; change?: Partial<Snapshot> } = {},
): Snapshot {
  const targets = [...new Set(samples.map(({ target }) => target))].map(targetOf)
  const { curves } = fitCurves(samples, { random: createRandom(`${id}/curves`), resamples })
  return {
    format: SNAPSHOT_FORMAT,
    id,
    checksum: 'sha256:0',
    startedAt: '2026-11-23T09:00:00.000Z',
    endedAt: '2026-11-23T09:48:00.000Z',
    partial: false,
    scenario: { name: 'test', file: null, hash: 'sha256:0', text: 'name: test' },
    provenance: {
      harness: '0.1.0',
      commit: null,
      node: 'v22.0.0',
      os: 'linux',
      cpu: '2 x cpu',
      seed: 1,
      runId: id,
      definitions,
    },
    instrument: {
      timerNs: 40,
      error: null,
      loopDelay: { p50: 0, p99: 1, max: 2 },
      arrivals: [],
      overloaded: false,
      warnings: [],
    },
    targets,
    curves,
    summary: [],
    spent: { requests: samples.length, promptTokens: 0, outputTokens: 0, cost: null },
    notes: [],
    samples,
    ...change,
  }
}

export function targetOf(name: string): SnapshotTarget {
  return {
    name,
    provider: 'openai',
    protocol: 'openai-chat',
    baseUrl: 'http://127.0.0.1:1',
    model: 'm',
    tokenizer: 'o200k_base',
  }
}
