/** Labelled spans: a service's traces under a simulated provider in virtual time, and the truth about each. */
import { otlpLine } from '../span/otlp-envelope.js'
import { createRandom, type Random } from '../random/random.js'
import { CHUNKED, emitters, type SpanDialect } from './emit-dialects.js'
import type { Incident } from './incidents.js'
import type { Profile } from './profiles.js'
import { seeCall, type Caller, type Carry, type Hex, type Scene } from './spans-seen.js'
import { truthOf, type SpanTruth } from './spans-truth.js'
import { runWithTwins } from './twins.js'
import type { LabelledOutcome } from './virtual-request.js'
import { planVisits, tenantName, type Workload } from './workload.js'

export interface SpansSetup {
  readonly profile: Profile
  readonly incidents: readonly Incident[]
  readonly seed: number | string
  readonly requests: number
  readonly workload: Workload
  /** Each dialect with each way of carrying is a service of its own; conversations are dealt out among them. */
  readonly dialects: readonly SpanDialect[]
  readonly carries: readonly Carry[]
  readonly model: string
  /** Start of the run, ms since 1970. */
  readonly epochMs: number
}

/** One call: a line of OTLP/JSON with all its spans, and the truth. */
export interface LabelledCall {
  readonly line: string
  readonly truth: SpanTruth
}

/** In the order in which calls end, as an exporter sends them. The same setup gives the same text. */
export function* labelledSpans(setup: SpansSetup): Generator<LabelledCall> {
  const { incidents, seed, requests, workload, dialects, carries } = setup
  const profile = coarse(setup.profile)
  const random = createRandom(seed).fork('spans')
  const services = dialects.flatMap((dialect) => carries.map((carry) => ({ dialect, carry })))
  const serviceOf = (conversation: number): (typeof services)[number] =>
    services[conversation % services.length]!
  const keepsTokens = (conversation: number): boolean => {
    const { dialect, carry } = serviceOf(conversation)
    return carry === 'full' && CHUNKED.has(dialect)
  }
  const around = { profile, incidents, keepsTokens }
  const visits = planVisits(workload, around, requests, random.fork('workload'))
  const outcomes = runWithTwins(
    { profile, incidents, seed },
    visits.map(({ request }) => request),
  )
  const scene = sceneOf(setup)
  const hex = hexOf(random.fork('ids'))
  const endMs = ({ arrivalMs, e2eMs }: LabelledOutcome): number => arrivalMs + e2eMs
  outcomes.sort((a, b) => endMs(a) - endMs(b) || a.index - b.index)
  for (const outcome of outcomes) {
    const { conversation, tenant } = visits[outcome.index]!
    const { dialect, carry } = serviceOf(conversation)
    const caller = {
      service: `assistant-${dialect}-${carry}`,
      carry,
      conversation: `conversation-${conversation}`,
      tenant: tenantName(tenant),
    }
    yield labelledCall(outcome, { ...caller, dialect }, scene, hex)
  }
}

/** One outcome as a trace in a dialect, for runs of one's own. */
export function labelledCall(
  outcome: LabelledOutcome,
  caller: Caller & { dialect: SpanDialect },
  scene: Scene,
  hex: Hex,
): LabelledCall {
  const { dialect } = caller
  const seen = seeCall(outcome, caller, scene, hex)
  return { line: otlpLine(emitters[dialect](seen)), truth: truthOf(outcome, { seen, ...caller }, scene) }
}

export function sceneOf({
  profile,
  model,
  epochMs,
}: Pick<SpansSetup, 'profile' | 'model' | 'epochMs'>): Scene {
  const { streamsReasoning, earlyHeaders } = profile.constants
  return {
    epochMs,
    model,
    provider: profile.kind === 'law' ? 'hosted' : 'engine',
    maxTokens: MAX_TOKENS,
    streamsReasoning,
    earlyHeaders,
  }
}

/** What every call asks for at most. */
const MAX_TOKENS = 4096

/** Eight digits a draw. */
export function hexOf(random: Random): Hex {
  return (digits) => {
    let text = ''
    while (text.length < digits)
      text += random
        .int(2 ** 32)
        .toString(16)
        .padStart(8, '0')
    return text.slice(0, digits)
  }
}

/** A law's cache serves whole steps, so one block can stand for a step: the same hits, an eighth of the work. */
function coarse(profile: Profile): Profile {
  if (profile.kind === 'engine') return profile
  const { blockTokens, cacheStepTokens } = profile.constants
  if (cacheStepTokens % blockTokens !== 0) return profile
  return { ...profile, constants: { ...profile.constants, blockTokens: cacheStepTokens } }
}
