/** Which regions, backends and models usually serve a group, and since when its pace has stepped. */
import { isSameModel } from './choose.js'
import { routeFacts, type Known } from './known.js'
import type { Span } from '../span/span.js'

export interface RouteMemory {
  /** In words which fact is new; null where all told facts are as ever; undefined where nothing is told. */
  changed(span: Span, known: Known): string | null | undefined
  add(span: Span): void
  /** Nothing is learned any more. */
  isSettled(): boolean
}

/** Facts of so many spans stand for what is usual where the baseline does not tell. */
const LEARNED_FROM = 50
const LEAST_SHARE = 0.05
const MOST_FACTS = 256

export function createRouteMemory(): RouteMemory {
  const seen = new Map<string, number>()
  let spans = 0
  const isUsual = (fact: string, known: Known): boolean | undefined => {
    const kind = fact.slice(0, fact.indexOf(' ') + 1)
    const told = [...known.routes].some((each) => each.startsWith(kind))
    if (told && (known.routes.has(fact) || [...known.routes].some((each) => isSameFact(each, fact))))
      return true
    if (told && !isNamedOtherwise(kind, known)) return false
    if (spans < LEARNED_FROM) return undefined
    return (seen.get(fact) ?? 0) >= LEAST_SHARE * LEARNED_FROM
  }
  /**
   * No span of the group has a region that the baseline knows: a tracer and a prober may name the same one differently
   * (`fra1`, `eu-central-1`), and that is no change.
   */
  const isNamedOtherwise = (kind: string, known: Known): boolean =>
    kind === 'region ' && ![...seen.keys()].some((each) => each.startsWith(kind) && known.routes.has(each))
  return {
    changed(span, known) {
      let judged = false
      for (const fact of factsOf(span)) {
        const usual = isUsual(fact, known)
        if (usual === undefined) continue
        // That the model is the same says nothing of who serves it.
        judged ||= !fact.startsWith('model ')
        if (usual) continue
        const kind = fact.slice(0, fact.indexOf(' ') + 1)
        const before = [...known.routes, ...seen.keys()].find(
          (each) => each.startsWith(kind) && each !== fact,
        )
        return `served by ${fact}${before === undefined ? '' : `, before by ${before}`}`
      }
      return judged ? null : undefined
    },
    isSettled: () => spans >= LEARNED_FROM,
    add(span) {
      if (spans >= LEARNED_FROM) return
      spans++
      for (const fact of factsOf(span)) {
        if (seen.size < MOST_FACTS || seen.has(fact)) seen.set(fact, (seen.get(fact) ?? 0) + 1)
      }
    },
  }
}

/** A server may say `/models/x.gguf` or `vendor/x` of what is asked for as `x`. */
function isSameFact(a: string, b: string): boolean {
  const kind = 'model '
  return a.startsWith(kind) && b.startsWith(kind) && isSameModel(a.slice(kind.length), b.slice(kind.length))
}

/** What was asked for says nothing of what served it: an alias is resolved to another name. */
function factsOf({ region, backend, modelServed }: Span): string[] {
  return routeFacts({ region, fingerprint: backend, model: modelServed })
}

/**
 * Page's two-sided CUSUM (1954, Biometrika 41) on residuals in standard deviations, clipped at ±3, with slack .5 and
 * limit 8: on healthy normal residuals one false step in some 8,500 spans, a step of one sd is seen after 16.
 */
export interface StepWatch {
  add(z: number, logRatio: number): void
  /** Mean log ratio since the step, 0 while there is none. */
  step(): number
  /** Whether the group was ever seen at the pace of its baseline: a step is one from there. */
  hasBeenWell(): boolean
}

const SLACK = 0.5
const LIMIT = 8
const CLIP = 3
/** The level since the step is the mean of so many spans at most. */
const MEMORY = 50
/** So many spans more up to a standard deviation slower than the baseline than beyond it show that a group was well. */
const WELL = 10
const WELL_SD = 1

export function createStepWatch(): StepWatch {
  let up = 0
  let level = 0
  let stepped = false
  let since = 0
  let well = 0
  return {
    add(z, logRatio) {
      if (well < WELL) well = Math.max(0, well + (z < WELL_SD ? 1 : -1))
      const clipped = Math.max(-CLIP, Math.min(CLIP, z))
      up = Math.min(2 * LIMIT, Math.max(0, up + clipped - SLACK))
      if (up >= LIMIT && !stepped) {
        stepped = true
        since = 0
      } else if (up === 0) stepped = false
      since = Math.min(MEMORY, since + 1)
      level += (logRatio - level) / since
    },
    step: () => (stepped && well >= WELL ? level : 0),
    hasBeenWell: () => well >= WELL,
  }
}
