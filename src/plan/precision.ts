/** How closely a curve is to be known, and which of its parameters that is asked of. */

/** Wanted half-width of each parameter's 95 % interval, as a share of it: one for all, or one by parameter. */
export type Precision = number | Readonly<Record<string, number>>

/** A parameter as fitted so far, in the units of a curve. */
export interface Known {
  value: number
  low: number
  high: number
}

/** With one precision for all: these must reach it by themselves; of the others doubt may stay that moves no prediction as far. */
const MAIN = new Set(['base', 'fresh', 'step'])

/** Null where nothing is asked of it. */
export function targetOf(precision: Precision, parameter: string): number | null {
  if (typeof precision === 'number') return precision
  // The level of contention is fitted and not kept: nobody can ask for it.
  return precision[parameter] ?? null
}

/** Whether a parameter must be known by itself, and not only as far as it moves predictions. */
export const countsByItself = (precision: Precision, parameter: string): boolean =>
  typeof precision !== 'number' || MAIN.has(parameter)
