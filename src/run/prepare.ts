/** Builds a request, prompt included, before the timed path begins. */
import type { PlannedRequest } from '../plan/visit.js'
import type { Question, RightAnswer } from '../plan/probe.js'
import type { WorstCase } from '../plan/budget.js'
import type { Ask, Message } from '../protocol/protocol.js'
import type { PromptResult } from '../prompt/builder.js'
import { explainTooShort } from '../prompt/builder.js'
import { corrected } from '../prompt/correction.js'
import { nonceFor } from '../prompt/nonce.js'
import { questionPrompt } from '../prompt/questions.js'
import type { Price } from '../provider/provider.js'
import type { WireRequest } from '../wire/exchange.js'
import type { LiveTarget } from './live-target.js'
import { liveOf } from './live-target.js'
import type { WarmPrefix } from './prefix.js'

/** `prime` brings a prefix into the cache; it and `warmup` stand in no figure. */
export type Role = 'measure' | 'warmup' | 'prime'

export interface Prepared {
  planned: PlannedRequest
  target: LiveTarget
  role: Role
  /** With its signature or token once that was asked for. */
  request: WireRequest
  /** Wall clock, milliseconds: until when signature or token may be sent. */
  authorizedUntilUtcMs?: number | undefined
  worst: WorstCase
  /** Prompt tokens by our tokenizer. */
  localTokens: number
  /** When the prefix that it is to find warm was left alone, on the run's clock. */
  primedNs?: number | undefined
  /** What the answer must be, where the prompt asks a question. */
  right?: RightAnswer | undefined
}

/** The request, or why its prompt cannot be built: its length, as corrected for this server, has no room for what stands in it. */
export type Made = Prepared | { tooShort: string }

