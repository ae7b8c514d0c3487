/** Which samples stand in which figures: said once, for summary, curves and comparisons alike. */
import type { Sample } from './sample.js'

type Judged = Pick<Sample, 'outcome' | 'warmup' | 'cacheState' | 'asked'>

/** In latency figures: a success of the measured kind, in the cache state that was asked for. */
export function counts({ outcome, warmup, cacheState }: Judged): boolean {
  return outcome === 'ok' && !warmup && cacheState !== 'contradicted'
}

/** Asked warm of a server that does not say what it served from its cache: it may have been cold. */
export function isUnproven({ cacheState, asked }: Judged): boolean {
  return asked.cache === 'warm' && cacheState === 'unverified'
}
