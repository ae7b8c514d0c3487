/** Parameters that a target refuses: learned from its answer to a warm-up request, before anything is timed. */
import type { Quirks } from '../protocol/protocol.js'
import type { Sample } from '../sample/sample.js'
import type { Target } from '../scenario/scenario.js'
import type { LiveTarget } from './live-target.js'
import { liveOf } from './live-target.js'
import { WARM_UP } from './warm-up.js'

export interface Negotiator {
  /**
   * Whether the sample is a warm-up request refused for a parameter that can be left out or renamed. The target's
   * quirks are then changed and a note says so; each parameter is changed once, so the asking ends.
   */
  learn(sample: Sample): boolean
}

export function createNegotiator(
  targets: ReadonlyMap<string, LiveTarget>,
  note: (text: string) => void,
): Negotiator {
  /** `target quirk`: by the quirk, since the two names of the output limit would take turns for ever. */
  const changed = new Set<string>()
  return {
    learn({ probe, outcome, target: name, detail }) {
      if (probe !== WARM_UP || detail === undefined) return false
      if (outcome !== 'http-400' && outcome !== 'http-4xx') return false
      const live = liveOf(targets, name)
      const isNew = ({ quirk }: RefusedParameter): boolean => !changed.has(`${name} ${quirk}`)
      const refused = refusedIn(detail, live.target).filter(isNew)
      for (const { parameter, quirk, quirks, remedy } of refused) {
        changed.add(`${name} ${quirk}`)
        live.target = { ...live.target, quirks: { ...live.target.quirks, ...quirks } }
        note(`${name}: its server refuses ${parameter}: ${remedy}`)
      }
      return refused.length > 0
    },
  }
}

interface RefusedParameter {
  parameter: string
  quirk: keyof Quirks
  /** Quirks without it. */
  quirks: Partial<Quirks>
  /** What is done instead. */
  remedy: string
}

// How servers say that they do not take a parameter; a value out of its range is another matter.
const REFUSAL =
  /unsupported|not support|unknown|unrecogni[sz]ed|unexpected|\bextra\b|not permitted|not allowed|not accept|deprecated|invalid (?:parameter|argument|field)|additional propert|\binstead\b/i

/** Those of our own parameters that the sentence names. What the user's `body` sets is the user's to change. */
export function refusedIn(
  said: string,
  { quirks, body }: Pick<Target, 'quirks' | 'body'>,
): RefusedParameter[] {
  if (!REFUSAL.test(said)) return []
  const { maxTokensField, temperature, streamOptions, ignoreEos } = quirks
  const other = maxTokensField === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens'
  const sent: (RefusedParameter | false)[] = [
    {
      parameter: maxTokensField,
      quirk: 'maxTokensField',
      quirks: { maxTokensField: other },
      remedy: `${other} is sent in its place (quirks: { maxTokensField: ${other} } spares the question)`,
    },
    temperature !== null && {
      parameter: 'temperature',
      quirk: 'temperature',
      quirks: { temperature: null },
      remedy: 'none is sent, so its own holds (quirks: { temperature: null } spares the question)',
    },
    streamOptions && {
      parameter: 'stream_options',
      quirk: 'streamOptions',
      quirks: { streamOptions: false },
      remedy:
        'it is left out, and where no usage comes tokens are counted here (quirks: { streamOptions: false })',
    },
    ignoreEos && {
      parameter: 'ignore_eos',
      quirk: 'ignoreEos',
      quirks: { ignoreEos: false },
      remedy: 'it is left out, so answers may end before their length (quirks: { ignoreEos: false })',
    },
  ]
  return sent
    .filter((each) => each !== false)
    .filter(({ parameter }) => !Object.hasOwn(body, parameter))
    .filter(({ parameter }) => new RegExp(`\\b${parameter}\\b`).test(said))
}
