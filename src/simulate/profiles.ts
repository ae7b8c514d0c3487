/** The profiles by name: what each simulated provider is made of, every constant overridable. */
import { z } from 'zod'
import { readJson } from '../border/json.js'
import { didYouMean } from '../border/nearest.js'
import { BARE_FLEET, FLEET_FIELDS, HOSTED_FLEET, type Region } from './fleet-constants.js'

const amount = z.number().min(0)
const share = z.number().min(0).max(1)
const count = z.int().min(1)

/** How the face behaves, whatever serves behind it. */
const Face = {
  contextTokens: count.describe('longest prompt and output together'),
  defaultOutputTokens: count.describe(
    'output where the request names no limit; such an answer ends with `stop`',
  ),
  reasoningTokens: z.int().min(0).describe('reasoning before the visible answer, inside the output limit'),
  streamsReasoning: z.boolean().describe('reasoning is sent as `reasoning_content`; otherwise only counted'),
  strictParameters: z.boolean().describe('unknown parameters are refused, as hosted services do'),
  earlyHeaders: z.boolean().describe('headers and the role come at once; otherwise with the first token'),
  callsTools: z.boolean().describe('a request that offers tools gets a call, whether or not it is forced'),
  reportsTimings: z.boolean().describe('chat answers end with llama.cpp `timings`'),
  blockTokens: count.describe('prefix cache block'),
}

const EngineSchema = z.strictObject({
  ...Face,
  ...FLEET_FIELDS,
  frontEndMs: amount,
  weightsMs: z.number().positive(),
  tokenUs: amount,
  attentionNs: amount,
  contextNs: amount,
  sequenceUs: amount,
  stepMs: amount,
  maxBatchedTokens: count,
  maxSequences: count,
  kvBlocks: count,
  slowness: z.number().positive(),
  noise: share,
})

const LawSchema = z.strictObject({
  ...Face,
  ...FLEET_FIELDS,
  baseMs: amount,
  freshUs: amount,
  curveNs: amount,
  tpotMs: amount,
  perContextNs: amount,
  ttftPerPeerMs: amount,
  tpotPerPeerMs: amount,
})

type EngineValues = z.infer<typeof EngineSchema>
type LawValues = z.infer<typeof LawSchema>

/** A service that is simulated step by step, or one that follows a law seen from outside. */
export type Profile =
  | { readonly name: string; readonly kind: 'engine'; readonly constants: EngineValues }
  | { readonly name: string; readonly kind: 'law'; readonly constants: LawValues }

const engine: EngineValues = {
  ...BARE_FLEET,
  contextTokens: 131_072,
  defaultOutputTokens: 128,
  reasoningTokens: 0,
  streamsReasoning: true,
  strictParameters: false,
  earlyHeaders: true,
  callsTools: false,
  reportsTimings: false,
  blockTokens: 16,
  frontEndMs: 9,
  weightsMs: 5.6,
  tokenUs: 22,
  attentionNs: 0.7,
  contextNs: 55,
  sequenceUs: 20,
  stepMs: 0.5,
  maxBatchedTokens: 2048,
  maxSequences: 256,
  kvBlocks: 25_000,
  slowness: 1,
  noise: 0.01,
}

const exact: LawValues = {
  ...BARE_FLEET,
  contextTokens: 131_072,
  defaultOutputTokens: 128,
  reasoningTokens: 0,
  streamsReasoning: true,
  strictParameters: false,
  earlyHeaders: true,
  callsTools: false,
  reportsTimings: false,
  blockTokens: 16,
  baseMs: 20,
  freshUs: 100,
  hitUs: 5,
  curveNs: 0,
  tpotMs: 5,
  perContextNs: 0,
  ttftPerPeerMs: 0,
  tpotPerPeerMs: 0,
  cacheIdleMs: 3_600_000,
}

/** Base, round trip, gateway and median queue together are the 450 ms of a hosted frontier model. */
const hosted: LawValues = {
  ...exact,
  ...HOSTED_FLEET,
  strictParameters: true,
  earlyHeaders: false,
  baseMs: 310,
  freshUs: 45,
  hitUs: 12,
  tpotMs: 16,
  perContextNs: 27,
}

