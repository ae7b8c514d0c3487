/** A fitted law of a target, as it stands in a snapshot. */
import type { Law } from '../plan/probe.js'

export type ParameterUnit = 'ms' | 'us/token' | 'us/token^2' | 'ms/token' | 'us/token/token' | 'tokens' | 's'

/** A parameter with its 95 % interval [low, high]; `se` is the unstretched standard error that compare uses. */
export interface Parameter {
  value: number
  low: number
  high: number
  se: number
  unit: ParameterUnit
  /** The fit pushed it below zero and it was held at 0. */
  bounded?: boolean | undefined
  /** It rests on samples whose cache state the server did not report; never gated. */
  unverified?: boolean | undefined
  /** Blocks that hold what it is the price of, where fewer than the curve's: a design that chooses its cells asks some seldom. */
  blocks?: number | undefined
}

/** The law of the faster of two regimes, and how the slower one differs. */
export interface FastCurve {
  parameters: Readonly<Record<string, Parameter>>
  /** Share of the slow regime, its times ÷ those of the fast one, and its mean spell in successive requests. */
  share: number
  ratio: number
  spell: number
}

export interface Curve {
  target: string
  law: Law
  parameters: Readonly<Record<string, Parameter>>
  /** Log residuals ln(observed ÷ predicted): 99 quantiles (.01 … .99) and standard deviation. */
  residual: { quantiles: readonly number[]; sd: number }
  /** Sampled range of each input; nothing is said outside it. */
  validity: Readonly<Record<string, readonly [number, number]>>
  samples: number
  blocks: number
  /** 1, or 2 where the residuals are bimodal. */
  regimes: number
  /** Where there are two regimes and the law of the fast one could be fitted. `parameters` are the median of both. */
  fast?: FastCurve | undefined
  /** Sentences on when not to trust it. */
  warnings: readonly string[]
}
