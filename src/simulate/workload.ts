/** A service that uses the simulated provider: conversations whose prefix grows, of tenants, with lengths as they come. */
import { z } from 'zod'
import type { Random } from '../random/random.js'
import type { Incident } from './incidents.js'
import { chainPrefix } from './prefix-chain.js'
import { contextLimit, type Profile } from './profiles.js'
import { idlePrefillMs } from './step-law.js'
import { gapsOf } from './tenants.js'
import type { VirtualRequest } from './virtual-request.js'
import { ordinaryLengths } from './workload-usual.js'

const tokens = z.int().min(1)

export const WorkloadSchema = z.strictObject({
  ratePerS: z
    .number()
    .positive()
    .optional()
    .describe('calls; default: 2, or a twentieth of what engines can do'),
  cv: z
    .number()
    .positive()
    .default(1)
    .describe('of the gaps between calls: 1 is Poisson, more is bursty (gamma)'),
  tenants: z.int().min(1).default(24).describe('each with a system prompt of its own'),
  systemTokens: tokens.default(1200).describe('median, lognormal over tenants'),
  turnTokens: tokens.default(200).describe('median of what a user says'),
  answerTokens: tokens.default(180).describe('median of the visible answer'),
  reasoningTokens: z.int().min(0).optional().describe('median; default: what the profile thinks'),
  sigma: z.number().min(0).max(2).default(0.4).describe('of the logarithms of all lengths'),
  turns: z.number().min(1).default(4).describe('calls of a conversation, mean of a geometric'),
  idleMs: z.number().min(0).default(60_000).describe('between two calls of a conversation, mean'),
})

export type Workload = z.infer<typeof WorkloadSchema>

/** One call of the service, and whose it is. */
export interface Visit {
  readonly request: VirtualRequest
  /** Counted from 0. */
  readonly conversation: number
  readonly tenant: number
}

interface Part {
  readonly name: number
  readonly tokens: number
}

export interface Surroundings {
  readonly profile: Profile
  readonly incidents: readonly Incident[]
  /** Whether the outcomes of a conversation are to have `tokenMs`. Default: none. */
  readonly keepsTokens?: (conversation: number) => boolean
}

/** A call before it is known what lengths are usual. */
export interface Draft {
  readonly arrivalMs: number
  readonly conversation: number
  readonly tenant: number
  /** Whole grains that later calls share. */
  readonly parts: readonly Part[]
  /** Tokens of the prompt that earlier calls have sent. */
  readonly sharedTokens: number
  readonly promptTokens: number
  readonly visibleTokens: number
  readonly reasoningTokens: number
}

/**
 * `count` calls in order of arrival. Usual is the 90th percentile of all lengths that are sent, incidents included: an
 * incident that keeps a call below it does nothing out of the ordinary.
 */
export function planVisits(
  workload: Workload,
  { profile, incidents, keepsTokens = () => false }: Surroundings,
  count: number,
  random: Random,
): Visit[] {
  const drafts = draftVisits(workload, profile, count, random)
  const usual = ordinaryLengths(drafts, incidents)
  const grainsPerBlock = profile.constants.blockTokens / grainOf(profile)
  return drafts.map((draft): Visit => {
    const { arrivalMs, conversation, tenant, parts, sharedTokens } = draft
    const { promptTokens, visibleTokens, reasoningTokens } = draft
    const request: VirtualRequest = {
      arrivalMs,
      promptTokens,
      outputTokens: visibleTokens + reasoningTokens,
      reasoningTokens,
      key: tenantName(tenant),
      keepTokens: keepsTokens(conversation),
      usual: {
        promptTokens: sharedTokens + usual.freshTokens,
        visibleTokens: usual.visibleTokens,
        reasoningTokens: usual.reasoningTokens,
      },
      // A chain is hundreds of numbers and wanted once a run: made when asked for, the plan stays small.
      get hashes() {
        const grains = chainPrefix(parts, grainOf(profile))
        return grainsPerBlock === 1 ? grains : grains.filter((_, grain) => (grain + 1) % grainsPerBlock === 0)
      },
    }
    return { request, conversation, tenant }
  })
}