/** Where the numbers come from stands in docs/simulator.md. */
const PROFILES = {
  exact: { kind: 'law', constants: exact },
  '8b-h100': { kind: 'engine', constants: engine },
  '8b-a100': {
    kind: 'engine',
    constants: {
      ...engine,
      frontEndMs: 12,
      weightsMs: 9.8,
      tokenUs: 68,
      attentionNs: 1.7,
      contextNs: 100,
      sequenceUs: 30,
    },
  },
  '70b-h100x4': {
    kind: 'engine',
    constants: { ...engine, weightsMs: 13, tokenUs: 58, attentionNs: 0.8, contextNs: 35 },
  },
  'local-cpu': {
    kind: 'engine',
    constants: {
      ...engine,
      contextTokens: 8_192,
      reportsTimings: true,
      frontEndMs: 2,
      weightsMs: 24,
      tokenUs: 3_600,
      attentionNs: 60,
      contextNs: 900,
      sequenceUs: 150,
      stepMs: 1,
      maxBatchedTokens: 512,
      maxSequences: 4,
      kvBlocks: 2_048,
      noise: 0.03,
    },
  },
  'hosted-frontier': { kind: 'law', constants: hosted },
  'hosted-reasoning': {
    kind: 'law',
    constants: { ...hosted, reasoningTokens: 256, streamsReasoning: false },
  },
} as const satisfies Record<
  string,
  Omit<Profile & { kind: 'engine' }, 'name'> | Omit<Profile & { kind: 'law' }, 'name'>
>

export type ProfileName = keyof typeof PROFILES

export const PROFILE_NAMES = Object.keys(PROFILES).filter(isProfileName)

function isProfileName(name: string): name is ProfileName {
  return Object.hasOwn(PROFILES, name)
}

/** There are some forty constants: the nearest one is named, else where they are listed. */
function hint(given: string, constants: object): string {
  const names = Object.keys(constants).flatMap((name) => [name, name.replace(UNIT, '')])
  return didYouMean(given, names) || '; docs/simulator.md lists them'
}

export type Resolved = { ok: true; profile: Profile } | { ok: false; problems: string[] }

/**
 * A profile with some constants replaced. A constant may be named without its unit: `base` is `baseMs`. Each problem
 * is a sentence that names the constant.
 */
export function resolveProfile(name: string, overrides: Readonly<Record<string, unknown>> = {}): Resolved {
  if (!isProfileName(name)) {
    return { ok: false, problems: [`profile '${name}' is unknown; there are ${PROFILE_NAMES.join(', ')}`] }
  }
  const { kind, constants } = PROFILES[name]
  const problems: string[] = []
  const merged: Record<string, unknown> = { ...constants }
  for (const [given, value] of Object.entries(overrides)) {
    const key = Object.keys(constants).find((full) => full === given || full.replace(UNIT, '') === given)
    if (key) merged[key] = value
    else problems.push(`${name} has no constant '${given}'${hint(given, constants)}`)
  }
  if (problems.length > 0) return { ok: false, problems }
  const checked = kind === 'engine' ? EngineSchema.safeParse(merged) : LawSchema.safeParse(merged)
  if (!checked.success) {
    const issues = checked.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
    return { ok: false, problems: issues }
  }
  const profile: Profile =
    kind === 'engine'
      ? { name, kind, constants: EngineSchema.parse(merged) }
      : { name, kind, constants: LawSchema.parse(merged) }
  for (const region of profile.constants.regions) {
    const there = region.set === undefined ? undefined : resolveProfile(name, { ...merged, ...alone(region) })
    if (there?.ok === false) problems.push(...there.problems.map((text) => `region ${region.name}: ${text}`))
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, profile }
}

/** What stands in a region: the profile with the region's own constants. Throws on one that was never resolved. */
export function profileIn({ name, constants }: Profile, region: Region): Profile {
  const resolved = resolveProfile(name, { ...constants, ...alone(region) })
  if (!resolved.ok) throw new Error(resolved.problems.join('; '))
  return resolved.profile
}

function alone({ name, rttMs, rttP95Ms, set }: Region): Record<string, unknown> {
  return { ...set, regions: [{ name, rttMs, rttP95Ms }] }
}

const UNIT = /(?:Ms|Us|Ns)$/

/** `base=37.5` as the command line gives it, to an override; a list is JSON. Undefined when it has no `=`. */
export function parseSetting(text: string): [string, unknown] | undefined {
  const equals = text.indexOf('=')
  if (equals < 1) return undefined
  const key = text.slice(0, equals).trim()
  const value = text.slice(equals + 1).trim()
  if (value === 'true' || value === 'false') return [key, value === 'true']
  if (value.startsWith('[')) {
    const list = readJson(value)
    if (list.ok && Array.isArray(list.value)) return [key, list.value]
  }
  return [key, value !== '' && Number.isFinite(Number(value)) ? Number(value) : value]
}

/** Longest prompt and output together: the model's context, or the KV pool where that is smaller. */
export function contextLimit({ kind, constants }: Profile): number {
  if (kind === 'law') return constants.contextTokens
  return Math.min(constants.contextTokens, constants.kvBlocks * constants.blockTokens)
}
