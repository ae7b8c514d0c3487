/** The known-good curves of one target of a baseline, made ready to be asked for any span. */
import type { Curve } from '../curve/curve.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { nodesOf } from './likelihood.js'
import { createNoise, type Noise } from './noise.js'

/** What the server does with a request, by its lengths. Milliseconds. */
export interface Expected {
  base: number
  prefillFresh: number
  prefillCached: number
}

export interface Known {
  baseline: { id: string; startedAtMs: number; endedAtMs: number }
  target: string
  provider: string
  model: string
  region: string | undefined
  /** Time to first token, by part; `fresh` and `cached` in tokens. */
  ttft(fresh: number, cached: number): Expected
  /** Time per output token at a context, milliseconds. */
  tpot(context: number): number
  ttftNoise: Noise
  tpotNoise: Noise
  /** Log residuals that stand for health, evenly weighted. */
  ttftNodes: Float64Array
  tpotNodes: Float64Array
  /** Regions, fingerprints and models that served the baseline, as `routeFacts` writes them. */
  routes: ReadonlySet<string>
  /** Fresh prompt in the middle of the sampled ones, by ratio. */
  typicalFresh: number
  /** Longest lengths that were sampled, tokens. */
  longest: { fresh: number; cached: number; context: number; output: number }
  /** Of the prefix cache, where it was probed: shortest prefix and step in tokens, lifetime in seconds. */
  cache: { minimum: number; step: number; lifetimeS: number | undefined } | undefined
  samples: number
  /** There is a decode curve: without one nothing is known of the pace of a stream. */
  hasPace: boolean
  /** Its run was broken off. */
  isPartial: boolean
}

/** Without a decode curve nothing is known of a stream's pace. */
const UNKNOWN_SD = 0.5

/** The targets of a snapshot that have a prefill curve; without one nothing can be attributed. */
export function knownTargets(snapshot: Snapshot): Known[] {
  return snapshot.targets.flatMap(({ name, provider, model, region }) => {
    const curves = snapshot.curves.filter(({ target }) => target === name)
    const prefill = curves.find(({ law }) => law === 'prefill')
    if (prefill === undefined) return []
    const decode = curves.find(({ law }) => law === 'decode')
    const outputs = snapshot.summary.filter(({ target }) => target === name)
    return [
      {
        baseline: {
          id: snapshot.id,
          startedAtMs: Date.parse(snapshot.startedAt),
          endedAtMs: Date.parse(snapshot.endedAt),
        },
        target: name,
        provider,
        model,
        region,
        ...lawsOf(prefill, decode),
        typicalFresh: middleOf(prefill.validity['fresh']),
        longest: {
          fresh: prefill.validity['fresh']?.[1] ?? 0,
          cached: prefill.validity['cached']?.[1] ?? 0,
          context: decode?.validity['context']?.[1] ?? 0,
          output: Math.max(0, ...outputs.map(({ outputTokens }) => outputTokens)),
        },
        cache: cacheOf(curves.find(({ law }) => law === 'cache')),
        routes: routesOf(snapshot, name),
        samples: prefill.samples + (decode?.samples ?? 0),
        hasPace: decode !== undefined,
        isPartial: snapshot.partial,
      },
    ]
  })
}

const middleOf = ([low, high]: readonly [number, number] = [0, 0]): number =>
  Math.sqrt(Math.max(1, low) * Math.max(1, high))

function lawsOf(
  prefill: Curve,
  decode: Curve | undefined,
): Pick<Known, 'ttft' | 'tpot' | 'ttftNoise' | 'tpotNoise' | 'ttftNodes' | 'tpotNodes'> {
  const valueOf = (curve: Curve | undefined, name: string): number => curve?.parameters[name]?.value ?? 0
  const base = valueOf(prefill, 'base')
  const freshMs = valueOf(prefill, 'fresh') / 1000
  // A server whose cached tokens were never seen is taken to compute them for nothing.
  const hitMs = valueOf(prefill, 'hit') / 1000
  const curveMs = valueOf(prefill, 'curve') / 1000
  const step = valueOf(decode, 'step')
  const perContextMs = valueOf(decode, 'perContext') / 1000
  const prefillDoubt = doubtOf(prefill, 'base', 'fresh', middleOf(prefill.validity['fresh']))
  const decodeDoubt =
    decode === undefined ? 0 : doubtOf(decode, 'step', 'perContext', middleOf(decode.validity['context']))
  return {
    ttft: (fresh, cached) => ({
      base,
      prefillFresh: fresh * (freshMs + curveMs * fresh),
      prefillCached: cached * hitMs,
    }),
    tpot: (context) => step + perContextMs * context,
    ttftNoise: createNoise({ ...prefill.residual, samples: prefill.samples }, prefillDoubt),
    ttftNodes: nodesOf(prefill.residual.quantiles, prefillDoubt),
    tpotNoise: decode
      ? createNoise({ ...decode.residual, samples: decode.samples }, decodeDoubt)
      : createNoise({ quantiles: [0], sd: UNKNOWN_SD, samples: 1 }),
    tpotNodes: decode ? nodesOf(decode.residual.quantiles, decodeDoubt) : nodesOf([0], UNKNOWN_SD),
  }
}

/**
 * Relative standard error of a line `constant` + `slope`·tokens (slope in µs a token) at the middle of what was sampled. That
 * the errors of the two cancel each other in part is left out: it is rather too wide.
 */
function doubtOf({ parameters }: Curve, constant: string, slope: string, tokens: number): number {
  const [a, b] = [parameters[constant], parameters[slope]]
  const middleMs = (a?.value ?? 0) + ((b?.value ?? 0) * tokens) / 1000
  return middleMs <= 0 ? 0 : Math.hypot(a?.se ?? 0, ((b?.se ?? 0) * tokens) / 1000) / middleMs
}

function cacheOf(curve: Curve | undefined): Known['cache'] {
  if (curve === undefined) return undefined
  const { minimum, step, lifetimeS } = curve.parameters
  return { minimum: minimum?.value ?? 0, step: step?.value ?? 1, lifetimeS: lifetimeS?.value }
}

/** What of a route can be compared with a production span, one word each. */
export function routeFacts(route: {
  region?: string | undefined
  fingerprint?: string | undefined
  model?: string | undefined
}): string[] {
  const { region, fingerprint, model } = route
  return [
    ...(region === undefined ? [] : [`region ${region}`]),
    ...(fingerprint === undefined ? [] : [`backend ${fingerprint}`]),
    ...(model === undefined ? [] : [`model ${model}`]),
  ]
}

function routesOf({ samples }: Snapshot, target: string): ReadonlySet<string> {
  const own = samples.filter((sample) => sample.target === target && sample.outcome === 'ok')
  return new Set(own.flatMap(({ route }) => (route === undefined ? [] : routeFacts(route))))
}
