/** What OpenAI's two generation APIs share: the error body, parameter checks, usage. */
import { z } from 'zod'
import type { Refusal, Usage } from './face.js'
import type { Profile } from './profiles.js'

export function errorBody({
  message,
  type = 'invalid_request_error',
  param = null,
  code = null,
}: Refusal): string {
  return JSON.stringify({ error: { message, type, param, code } }, null, 2)
}

export function usageBody(usage: Usage): object {
  return {
    prompt_tokens: usage.promptTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.promptTokens + usage.outputTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedTokens, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: usage.reasoningTokens,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  }
}

/** Fields that both APIs read. Numbers that OpenAI bounds are bounded as there. */
export const commonFields = {
  model: z.string(),
  stream: z.nullish(z.boolean()),
  stream_options: z.nullish(
    z.looseObject({ include_usage: z.nullish(z.boolean()), include_obfuscation: z.nullish(z.boolean()) }),
  ),
  max_tokens: z.nullish(z.int().min(1)),
  temperature: z.nullish(z.number().min(0).max(2)),
  top_p: z.nullish(z.number().min(0).max(1)),
  n: z.nullish(z.int().min(1).max(1)),
}

/** The first thing wrong with a body, in OpenAI's words. Null when nothing is. */
export function refuseUnknown(
  body: Readonly<Record<string, unknown>>,
  known: ReadonlySet<string>,
  profile: Profile,
): Refusal | null {
  if (!profile.constants.strictParameters) return null
  const unknown = Object.keys(body).find((key) => !known.has(key))
  return unknown === undefined
    ? null
    : { status: 400, message: `Unrecognized request argument supplied: ${unknown}` }
}

export function refuseIssue(issue: z.core.$ZodIssue | undefined): Refusal {
  const param = issue ? pathText(issue.path) : ''
  if (!issue || param === '')
    return { status: 400, message: 'We could not parse the JSON body of your request.' }
  if (issue.code === 'invalid_type' && issue.message.includes('received undefined')) {
    const code = 'missing_required_parameter'
    return { status: 400, message: `Missing required parameter: '${param}'.`, param, code }
  }
  const code = issue.code === 'invalid_type' ? 'invalid_type' : 'invalid_value'
  return { status: 400, message: `Invalid '${param}': ${issue.message}.`, param, code }
}

function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((key, at) => (typeof key === 'number' ? `[${key}]` : (at > 0 ? '.' : '') + String(key)))
    .join('')
}
