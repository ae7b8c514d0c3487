/** What a law's fit takes and gives. */
import type { Curve } from './curve.js'
import type { Resamples } from './estimate.js'

export interface FitOptions extends Resamples {
  /** Prefill with its quadratic, or without. @default where it earns its place */
  curved?: boolean | undefined
}

/** Why there is no curve although samples of its kind were taken. */
export type FitNoteKind = 'one-length' | 'one-concurrency' | 'one-block'

export interface FitNote {
  kind: FitNoteKind
  message: string
}

export type Fitted = Omit<Curve, 'target' | 'law'> | { note: FitNote }