export interface Preparer {
  /** `prefix`: what stands in the cache, and since when. */
  measure(planned: PlannedRequest, prefix: WarmPrefix): Made
  prime(planned: PlannedRequest, prefixNonce: string): Made
  warmup(planned: PlannedRequest): Made
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

// A chat template adds a handful of tokens (7 on OpenAI, up to some 30 with a system default), and some more a message.
const TEMPLATE_TOKENS = 64
const MESSAGE_TOKENS = 8
// One token is all that a prime needs: its prefill is what fills the cache.
const PRIME_OUTPUT_TOKENS = 1

export function createPreparer({ seed, runId, targets, ownMessages }: PreparerOptions): Preparer {
  let nonces = 0
  const nextNonce = (kind: string): string => nonceFor(seed, runId, `${kind}/${nonces++}`)
  const targetOf = (planned: PlannedRequest): LiveTarget => liveOf(targets, planned.target)

  function promptOf(planned: PlannedRequest, prefixNonce: string | null): PromptResult {
    const { builder, correction } = targetOf(planned)
    const { promptTokens, prefixTokens, cache } = planned.condition
    const tokens = corrected(promptTokens, correction)
    if (cache !== 'warm') return builder.freshPrompt({ tokens, nonce: nextNonce('fresh') })
    return builder.warmPrompt({
      tokens,
      // Corrected like the whole, so that the suffix keeps its length whatever the chat template adds.
      prefixTokens: corrected(prefixTokens, correction),
      nonce: nextNonce('suffix'),
      prefixNonce: prefixNonce ?? nextNonce('prefix'),
    })
  }

  function build(planned: PlannedRequest, role: Role, result: PromptResult, outputTokens: number): Made {
    if (!result.ok) return { tooShort: explainTooShort(result.error) }
    const messages = [{ role: 'user', content: result.prompt.text } as const]
    const { tokens, prefixCharacters } = result.prompt
    const cachePrefix = prefixCharacters === 0 ? undefined : prefixCharacters
    return finish(planned, targetOf(planned), role, { messages, outputTokens, cachePrefix }, tokens)
  }

  function ask(planned: PlannedRequest, question: Question): Made {
    const { tokenizer, correction } = targetOf(planned)
    const tokens = corrected(planned.condition.promptTokens, correction)
    const made = questionPrompt({ question, tokens, nonce: nextNonce('question') }, tokenizer)
    const built = build(planned, 'measure', made, planned.condition.outputTokens)
    return made.ok && !('tooShort' in built) ? { ...built, right: made.right } : built
  }

  return {
    measure(planned, { nonce, primedNs }) {
      const { outputTokens, question } = planned.condition
      if (question !== undefined) return ask(planned, question)
      if (planned.own === undefined) {
        const made = build(planned, 'measure', promptOf(planned, nonce), outputTokens)
        return nonce === null || 'tooShort' in made ? made : { ...made, primedNs }
      }
      const live = targetOf(planned)
      const messages = ownMessages(planned.own.conversation, planned.own.turn)
      const tokens = messages.reduce((sum, { content }) => sum + live.tokenizer.count(content), 0)
      return finish(planned, live, 'measure', { messages, outputTokens }, tokens)
    },
    prime(planned, prefixNonce) {
      const { builder, correction } = targetOf(planned)
      const prefixTokens = corrected(planned.condition.prefixTokens, correction)
      return build(planned, 'prime', builder.primePrompt({ prefixTokens, prefixNonce }), PRIME_OUTPUT_TOKENS)
    },
    warmup: (planned) => build(planned, 'warmup', promptOf(planned, null), planned.condition.outputTokens),
    prefixNonce: () => nextNonce('prefix'),
  }
}

function finish(
  planned: PlannedRequest,
  live: LiveTarget,
  role: Role,
  asked: Ask,
  localTokens: number,
): Prepared {
  const { target, protocol } = live
  const outputTokens = Math.max(asked.outputTokens, protocol.leastOutputTokens ?? 1)
  const encoded = protocol.encode(
    { ...asked, outputTokens },
    {
      model: target.model,
      // A question is answered and the answer ends; elsewhere the length is what counts.
      quirks:
        planned.condition.question === undefined ? target.quirks : { ...target.quirks, ignoreEos: false },
      body: target.body,
      basePath: live.basePath,
      apiVersion: target.apiVersion ?? undefined,
    },
  )
  return {
    planned,
    target: live,
    role,
    request: {
      method: 'POST',
      path: live.basePath + encoded.path,
      // OpenAI and others answer 400 or 415 to a body that does not say what it is.
      headers: { 'content-type': 'application/json', ...encoded.headers, ...live.headers },
      body: encoded.body,
      endMarker: protocol.endMarker,
      framing: protocol.framing === 'messages' ? 'messages' : 'lines',
      deadlines: target.deadlines,
    },
    worst: worstCase(live, asked.messages, localTokens, outputTokens),
    localTokens,
  }
}

/** What the request can use at most. */
function worstCase(
  live: LiveTarget,
  messages: readonly Message[],
  localTokens: number,
  outputTokens: number,
): WorstCase {
  const promptTokens =
    mostContent(live, messages, localTokens) + TEMPLATE_TOKENS + MESSAGE_TOKENS * messages.length
  const { price } = live.target
  const cost =
    price === null ? 0 : (promptTokens * dearestInputPerM(price) + outputTokens * price.outputPerM) / 1e6
  return { promptTokens, outputTokens, cost }
}

/** A token written into the cache may cost more than one that is only read. */
export function dearestInputPerM({
  inputPerM,
  cacheWritePerM = 0,
  cacheWritePerMByLifetime = {},
}: Price): number {
  return Math.max(inputPerM, cacheWritePerM, ...Object.values(cacheWritePerMByLifetime))
}

// How far a server's count may lie above what its own earlier counts promise.
const LEARNED_MARGIN = 1.25

/** Where the tokenizer is not the model's: by what the server counted before, else by the bytes; no token is shorter than one. */
function mostContent(live: LiveTarget, messages: readonly Message[], localTokens: number): number {
  const { tokenizer, correction } = live
  if (tokenizer.exact) return localTokens
  const bytes = messages.reduce((total, message) => total + Buffer.byteLength(message.content), 0)
  if (correction.pairs < 2) return Math.max(localTokens, bytes)
  const learned = correction.overhead + correction.ratio * localTokens
  return Math.min(Math.max(localTokens, bytes), Math.ceil(LEARNED_MARGIN * learned))
}
