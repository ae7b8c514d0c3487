/** A service at work: conversations that grow turn by turn on a shared system prompt, and lengths that surge. */
import type { Random } from '../../src/random/random.js'
import { chainPrefix } from '../../src/simulate/prefix-chain.js'
import type { Cause } from '../../src/simulate/causes.js'
import type { Profile } from '../../src/simulate/profiles.js'
import type { VirtualRequest } from '../../src/simulate/virtual-request.js'
import { BLOCK_TOKENS, LONGEST } from './probing.js'

export interface Service {
  systemTokens: number
  turnTokens: number
  answerTokens: number
  reasoningTokens: number
  ratePerS: number
}

/** Of the logarithm of lengths. */
const SIGMA = 0.4

export function drawService(profile: Profile, random: Random): Service {
  const logUniform = (low: number, high: number): number => low * (high / low) ** random.next()
  const hosted = profile.kind === 'law'
  return {
    systemTokens: Math.round(logUniform(1200, 12_000)),
    turnTokens: Math.round(logUniform(60, 800)),
    answerTokens: Math.round(logUniform(40, 300)),
    reasoningTokens: profile.constants.reasoningTokens > 0 ? Math.round(logUniform(60, 300)) : 0,
    ratePerS: hosted ? logUniform(0.5, 3) : logUniform(0.05, 0.25) * profile.constants.replicas,
  }
}

/** What a call of ordinary lengths with a warm prefix takes, about. */
export function healthyMs({ constants }: Profile, service: Service): number {
  const tpot = 'tpotMs' in constants ? constants.tpotMs : constants.weightsMs + constants.stepMs
  const base = 'baseMs' in constants ? constants.baseMs : constants.frontEndMs
  return (
    base + freshMs(constants) * service.turnTokens + tpot * (service.answerTokens + service.reasoningTokens)
  )
}

const freshMs = (constants: Profile['constants']): number =>
  ('freshUs' in constants ? constants.freshUs : constants.tokenUs) / 1000

/** Share of requests that a surge of lengths meets: what comes more often than one in ten is ordinary. */
const RARE_SHARE = 0.04

/** How much longer one length becomes, for a few calls from `fromMs` on: sizes are shares of the healthy span. */
export interface Surge {
  cause: Extract<Cause, 'prefill-surge' | 'long-output' | 'reasoning'>
  fromMs: number
  size: number
}

export interface Production {
  requests: VirtualRequest[]
  /** Of each request. */
  conversations: number[]
}

interface Conversation {
  id: number
  parts: { name: number; tokens: number }[]
  turns: number
}

/** Calls until `count` have come after `startMs`. */
export function production(
  profile: Profile,
  service: Service,
  { count, startMs, surges }: { count: number; startMs: number; surges: readonly Surge[] },
  random: Random,
): Production {
  const requests: VirtualRequest[] = []
  const conversations: number[] = []
  const open: Conversation[] = []
  const usual = { fresh: runningNinth(), visible: runningNinth(), reasoning: runningNinth() }
  const lot = random.fork('surges')
  const spanMs = healthyMs(profile, service)
  const around = (median: number): number =>
    Math.max(4, Math.round(median * Math.exp(SIGMA * random.normal())))
  let arrivalMs = 0
  let nextId = 1
  let after = 0
  while (after < count) {
    arrivalMs += (random.exponential() * 1000) / service.ratePerS
    if (arrivalMs >= startMs) after++
    const goesOn = open.length > 20 && random.next() < 0.7
    const at = goesOn ? random.int(open.length) : -1
    const conversation: Conversation = goesOn
      ? open[at]!
      : { id: nextId++, parts: [{ name: 1, tokens: service.systemTokens }], turns: 0 }
    const shared = conversation.parts.reduce((sum, { tokens }) => sum + tokens, 0)
    const struck = surges.filter(({ fromMs }) => arrivalMs >= fromMs && lot.next() < RARE_SHARE)
    const sizeOf = (cause: Surge['cause']): number =>
      struck.reduce((sum, surge) => sum + (surge.cause === cause ? surge.size : 0), 0)
    const more = (sizeOf('prefill-surge') * spanMs) / freshMs(profile.constants)
    const turn = Math.min(LONGEST - shared, around(service.turnTokens) + Math.round(more))
    const answer = Math.round(around(service.answerTokens) * (1 + sizeOf('long-output')))
    const thought =
      (service.reasoningTokens > 0 ? around(service.reasoningTokens) : 0) +
      Math.ceil(sizeOf('reasoning') * (service.answerTokens + service.reasoningTokens))
    const parts = [...conversation.parts, { name: 1000 + requests.length, tokens: turn }]
    requests.push({
      arrivalMs,
      promptTokens: shared + turn,
      outputTokens: answer + thought,
      reasoningTokens: thought,
      hashes: chainPrefix(
        parts.map(({ name, tokens }) => ({ name, tokens: Math.floor(tokens / BLOCK_TOKENS) * BLOCK_TOKENS })),
        BLOCK_TOKENS,
      ),
      // The router looks at the key: its tenants spread over the replicas.
      key: `tenant ${conversation.id % 24}`,
      // The reference as DESIGN has it: held to the ninth decile of what came before.
      usual: {
        promptTokens: shared + Math.min(turn, usual.fresh.value()),
        visibleTokens: Math.min(answer, usual.visible.value()),
        reasoningTokens: Math.min(thought, usual.reasoning.value()),
      },
    })
    usual.fresh.add(turn)
    usual.visible.add(answer)
    usual.reasoning.add(thought)
    conversations.push(conversation.id)
    conversation.parts = [...parts, { name: 2_000_000 + requests.length, tokens: answer }].map(
      ({ name, tokens }) => ({
        name,
        tokens: Math.max(BLOCK_TOKENS, Math.floor(tokens / BLOCK_TOKENS) * BLOCK_TOKENS),
      }),
    )
    conversation.turns++
    const isOver = conversation.turns > 7 || shared + turn + answer > LONGEST / 2
    if (!goesOn && !isOver) open.push(conversation)
    else if (goesOn && isOver) open.splice(at, 1)
  }
  return { requests, conversations }
}

/** Exact, unlike the sketch that it judges. Infinite below a hundred values. */
function runningNinth(): { add: (value: number) => void; value: () => number } {
  const sorted: number[] = []
  return {
    add(value) {
      let low = 0
      let high = sorted.length
      while (low < high) {
        const middle = (low + high) >> 1
        if (sorted[middle]! < value) low = middle + 1
        else high = middle
      }
      sorted.splice(low, 0, value)
    },
    value: () => (sorted.length < 100 ? Infinity : sorted[Math.ceil(0.9 * sorted.length) - 1]!),
  }
}
