/** What a warm visit stands on: a prefix in the cache, and since when it is left alone. */
import type { Visit } from '../plan/visit.js'

export interface WarmPrefix {
  /** Null: the visit asks for no warm prefix. */
  nonce: string | null
  /** When the answer to its prime had ended, on the run's clock. */
  primedNs: number
}

/** A visit whose prefix is primed and left alone until `dueNs`. */
export interface Ageing {
  visit: Visit
  prefix: WarmPrefix
  dueNs: number
}

export const NO_PREFIX: WarmPrefix = { nonce: null, primedNs: 0 }