/** Parts of a prompt come in whole grains, so that a block is a whole number of them. */
const GRAIN_TOKENS = 16

function grainOf({ constants }: Profile): number {
  return constants.blockTokens % GRAIN_TOKENS === 0 ? GRAIN_TOKENS : constants.blockTokens
}

export function tenantName(tenant: number): string {
  return `tenant-${String(tenant).padStart(2, '0')}`
}

/** Part names: tenants' system prompts first, then two a call. */
interface Conversation {
  readonly id: number
  readonly tenant: number
  parts: readonly Part[]
  sharedTokens: number
}

function draftVisits(workload: Workload, profile: Profile, count: number, random: Random): Draft[] {
  const thinks = profile.constants.reasoningTokens
  const grain = grainOf(profile)
  const { tenants, turns, sigma } = workload
  const ratePerS = workload.ratePerS ?? usualRatePerS(workload, profile)
  const lengths = random.fork('lengths')
  const choices = random.fork('choices')
  const around = (median: number): number =>
    median === 0 ? 0 : Math.max(1, Math.round(median * Math.exp(sigma * lengths.normal())))
  const whole = (length: number): number => Math.max(1, Math.floor(length / grain)) * grain
  const gaps = gapsOf({ family: 'gamma', cv: workload.cv }, random.fork('gaps'))
  const systems = Array.from({ length: tenants }, () => whole(around(workload.systemTokens)))
  // A call goes to a random one of so many conversations, which makes the idle time between its calls.
  const openAtOnce = Math.max(1, Math.round((ratePerS * workload.idleMs) / 1000))
  const mostPrompt = Math.floor(contextLimit(profile) / 4)
  const open: Conversation[] = []
  const drafts: Draft[] = []
  let started = 0
  let arrivalMs = 0
  for (let call = 0; call < count; call++) {
    arrivalMs += (gaps() * 1000) / ratePerS
    if (open.length < openAtOnce) {
      const tenant = choices.int(tenants)
      const system = Math.min(systems[tenant]!, whole(mostPrompt / 2))
      open.push({ id: started++, tenant, parts: [{ name: tenant, tokens: system }], sharedTokens: system })
    }
    const at = choices.int(open.length)
    const conversation = open[at]!
    const before = totalTokens(conversation.parts)
    const turn = around(workload.turnTokens)
    const visibleTokens = around(workload.answerTokens)
    const parts = [...conversation.parts, { name: tenants + 2 * call, tokens: whole(turn) }]
    drafts.push({
      arrivalMs,
      conversation: conversation.id,
      tenant: conversation.tenant,
      parts: turn < grain ? conversation.parts : parts,
      sharedTokens: conversation.sharedTokens,
      promptTokens: before + turn,
      visibleTokens,
      reasoningTokens: around(workload.reasoningTokens ?? thinks),
    })
    conversation.sharedTokens = totalTokens(parts)
    conversation.parts = [...parts, { name: tenants + 2 * call + 1, tokens: whole(visibleTokens) }]
    const isLong = totalTokens(conversation.parts) + 4 * workload.turnTokens > mostPrompt
    if (isLong || choices.next() < 1 / turns) open.splice(at, 1)
  }
  return drafts
}

function totalTokens(parts: readonly Part[]): number {
  return parts.reduce((sum, part) => sum + part.tokens, 0)
}

/** Hosted services do not notice one customer; engines are given a twentieth of the work that would fill them. */
function usualRatePerS(workload: Workload, { kind, constants }: Profile): number {
  if (kind === 'law') return 2
  const { turnTokens, answerTokens, systemTokens } = workload
  const context = systemTokens + turnTokens + answerTokens
  const tokenMs = (constants.tokenUs + constants.sequenceUs) * 1e-3 + constants.contextNs * context * 1e-6
  const callMs = idlePrefillMs(constants, turnTokens + answerTokens, 0) + answerTokens * tokenMs
  return (0.05 * constants.replicas * 1000) / callMs
}
