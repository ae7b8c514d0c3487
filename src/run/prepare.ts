/** Builds a request, prompt included, before the timed path begins. */
import type { PlannedRequest } from '../plan/visit.js'
import type { WorstCase } from '../plan/budget.js'
import type { Message } from '../protocol/protocol.js'
import type { PromptResult } from '../prompt/builder.js'
import { corrected } from '../prompt/correction.js'
import { nonceFor } from '../prompt/nonce.js'
import type { WireRequest } from '../wire/exchange.js'
import type { LiveTarget } from './live-target.js'
import { liveOf } from './live-target.js'

/** `prime` brings a prefix into the cache; it and `warmup` stand in no figure. */
export type Role = 'measure' | 'warmup' | 'prime'

export interface Prepared {
  planned: PlannedRequest
  target: LiveTarget
  role: Role
  request: WireRequest
  worst: WorstCase
  /** Prompt tokens by our tokenizer. */
  localTokens: number
}

export interface Preparer {
  measure(planned: PlannedRequest, prefixNonce: string | null): Prepared
  prime(planned: PlannedRequest, prefixNonce: string): Prepared
  warmup(planned: PlannedRequest): Prepared
  /** A nonce for a new prefix. */
  prefixNonce(): string
}

export interface PreparerOptions {
  seed: number
  /** Differs in every run, and in every resumption of one. */
  runId: string
  targets: ReadonlyMap<string, LiveTarget>
  /** The messages of one of the user's own requests. */
  ownMessages(conversation: number, turn: number): readonly Message[]
}

// A chat template adds a handful of tokens (7 on OpenAI, up to some 30 with a system default).
const TEMPLATE_TOKENS = 64
// One token is all that a prime needs: its prefill is what fills the cache.
const PRIME_OUTPUT_TOKENS = 1

export function createPreparer({ seed, runId, targets, ownMessages }: PreparerOptions): Preparer {
  let nonces = 0
  const nextNonce = (kind: string): string => nonceFor(seed, runId, `${kind}/${nonces++}`)
  const targetOf = (planned: PlannedRequest): LiveTarget => liveOf(targets, planned.target)
  const promptOf = (planned: PlannedRequest, prefixNonce: string | null): PromptResult => {
    const { builder, correction } = targetOf(planned)
    const { promptTokens, prefixTokens, cache } = planned.condition
    const tokens = corrected(promptTokens, correction)
    if (cache !== 'warm') return builder.freshPrompt({ tokens, nonce: nextNonce('fresh') })
    const prefix = Math.min(tokens, Math.round(prefixTokens / correction.ratio))
    return builder.warmPrompt({
      tokens,
      prefixTokens: prefix,
      nonce: nextNonce('suffix'),
      prefixNonce: prefixNonce ?? nextNonce('prefix'),
    })
  }
  const userMessage = (result: PromptResult): { messages: Message[]; tokens: number } => {
    if (!result.ok) throw new Error('a length that the check before the run let pass cannot be built')
    return { messages: [{ role: 'user', content: result.prompt.text }], tokens: result.prompt.tokens }
  }
  const asked = (
    planned: PlannedRequest,
    prefixNonce: string | null,
  ): { messages: readonly Message[]; tokens: number } => {
    if (planned.own === undefined) return userMessage(promptOf(planned, prefixNonce))
    const messages = ownMessages(planned.own.conversation, planned.own.turn)
    return { messages, tokens: planned.condition.promptTokens }
  }
  return {
    measure(planned, prefixNonce) {
      const { messages, tokens } = asked(planned, prefixNonce)
      return finish(planned, targetOf(planned), 'measure', messages, tokens, planned.condition.outputTokens)
    },
    prime(planned, prefixNonce) {
      const live = targetOf(planned)
      const prefixTokens = Math.round(planned.condition.prefixTokens / live.correction.ratio)
      const { messages, tokens } = userMessage(live.builder.primePrompt({ prefixTokens, prefixNonce }))
      return finish(planned, live, 'prime', messages, tokens, PRIME_OUTPUT_TOKENS)
    },
    warmup(planned) {
      const { messages, tokens } = asked(planned, null)
      return finish(planned, targetOf(planned), 'warmup', messages, tokens, planned.condition.outputTokens)
    },
    prefixNonce: () => nextNonce('prefix'),
  }
}

function finish(
  planned: PlannedRequest,
  live: LiveTarget,
  role: Role,
  messages: readonly Message[],
  localTokens: number,
  outputTokens: number,
): Prepared {
  const { target, protocol } = live
  const encoded = protocol.encode(
    { messages, outputTokens },
    { model: target.model, quirks: target.quirks, body: target.body },
  )
  return {
    planned,
    target: live,
    role,
    request: {
      method: 'POST',
      path: live.basePath + encoded.path,
      headers: { ...encoded.headers, ...live.headers },
      body: encoded.body,
      endMarker: protocol.endMarker,
      deadlines: target.deadlines,
    },
    worst: worstCase(live, messages, localTokens, outputTokens),
    localTokens,
  }
}

/** What the request can use at most. An estimated length is bounded by the bytes: no token is shorter than one. */
function worstCase(
  live: LiveTarget,
  messages: readonly Message[],
  localTokens: number,
  outputTokens: number,
): WorstCase {
  const bytes = messages.reduce((total, message) => total + Buffer.byteLength(message.content), 0)
  const promptTokens = (live.tokenizer.exact ? localTokens : Math.max(localTokens, bytes)) + TEMPLATE_TOKENS
  const { price } = live.target
  const cost = price === null ? 0 : (promptTokens * price.inputPerM + outputTokens * price.outputPerM) / 1e6
  return { promptTokens, outputTokens, cost }
}
