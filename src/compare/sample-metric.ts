/** The metrics that have one value a sample, by their names in files. */
import type { Gaps, Sample } from '../sample/sample.js'

const GAPS = {
  'itl.mean': 'mean',
  'itl.p50': 'p50',
  'itl.p90': 'p90',
  'itl.p99': 'p99',
  'itl.max': 'max',
} as const satisfies Record<string, keyof Gaps>

const TIMES = [
  'dns',
  'connect',
  'tls',
  'ttfb',
  'ttfe',
  'ttft',
  'ttfvt',
  'ttftIntended',
  'tpot',
  'decodeRate',
  'e2e',
  'e2eIntended',
  'startDelay',
] as const satisfies readonly (keyof Sample)[]

export type SampleMetric = (typeof TIMES)[number] | keyof typeof GAPS

const isTime = (name: string): name is (typeof TIMES)[number] => TIMES.some((time) => time === name)

export function isSampleMetric(name: string): name is SampleMetric {
  return isTime(name) || Object.hasOwn(GAPS, name)
}

/** Null where the sample has none. */
export function valueOf(sample: Sample, metric: SampleMetric): number | null {
  return isTime(metric) ? sample[metric] : (sample.itl?.[GAPS[metric]] ?? null)
}

/** Whether less is better; of all metrics only a rate is not. */
export function lessIsBetter(name: string): boolean {
  return name !== 'decodeRate'
}
