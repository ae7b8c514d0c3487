/** A sample of format 1 as a check. */
import { z } from 'zod'
import type { Sample } from '../sample/sample.js'
import {
  arrivals,
  cacheAsked,
  cacheState,
  connection,
  count,
  money,
  nullableNumber,
  number,
  outcome,
  text,
} from './schema-words.js'

const limits = z.object({ ttft: number.optional(), tpot: number.optional(), e2e: number.optional() })
const question = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('recall'), depth: number }),
  z.object({ kind: z.enum(['arithmetic', 'echo', 'json']) }),
])

export const askedSchema: z.ZodType<Sample['asked']> = z.object({
  promptTokens: count,
  prefixTokens: count,
  outputTokens: count,
  cache: cacheAsked,
  concurrency: nullableNumber,
  rate: nullableNumber,
  arrivals: arrivals.optional(),
  maxInFlight: number.optional(),
  burstiness: number.optional(),
  rateTo: number.optional(),
  steps: number.optional(),
  ageS: number.optional(),
  connection,
  search: z.literal(true).optional(),
  limits: limits.optional(),
  question: question.optional(),
})

export const sampleSchema: z.ZodType<Sample> = z.object({
  id: text,
  target: text,
  probe: text,
  cell: text,
  block: z.int(),
  attempt: z.int().min(1),
  warmup: z.boolean(),
  outcome,
  status: z.int().nullable(),
  detail: text.optional(),
  asked: askedSchema,
  startedAt: text,
  atMs: number,
  startDelay: number,
  reused: z.boolean(),
  dns: number,
  connect: number,
  tls: number,
  ttfb: nullableNumber,
  ttfe: nullableNumber,
  ttft: nullableNumber,
  ttfvt: nullableNumber,
  ttftIntended: nullableNumber,
  tpot: nullableNumber,
  decodeRate: nullableNumber,
  e2e: nullableNumber,
  e2eIntended: nullableNumber,
  itl: z.object({ count, mean: number, p50: number, p90: number, p99: number, max: number }).nullable(),
  coalesced: count,
  // Whatever a server reported, even nonsense, was kept: it is the sample's state that says what to think of it.
  promptTokens: number.optional(),
  promptAssumed: z.literal(true).optional(),
  cachedTokens: number.optional(),
  cacheWriteTokens: number.optional(),
  cacheWritesByLifetime: z.record(text, number).optional(),
  outputTokens: number.optional(),
  reasoningTokens: number.optional(),
  tokenSource: z.enum(['usage', 'counted']).nullable(),
  cacheState,
  finishReason: text.optional(),
  bytes: count,
  cost: money.optional(),
  serverTimings: z
    .object({
      loadMs: number.optional(),
      queueMs: number.optional(),
      prefillMs: number.optional(),
      decodeMs: number.optional(),
      totalMs: number.optional(),
      toHeadersMs: number.optional(),
      raw: z.record(text, z.union([text, number])),
    })
    .optional(),
  route: z
    .object({
      requestId: text.optional(),
      model: text.optional(),
      fingerprint: text.optional(),
      region: text.optional(),
      serviceTier: text.optional(),
      upstream: text.optional(),
      raw: z.record(text, text).optional(),
    })
    .optional(),
  limits: z
    .object({
      limitRequests: number.optional(),
      remainingRequests: number.optional(),
      resetRequestsS: number.optional(),
      limitTokens: number.optional(),
      remainingTokens: number.optional(),
      resetTokensS: number.optional(),
    })
    .optional(),
  comments: count.optional(),
  heldBack: number.optional(),
  server: z
    .object({ running: number.optional(), waiting: number.optional(), kvUse: number.optional() })
    .optional(),
  answer: z.enum(['right', 'wrong']).optional(),
})
