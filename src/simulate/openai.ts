/** What OpenAI's three generation APIs share: the error body, parameter checks, usage, headers. */
import { z } from 'zod'
import type { AnswerHead, Reasoning, Refusal, Usage, Vendor, Wrong } from './face.js'
import { rayOf, reasoningTokens } from './face.js'
import type { Profile } from './profiles.js'
import { chooseTool, type Tool, type ToolChoice } from './tools.js'

interface Detail {
  readonly message: string
  readonly type?: string
  readonly param?: string | null
  readonly code?: string | null
}

export function openaiRefusal(status: number, detail: Detail, headers?: Record<string, string>): Refusal {
  return { status, body: JSON.stringify(errorObject(detail), null, 2), ...(headers && { headers }) }
}

function errorObject({ message, type = 'invalid_request_error', param = null, code = null }: Detail): object {
  return { error: { message, type, param, code } }
}

export const SERVER_FAILED: Detail = {
  message: 'The server had an error while processing your request. Sorry about that!',
  type: 'server_error',
}

/** An error inside a stream that began with 200: one event with the body of an error, on one line. */
export const errorEvent = { data: JSON.stringify(errorObject(SERVER_FAILED)) }

export const openai: Vendor = {
  name: 'openai',
  idHeader: 'x-request-id',
  key: ({ authorization }) => /^Bearer (.+)$/i.exec(authorization ?? '')?.[1],
  refuse,
  limitHeaders: (unit, { remaining, resetMs }, perMinute) => ({
    [`x-ratelimit-limit-${unit}`]: String(perMinute),
    [`x-ratelimit-remaining-${unit}`]: String(remaining),
    [`x-ratelimit-reset-${unit}`]: `${Math.ceil(resetMs)}ms`,
  }),
  /** Both are stamped when headers go out; the front proxy's time holds the gateway's, processing does not. */
  answerHeaders(stamp) {
    const { sinceArrivalMs, outcome } = stamp
    const gatewayMs = outcome ? Math.min(outcome.phases.gateway, sinceArrivalMs) : 0
    return {
      'openai-version': '2020-10-01',
      'cf-ray': rayOf(stamp),
      'openai-processing-ms': String(Math.round(sinceArrivalMs - gatewayMs)),
      'x-envoy-upstream-service-time': String(Math.round(sinceArrivalMs)),
    }
  },
}

