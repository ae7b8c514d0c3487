/** What an account has left of its rate limits, by the headers of any provider. */
import type { RateLimits } from './protocol.js'

type Headers = Readonly<Record<string, string>>

/** One limit: over one window, of requests or of tokens. */
interface Window {
  limit: number | undefined
  remaining: number | undefined
  resetS: number | undefined
}

const REQUESTS = /^(?:req|requests)(?:-(?:second|minute|hour|day))?$/
const TOKENS = /^(?:(?:input-|output-)?tokens|tokens-(?:prompt|generated))(?:-(?:second|minute|hour|day))?$/

/** `x-ratelimit-remaining-tokens-minute` (OpenAI, Groq, Cerebras, Mistral, Fireworks), without a kind: requests (OpenRouter, Together). */
const COMMON = /^x-ratelimit-(limit|remaining|reset)(?:-(.+))?$/
/** `anthropic-ratelimit-input-tokens-remaining`, of the priority tier too. */
const ANTHROPIC = /^anthropic-(?:ratelimit|priority)-(.+)-(limit|remaining|reset)$/

/**
 * Of several windows and kinds (a minute and a day, input and output) the scarcest counts: the least share left, since
 * that one answers 429 first. Undefined where the headers say nothing.
 */
export function readRateLimits(headers: Headers): RateLimits | undefined {
  const requests = new Map<string, Window>()
  const tokens = new Map<string, Window>()
  const sentUtcMs = Date.parse(headers.date ?? '')
  for (const [name, value] of Object.entries(headers)) {
    const common = COMMON.exec(name)
    const anthropic = common ? null : ANTHROPIC.exec(name)
    const part = common?.[1] ?? anthropic?.[2]
    const kind = common ? (common[2] ?? 'requests') : anthropic?.[1]
    if (part === undefined || kind === undefined) continue
    const windows = REQUESTS.test(kind) ? requests : TOKENS.test(kind) ? tokens : undefined
    if (!windows) continue
    // The priority tier has limits of its own under the same kinds.
    const key = name.startsWith('anthropic-priority') ? `priority-${kind}` : kind
    const window = windows.get(key) ?? { limit: undefined, remaining: undefined, resetS: undefined }
    windows.set(key, window)
    if (part === 'limit') window.limit = whole(value)
    else if (part === 'remaining') window.remaining = whole(value)
    else window.resetS = readReset(value, sentUtcMs)
  }
  const ofRequests = scarcest(requests)
  const ofTokens = scarcest(tokens)
  const limits: RateLimits = {
    limitRequests: ofRequests?.limit,
    remainingRequests: ofRequests?.remaining,
    resetRequestsS: ofRequests?.resetS,
    limitTokens: ofTokens?.limit,
    remainingTokens: ofTokens?.remaining,
    resetTokensS: ofTokens?.resetS,
  }
  const said = Object.entries(limits).filter(([, value]) => value !== undefined)
  return said.length > 0 ? Object.fromEntries(said) : undefined
}

function scarcest(windows: ReadonlyMap<string, Window>): Window | undefined {
  const share = ({ limit, remaining }: Window) =>
    limit === undefined || limit === 0 || remaining === undefined ? 1 : remaining / limit
  return [...windows.values()].sort((a, b) => share(a) - share(b))[0]
}

// Some servers say how many with a decimal point, none with a unit.
function whole(value: string): number | undefined {
  return /^\d{1,15}(?:\.0+)?$/.test(value.trim()) ? Number(value) : undefined
}

const UNIT_S: Readonly<Record<string, number>> = {
  d: 86_400,
  h: 3600,
  m: 60,
  s: 1,
  ms: 0.001,
  us: 1e-6,
  µs: 1e-6,
}
const DURATION = /^(?:\d+(?:\.\d+)?(?:d|h|ms|m|s|us|µs))+$/
const RFC_3339 = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/i
/** A bare number this large is no wait: Unix time, of 2001 or later. */
const LEAST_UNIX_S = 1e9
const LEAST_UNIX_MS = 1e12

/**
 * Seconds from the response: `6m0s`, `1.5s`, `20ms` (Go's durations), `12.5`, a Unix time in seconds or milliseconds,
 * or RFC 3339. Moments are held against the response's own `date`, so that a wrong clock of ours does no harm; a moment
 * that has passed is 0.
 *
 * @param sentUtcMs the response's `date`; NaN: it had none, and no moment can be read
 */
export function readReset(value: string, sentUtcMs: number): number | undefined {
  const said = value.trim()
  if (DURATION.test(said)) {
    const parts = said.matchAll(/(\d+(?:\.\d+)?)(d|h|ms|m|s|us|µs)/g)
    return [...parts].reduce((total, [, size, unit]) => total + Number(size) * (UNIT_S[unit ?? ''] ?? 0), 0)
  }
  const until = (utcMs: number) => {
    const resetS = (utcMs - sentUtcMs) / 1000
    return Number.isNaN(resetS) ? undefined : Math.max(0, resetS)
  }
  if (RFC_3339.test(said)) return until(Date.parse(said.replace(' ', 'T')))
  if (!/^\d{1,15}(?:\.\d+)?$/.test(said)) return undefined
  const number = Number(said)
  if (number >= LEAST_UNIX_MS) return until(number)
  return number >= LEAST_UNIX_S ? until(number * 1000) : number
}
