/** What the checks of format 1 are made of: the closed lists of words, and the smallest shapes. */
import { z } from 'zod'
import type { ParameterUnit } from '../curve/curve.js'
import type { ArrivalProcess, CacheAsked, ConnectionMode, Law } from '../plan/probe.js'
import type { CacheState, Outcome } from '../sample/sample.js'

/** The members of a union as a check; one that is missing here does not compile. */
function oneOf<T extends string>(members: Record<T, true>): z.ZodType<T> {
  const names = Object.keys(members)
  const isMember = (value: unknown): boolean => typeof value === 'string' && names.includes(value)
  return z.custom<T>(isMember, `must be one of ${names.join(', ')}`)
}

export const law = oneOf<Law>({ prefill: true, decode: true, contention: true, cache: true })
export const cacheAsked = oneOf<CacheAsked>({ fresh: true, warm: true, any: true })
export const connection = oneOf<ConnectionMode>({ reused: true, new: true })
export const arrivals = oneOf<ArrivalProcess>({
  constant: true,
  poisson: true,
  gamma: true,
  ramp: true,
  step: true,
  trace: true,
})
export const cacheState = oneOf<CacheState>({ confirmed: true, contradicted: true, unverified: true })
export const unit = oneOf<ParameterUnit>({
  ms: true,
  'us/token': true,
  'us/token^2': true,
  'ms/token': true,
  'us/token/token': true,
  tokens: true,
  s: true,
})

export const failures: Record<Exclude<Outcome, 'ok'>, true> = {
  refused: true,
  dns: true,
  tls: true,
  reset: true,
  closed: true,
  truncated: true,
  malformed: true,
  goaway: true,
  timeout: true,
  oversized: true,
  aborted: true,
  resource: true,
  'http-400': true,
  'http-401': true,
  'http-403': true,
  'http-404': true,
  'http-429': true,
  'http-4xx': true,
  'http-5xx': true,
  redirect: true,
  'not-streaming': true,
  'stream-error': true,
  empty: true,
}
export const outcome = oneOf<Outcome>({ ok: true, ...failures })

export const text = z.string()
export const number = z.number() // finite: NaN and infinities are refused
export const nullableNumber = number.nullable()
export const count = z.int().min(0)
export const strings = z.array(text)
export const money = z.object({ currency: text, amount: number })