function refuse(wrong: Wrong): Refusal {
  switch (wrong.kind) {
    case 'no-key':
      return openaiRefusal(401, {
        message:
          "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth " +
          '(i.e. Authorization: Bearer YOUR_KEY).',
      })
    case 'wrong-key': {
      const message =
        'Incorrect API key provided. You can find your API key at https://platform.openai.com/account/api-keys.'
      return openaiRefusal(401, { message, code: 'invalid_api_key' })
    }
    case 'no-path':
      return openaiRefusal(404, { message: `Invalid URL (${wrong.method} ${wrong.path})` })
    case 'wrong-method': {
      const message = `Not allowed to ${wrong.method} on ${wrong.path}. (HINT: Perhaps you meant to use a different HTTP method?)`
      return openaiRefusal(405, { message, code: 'method_not_supported' })
    }
    case 'malformed-json':
      return openaiRefusal(400, {
        message:
          'We could not parse the JSON body of your request. (HINT: This likely means you aren’t using your HTTP library ' +
          'correctly. The API expects a JSON payload, but what was sent was not valid JSON. If you have trouble figuring ' +
          'out how to fix this, please contact us through our help center at help.openai.com.)',
      })
    case 'too-large':
      return openaiRefusal(413, { message: `The body exceeds ${wrong.maxBytes} bytes.` })
    case 'unknown-model':
      return openaiRefusal(404, {
        message: `The model \`${wrong.model}\` does not exist or you do not have access to it.`,
        code: 'model_not_found',
      })
    case 'too-long': {
      const { limit, promptTokens, outputTokens } = wrong
      const start = `This model's maximum context length is ${limit} tokens. However, `
      const message =
        promptTokens >= limit
          ? `${start}your messages resulted in ${promptTokens} tokens. Please reduce the length of the messages.`
          : `${start}you requested ${promptTokens + outputTokens} tokens (${promptTokens} in the messages, ` +
            `${outputTokens} in the completion). Please reduce the length of the messages or completion.`
      return openaiRefusal(400, { message, param: 'messages', code: 'context_length_exceeded' })
    }
    case 'too-many': {
      const { model, unit, perMinute, waitMs } = wrong
      const name = unit === 'requests' ? 'requests per min (RPM)' : 'tokens per min (TPM)'
      const message =
        `Rate limit reached for ${model} on ${name}: Limit ${perMinute}. ` +
        `Please try again in ${(waitMs / 1000).toFixed(3)}s. Visit https://platform.openai.com/account/rate-limits to learn more.`
      return openaiRefusal(
        429,
        { message, type: unit, code: 'rate_limit_exceeded' },
        { 'retry-after': String(Math.ceil(waitMs / 1000)), 'retry-after-ms': String(Math.ceil(waitMs)) },
      )
    }
    case 'overloaded': {
      const message = 'The engine is currently overloaded, please try again later'
      return openaiRefusal(503, { message, type: 'server_error', code: 'service_unavailable' })
    }
    case 'server-error':
      return openaiRefusal(500, { ...SERVER_FAILED, message: wrong.message })
    case 'invalid':
      return openaiRefusal(400, { message: wrong.message, param: wrong.param })
    default:
      return wrong satisfies never
  }
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

/** Fields that all three read. Numbers that OpenAI bounds are bounded as there. */
export const commonFields = {
  model: z.string(),
  stream: z.nullish(z.boolean()),
  stream_options: z.nullish(
    z.looseObject({ include_usage: z.nullish(z.boolean()), include_obfuscation: z.nullish(z.boolean()) }),
  ),
  temperature: z.nullish(z.number().min(0).max(2)),
  top_p: z.nullish(z.number().min(0).max(1)),
  prompt_cache_key: z.nullish(z.string()),
}

/** The first parameter that the API does not know, refused as chat completions refuses it. */
export function unknownParameter(
  body: Readonly<Record<string, unknown>>,
  known: ReadonlySet<string>,
  profile: Profile,
): string | undefined {
  if (!profile.constants.strictParameters) return undefined
  return Object.keys(body).find((key) => !known.has(key))
}

/** The first thing wrong with a body, in OpenAI's words. */
export function refuseIssue(issue: z.core.$ZodIssue | undefined): Refusal {
  const param = issue ? pathText(issue.path) : ''
  if (!issue || param === '') return refuse({ kind: 'malformed-json', detail: '' })
  if (issue.code === 'invalid_type' && issue.message.includes('received undefined')) {
    const code = 'missing_required_parameter'
    return openaiRefusal(400, { message: `Missing required parameter: '${param}'.`, param, code })
  }
  if (issue.code === 'invalid_type') {
    const [, expected = issue.expected, received = 'something else'] =
      /expected (\w+), received (\w+)/.exec(issue.message) ?? []
    const message = `Invalid type for '${param}': expected ${article(expected)}, but got ${article(received)} instead.`
    return openaiRefusal(400, { message, param, code: 'invalid_type' })
  }
  if (issue.code === 'too_small' && (issue.origin === 'number' || issue.origin === 'int')) {
    const kind = issue.origin === 'int' || Number.isInteger(issue.input) ? 'integer' : 'decimal'
    const message = `Invalid '${param}': ${kind} below minimum value. Expected a value >= ${issue.minimum}.`
    return openaiRefusal(400, { message, param, code: `${kind}_below_min_value` })
  }
  if (issue.code === 'too_big' && (issue.origin === 'number' || issue.origin === 'int')) {
    const kind = issue.origin === 'int' ? 'integer' : 'decimal'
    const message = `Invalid '${param}': ${kind} above maximum value. Expected a value <= ${issue.maximum}.`
    return openaiRefusal(400, { message, param, code: `${kind}_above_max_value` })
  }
  const message = `Invalid '${param}': ${issue.message}.`
  return openaiRefusal(400, { message, param, code: 'invalid_value' })
}

function article(type: string): string {
  return `${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}`
}

function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((key, at) => (typeof key === 'number' ? `[${key}]` : (at > 0 ? '.' : '') + String(key)))
    .join('')
}

/** Effort scales what the profile thinks: minimal an eighth, low a quarter, high four times; `none` is none. */
export function reasoningByEffort(
  profile: Profile,
  effort: string | null | undefined,
  shown: Reasoning['shown'],
): Reasoning {
  const factor = { minimal: 1 / 8, low: 1 / 4, high: 4, xhigh: 8 }[effort ?? ''] ?? 1
  const tokens = reasoningTokens(profile, effort === 'none' ? false : undefined)
  return { tokens: Math.ceil(tokens * factor), shown }
}

const ChoiceField = z.union([
  z.enum(['auto', 'none', 'required']),
  z.looseObject({ name: z.string() }),
  z.looseObject({ function: z.looseObject({ name: z.string() }) }).transform((choice) => choice.function),
])

/** `tool_choice` of a body, whichever of the two ways the API has of naming a function. */
export const toolChoiceField = z.nullish(ChoiceField)

export function openaiTool(
  tools: readonly Tool[],
  choice: ToolChoice | null | undefined,
  answersTool: boolean,
  profile: Profile,
): Tool | undefined | Refusal {
  const tool = chooseTool(tools, choice ?? 'auto', answersTool, profile)
  if (tool !== 'missing') return tool
  const name = typeof choice === 'object' && choice ? choice.name : ''
  const message = `Tool choice '${name}' not found in 'tools' parameter.`
  return openaiRefusal(400, { message, param: 'tool_choice' })
}

/** Hosted services pad their events unless asked not to. */
export function pads(
  profile: Profile,
  options: { include_obfuscation?: boolean | null | undefined } | null | undefined,
): boolean {
  return options?.include_obfuscation ?? profile.constants.strictParameters
}

/** `,"obfuscation":"…"` so that text and padding together are 16 characters, or nothing. */
export function padding(head: AnswerHead, text: string): string {
  if (!head.ask.pads) return ''
  return `,"obfuscation":"${head.padding(Math.max(1, 16 - text.length))}"`
}
