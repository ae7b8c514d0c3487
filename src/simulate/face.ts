/** What a face is: one vendor's way to ask and to answer. It knows no socket, no clock and no engine. */
import type { Turn } from './count.js'
import type { Profile } from './profiles.js'

/** A request as the engine understands it. */
export interface Ask {
  readonly model: string
  readonly turns: readonly Turn[]
  /** Undefined where the request names no limit. */
  readonly outputTokens: number | undefined
  readonly stream: boolean
  readonly includeUsage: boolean
}

export interface Refusal {
  readonly status: number
  readonly message: string
  readonly type?: string
  readonly param?: string | null
  readonly code?: string | null
}

/** What every part of one answer repeats. */
export interface AnswerHead {
  readonly id: string
  readonly createdS: number
  readonly model: string
  readonly fingerprint: string
  readonly includeUsage: boolean
}

export interface Usage {
  readonly promptTokens: number
  readonly cachedTokens: number
  readonly outputTokens: number
  readonly reasoningTokens: number
}

export type Channel = 'text' | 'reasoning'
export type FinishReason = 'length' | 'stop'

/** Writes the events of one stream; each is the `data` of one event, without framing. */
export interface EventWriter {
  opening(): readonly string[]
  token(text: string, channel: Channel): string
  finish(reason: FinishReason): string
  /** Undefined where this face or this request has none. */
  usage(usage: Usage): string | undefined
  done(): string | undefined
  error(refusal: Refusal): string
}

export interface WholeAnswer {
  readonly text: string
  readonly reasoning: string
  readonly reason: FinishReason
  readonly usage: Usage
}

export interface Face {
  readonly name: string
  readonly path: string
  readonly idPrefix: string
  parse(body: unknown, profile: Profile): Ask | Refusal
  writer(head: AnswerHead): EventWriter
  whole(head: AnswerHead, answer: WholeAnswer): string
  refuse(refusal: Refusal): string
}

export function isRefusal(parsed: object): parsed is Refusal {
  return 'status' in parsed
}
