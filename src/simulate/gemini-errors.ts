/** What Google's API says beside an answer: whose key it was, and what is wrong, as google.rpc.Status has it. */
import type { z } from 'zod'
import type { Refusal, Vendor, Wrong } from './face.js'

export const google: Vendor = {
  name: 'gemini',
  idHeader: undefined,
  key(headers, query) {
    const key = headers['x-goog-api-key']
    return typeof key === 'string' ? key : (query.get('key') ?? undefined)
  },
  refuse,
  limitHeaders: () => ({}),
  answerHeaders: ({ sinceArrivalMs }) => ({
    'server-timing': `gfet4t7; dur=${Math.round(sinceArrivalMs)}`,
    vary: 'Origin, X-Origin, Referer',
  }),
}

export function googleError(
  status: number,
  name: string,
  message: string,
  details?: readonly object[],
): Refusal {
  const error = { code: status, message, status: name, ...(details && { details }) }
  return { status, body: JSON.stringify({ error }, null, 2) }
}

function errorInfo(reason: string): object {
  return {
    '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
    reason,
    domain: 'googleapis.com',
    metadata: { service: 'generativelanguage.googleapis.com' },
  }
}

function refuse(wrong: Wrong): Refusal {
  switch (wrong.kind) {
    case 'no-key':
      return googleError(
        403,
        'PERMISSION_DENIED',
        "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other " +
          'form of API consumer identity to call this API.',
      )
    case 'wrong-key': {
      const message = 'API key not valid. Please pass a valid API key.'
      const localized = {
        '@type': 'type.googleapis.com/google.rpc.LocalizedMessage',
        locale: 'en-US',
        message,
      }
      return googleError(400, 'INVALID_ARGUMENT', message, [errorInfo('API_KEY_INVALID'), localized])
    }
    case 'no-path':
    case 'wrong-method':
      return {
        status: 404,
        headers: { 'content-type': 'text/html; charset=UTF-8' },
        body: '<!DOCTYPE html>\n<html lang=en>\n<title>Error 404 (Not Found)!!1</title>\n<p><b>404.</b> <ins>That’s an error.</ins>\n',
      }
    case 'malformed-json':
      return googleError(400, 'INVALID_ARGUMENT', `Invalid JSON payload received. ${wrong.detail}`)
    case 'too-large':
      return googleError(
        413,
        'INVALID_ARGUMENT',
        `Request payload size exceeds the limit: ${wrong.maxBytes} bytes.`,
      )
    case 'unknown-model':
      return googleError(
        404,
        'NOT_FOUND',
        `models/${wrong.model} is not found for API version v1beta, or is not supported for generateContent. ` +
          'Call ModelService.ListModels to see the list of available models and their supported methods.',
      )
    case 'too-long':
      return googleError(
        400,
        'INVALID_ARGUMENT',
        `The input token count (${wrong.promptTokens}) exceeds the maximum number of tokens allowed (${wrong.limit}).`,
      )
    case 'too-many':
      return tooMany(wrong.model, wrong.perMinute, wrong.waitMs)
    case 'overloaded':
      return googleError(503, 'UNAVAILABLE', 'The model is overloaded. Please try again later.')
    case 'server-error':
      return googleError(500, 'INTERNAL', wrong.message)
    case 'invalid':
      return googleError(400, 'INVALID_ARGUMENT', `${wrong.param}: ${wrong.message}`)
    default:
      return wrong satisfies never
  }
}

/** Google says how long to wait in `RetryInfo`, not in a header. */
function tooMany(model: string, perMinute: number, waitMs: number): Refusal {
  const seconds = `${Math.ceil(waitMs / 1000)}s`
  const message =
    'You exceeded your current quota, please check your plan and billing details. For more information on this error, ' +
    'head to: https://ai.google.dev/gemini-api/docs/rate-limits. \n* Quota exceeded for metric: ' +
    `generativelanguage.googleapis.com/generate_content_requests, limit: ${perMinute}, model: ${model}\n` +
    `Please retry in ${(waitMs / 1000).toFixed(6)}s.`
  return googleError(429, 'RESOURCE_EXHAUSTED', message, [
    {
      '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
      violations: [
        {
          quotaMetric: 'generativelanguage.googleapis.com/generate_content_requests',
          quotaId: 'GenerateRequestsPerMinutePerProjectPerModel',
          quotaDimensions: { model, location: 'global' },
          quotaValue: String(perMinute),
        },
      ],
    },
    { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: seconds },
  ])
}

export function refuseIssue(issue: z.core.$ZodIssue | undefined): Refusal {
  const path = issue?.path.map(String).join('.') ?? ''
  if (path === 'contents' && issue?.message.includes('received undefined'))
    return googleError(
      400,
      'INVALID_ARGUMENT',
      '* GenerateContentRequest.contents: contents is not specified\n',
    )
  if (!issue || path === '')
    return googleError(
      400,
      'INVALID_ARGUMENT',
      'Invalid JSON payload received. Root element must be a message.',
    )
  const description =
    issue.code === 'invalid_type'
      ? `Invalid value at '${path}' (${issue.message.replace('Invalid input: ', '')})`
      : `Invalid value at '${path}': ${issue.message}`
  return googleError(400, 'INVALID_ARGUMENT', description, [
    { '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: [{ field: path, description }] },
  ])
}
