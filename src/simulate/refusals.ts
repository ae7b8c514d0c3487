/** What is wrong with a request before any token is spent, whatever the API. */
import { timingSafeEqual } from 'node:crypto'
import type { Ask, Face, Wrong } from './face.js'
import type { CheckedOptions } from './options.js'
import { contextLimit } from './profiles.js'

/** A key is asked for, and missing or wrong. */
export function checkKey(keyEnv: string | undefined, key: string | undefined): Wrong | undefined {
  if (keyEnv === undefined) return undefined
  if (!key) return { kind: 'no-key' }
  const wanted = Buffer.from(process.env[keyEnv] ?? '')
  const given = Buffer.from(key)
  return wanted.length === given.length && timingSafeEqual(wanted, given) ? undefined : { kind: 'wrong-key' }
}

export type Json =
  { readonly ok: true; readonly data: unknown } | { readonly ok: false; readonly wrong: Wrong }

export function parseJson(body: string): Json {
  try {
    return { ok: true, data: JSON.parse(body) }
  } catch (error) {
    return {
      ok: false,
      wrong: { kind: 'malformed-json', detail: error instanceof Error ? error.message : '' },
    }
  }
}

/** Prompt and output together exceed the context; a face that truncates takes only output that can't fit. */
export function checkLength(
  { profile }: CheckedOptions,
  face: Face,
  ask: Ask,
  promptTokens: number,
): Wrong | undefined {
  const limit = contextLimit(profile)
  const outputTokens = ask.outputTokens ?? 1
  const needed = (face.truncates ? 1 : promptTokens) + outputTokens
  return needed > limit ? { kind: 'too-long', limit, promptTokens, outputTokens } : undefined
}
