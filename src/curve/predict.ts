/** What the curves of a target say of a request of any shape, and where they fall silent. */
import type { Law } from '../plan/probe.js'
import { quantile } from '../stats/quantile.js'
import type { Curve, Parameter } from './curve.js'

export interface Shape {
  promptTokens: number
  /** Of the prompt tokens, those served from the prefix cache. */
  cachedTokens: number
  outputTokens: number
  concurrency: number
}

/** A median with the interval that holds 95 % of single requests: doubt about the law and scatter about it. */
export interface Predicted {
  ms: number
  lowMs: number
  highMs: number
}

/** Never extrapolated: `outside` says which input left the sampled range, or which law is missing. */
export type Prediction = Predicted | { outside: string }

/** `curves`: those of one target. Time to first token, and time per output token. */
export function predict(curves: readonly Curve[], shape: Shape): { ttft: Prediction; tpot: Prediction } {
  const peers = shape.concurrency - 1
  const fresh = shape.promptTokens - shape.cachedTokens
  const context = shape.promptTokens + shape.outputTokens / 2
  return {
    ttft: apply(curves, 'prefill', shape, { fresh, cached: shape.cachedTokens }, [
      ['base', 1],
      ['fresh', fresh / 1000],
      ['hit', shape.cachedTokens / 1000],
      ['curve', fresh ** 2 / 1000],
      ['ttftPerPeer', peers],
    ]),
    tpot: apply(curves, 'decode', shape, { context }, [
      ['step', 1],
      ['perContext', context / 1000],
      ['tpotPerPeer', peers],
    ]),
  }
}

/** `terms`: what one unit of a parameter adds, in milliseconds. */
function apply(
  curves: readonly Curve[],
  law: Law,
  shape: Shape,
  inputs: Readonly<Record<string, number>>,
  terms: readonly (readonly [string, number])[],
): Prediction {
  const curve = curves.find((candidate) => candidate.law === law)
  if (curve === undefined) return { outside: `there is no ${law} curve` }
  const contention = shape.concurrency > 1 ? curves.find((candidate) => candidate.law === 'contention') : null
  if (contention === undefined) return { outside: 'concurrency above 1, and there is no contention curve' }
  const outside = beyond(curve, inputs) ?? (contention && beyondContention(contention, shape))
  if (outside !== null) return { outside }
  const parameters: Readonly<Record<string, Parameter>> = { ...contention?.parameters, ...curve.parameters }
  const perPeer = terms.at(-1)![0]
  if (shape.concurrency > 1 && parameters[perPeer] === undefined)
    return { outside: `${perPeer} is not known` }
  let ms = 0
  let square = 0
  for (const [name, amount] of terms) {
    const parameter = parameters[name]
    if (parameter === undefined) continue
    ms += parameter.value * amount
    square += (((parameter.high - parameter.low) / 2) * amount) ** 2
  }
  const scatters = law === 'prefill' && contention !== null ? [curve, contention] : [curve]
  return ms > 0
    ? withInterval(ms, Math.sqrt(square), scatters)
    : { outside: `the ${law} curve gives no time above 0` }
}

/**
 * Half-widths of parameters add up as squares: those of a level and its slopes are correlated negatively, so this
 * is on the wide side. Law and scatter are joined on the log scale in the same way; of several scatters the widest counts,
 * as requests in a crowd scatter more than one alone.
 */
function withInterval(
  ms: number,
  halfWidth: number,
  scatters: readonly Pick<Curve, 'residual'>[],
): Predicted {
  const law = Math.log1p(halfWidth / ms)
  const at = (p: number): number[] => scatters.map(({ residual }) => quantile(residual.quantiles, p))
  const low = Math.min(0, ...at(0.025))
  const high = Math.max(0, ...at(0.975))
  return { ms, lowMs: ms * Math.exp(-Math.hypot(law, low)), highMs: ms * Math.exp(Math.hypot(law, high)) }
}

function beyond({ validity }: Curve, inputs: Readonly<Record<string, number>>): string | null {
  for (const [name, value] of Object.entries(inputs)) {
    const range = validity[name]
    if (range === undefined || value < range[0] || value > range[1]) {
      const sampled = range === undefined ? 'never sampled' : `sampled from ${range[0]} to ${range[1]}`
      return `${name} tokens ${value}: ${sampled}`
    }
  }
  return null
}

/** What a peer costs depends on its length, so contention holds only for lengths like those it was measured at. */
function beyondContention(curve: Curve, { promptTokens, concurrency }: Shape): string | null {
  const [least, most] = curve.validity['concurrency'] ?? [1, 1]
  if (concurrency > most || concurrency < least) {
    return `concurrency ${concurrency}: sampled from ${least} to ${most}`
  }
  return curve.validity['prompt'] === undefined ? null : beyond(curve, { prompt: promptTokens })
}
