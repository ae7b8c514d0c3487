/** What Anthropic's API says beside an answer: whose key it was, what is wrong, what is left of a limit. */
import type { z } from 'zod'
import { rayOf, type Refusal, type Vendor, type Wrong } from './face.js'

export const anthropic: Vendor = {
  name: 'anthropic',
  idHeader: 'request-id',
  key(headers) {
    const key = headers['x-api-key']
    return typeof key === 'string' ? key : /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1]
  },
  refuse,
  limitHeaders: (unit, { remaining, resetMs }, perMinute, wallMs) => ({
    [`anthropic-ratelimit-${unit}-limit`]: String(perMinute),
    [`anthropic-ratelimit-${unit}-remaining`]: String(remaining),
    [`anthropic-ratelimit-${unit}-reset`]: new Date(wallMs + resetMs).toISOString().replace(/\.\d+/, ''),
  }),
  answerHeaders: (stamp) => ({
    'cf-ray': rayOf(stamp),
    'server-timing': `x-originResponse;dur=${Math.round(stamp.sinceArrivalMs)}`,
    'anthropic-organization-id': '00000000-0000-4000-8000-000000000000',
  }),
}

export function anthropicError(type: string, message: string, requestId: string): string {
  return JSON.stringify({ type: 'error', error: { type, message }, request_id: requestId })
}

function refuse(wrong: Wrong, requestId: string): Refusal {
  const say = (status: number, type: string, message: string, headers?: Record<string, string>): Refusal => ({
    status,
    body: anthropicError(type, message, requestId),
    ...(headers && { headers }),
  })
  const invalid = (message: string): Refusal => say(400, 'invalid_request_error', message)
  switch (wrong.kind) {
    case 'no-key':
      return say(401, 'authentication_error', 'x-api-key header is required')
    case 'wrong-key':
      return say(401, 'authentication_error', 'invalid x-api-key')
    case 'no-path':
      return say(404, 'not_found_error', 'Not found')
    case 'wrong-method':
      return say(405, 'invalid_request_error', 'Method Not Allowed')
    case 'malformed-json':
      return invalid(`The request body is not valid JSON: ${wrong.detail}`)
    case 'too-large':
      return say(413, 'request_too_large', 'Request exceeds the maximum size')
    case 'unknown-model':
      return say(404, 'not_found_error', `model: ${wrong.model}`)
    case 'too-long': {
      const { limit, promptTokens, outputTokens } = wrong
      return promptTokens >= limit
        ? invalid(`prompt is too long: ${promptTokens} tokens > ${limit} maximum`)
        : invalid(
            `input length and \`max_tokens\` exceed context limit: ${promptTokens} + ${outputTokens} > ${limit}, ` +
              'decrease input length or `max_tokens` and try again',
          )
    }
    case 'too-many': {
      const message =
        `This request would exceed your organization's rate limit of ${wrong.perMinute} ${wrong.unit} per minute. ` +
        'For details, refer to: https://docs.claude.com/en/api/rate-limits.'
      return say(429, 'rate_limit_error', message, { 'retry-after': String(Math.ceil(wrong.waitMs / 1000)) })
    }
    case 'overloaded':
      return say(529, 'overloaded_error', 'Overloaded', { 'x-should-retry': 'true' })
    case 'server-error':
      return say(500, 'api_error', wrong.message)
    case 'invalid':
      return invalid(`${wrong.param}: ${wrong.message}`)
    default:
      return wrong satisfies never
  }
}

/** The API's own validator is pydantic; these are its sentences. */
export function issueText(issue: z.core.$ZodIssue | undefined): string {
  const path = issue?.path.map(String).join('.') ?? ''
  if (!issue || path === '') return 'Input should be an object'
  if (issue.code === 'invalid_type' && issue.message.includes('received undefined'))
    return `${path}: Field required`
  if (issue.code === 'invalid_type')
    return `${path}: Input should be a valid ${PYDANTIC[issue.expected] ?? issue.expected}`
  if (issue.code === 'too_small' && issue.origin === 'array')
    return `${path}: at least one message is required`
  if (issue.code === 'too_small') return `${path}: Input should be greater than or equal to ${issue.minimum}`
  if (issue.code === 'too_big') return `${path}: Input should be less than or equal to ${issue.maximum}`
  return `${path}: ${issue.message}`
}

const PYDANTIC: Readonly<Record<string, string>> = { int: 'integer', array: 'list', object: 'dictionary' }
