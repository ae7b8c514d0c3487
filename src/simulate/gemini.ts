/** The Gemini face: how a request asks, and how Google refuses. Its chunks stand in `gemini-events.ts`. */
import { z } from 'zod'
import type { Turn } from './count.js'
import type { Ask, Asked, Face, Refusal, Route, Vendor, Wrong } from './face.js'
import { reasoningTokens } from './face.js'
import { geminiWriter, wholeContent } from './gemini-events.js'
import { chooseTool, toolTurns, type ToolChoice } from './tools.js'

const Part = z.looseObject({ text: z.optional(z.string()), functionResponse: z.optional(z.unknown()) })
const Content = z.looseObject({ role: z.optional(z.string()), parts: z.optional(z.array(Part)) })
const Body = z.looseObject({
  contents: z.array(Content).min(1),
  systemInstruction: z.optional(z.union([Content, z.string()])),
  generationConfig: z.optional(
    z.looseObject({
      maxOutputTokens: z.optional(z.int().min(1)),
      temperature: z.optional(z.number().min(0).max(2)),
      thinkingConfig: z.optional(
        z.looseObject({
          thinkingBudget: z.optional(z.int()),
          thinkingLevel: z.optional(z.string()),
          includeThoughts: z.optional(z.boolean()),
        }),
      ),
    }),
  ),
  tools: z.optional(
    z.array(
      z.looseObject({
        functionDeclarations: z.optional(
          z.array(
            z.looseObject({
              name: z.string(),
              parameters: z.optional(z.unknown()),
              parametersJsonSchema: z.optional(z.unknown()),
            }),
          ),
        ),
      }),
    ),
  ),
  toolConfig: z.optional(
    z.looseObject({
      functionCallingConfig: z.optional(
        z.looseObject({
          mode: z.optional(z.string()),
          allowedFunctionNames: z.optional(z.array(z.string())),
        }),
      ),
    }),
  ),
})

/** What the API accepts (its discovery document, GenerateContentRequest). */
const KNOWN = new Set([
  'cachedContent', 'contents', 'generationConfig', 'labels', 'model', 'safetySettings', 'serviceTier', 'store',
  'systemInstruction', 'system_instruction', 'toolConfig', 'tool_config', 'tools',
]) // prettier-ignore

const MODEL_PATH = /^\/v1(?:beta)?\/models\/([^/:]+):(streamGenerateContent|generateContent)$/

const geminiVendor: Vendor = {
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

export const gemini: Face = {
  name: 'gemini',
  vendor: geminiVendor,
  idPrefix: '',
  lineEnd: '\r\n',
  route,
  parse: parseGenerate,
  writer: geminiWriter,
  whole: wholeContent,
}

/** Without `alt=sse` a stream is one JSON array that grows. */
function route(path: string, query: URLSearchParams): Route | undefined {
  const [, name, method] = MODEL_PATH.exec(path) ?? []
  if (name === undefined) return undefined
  const stream = method === 'streamGenerateContent'
  return {
    model: decodeURIComponent(name),
    stream,
    framing: query.get('alt') === 'sse' ? 'sse' : 'json-array',
  }
}

function googleError(status: number, name: string, message: string, details?: readonly object[]): Refusal {
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

function refuseIssue(issue: z.core.$ZodIssue | undefined): Refusal {
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

function parseGenerate({ body, route: { model = '', stream = false }, profile }: Asked): Ask | Refusal {
  const parsed = Body.safeParse(body)
  if (!parsed.success) return refuseIssue(parsed.error.issues[0])
  const { data } = parsed
  // Google refuses unknown names whatever the model.
  const unknown = Object.keys(data).find((key) => !KNOWN.has(key))
  if (unknown !== undefined) {
    const description = `Invalid JSON payload received. Unknown name "${unknown}": Cannot find field.`
    return googleError(400, 'INVALID_ARGUMENT', description, [
      { '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: [{ description }] },
    ])
  }
  const { maxOutputTokens, thinkingConfig } = data.generationConfig ?? {}
  const budget = thinkingConfig?.thinkingBudget
  const tokens = reasoningTokens(
    profile,
    budget === undefined || budget < 0 ? undefined : budget > 0,
    budget === undefined || budget < 0 ? Infinity : budget,
  )
  const tools = (data.tools ?? []).flatMap((group) =>
    (group.functionDeclarations ?? []).map((each) => ({
      name: each.name,
      parameters: each.parametersJsonSchema ?? each.parameters,
    })),
  )
  const answersTool = (data.contents.at(-1)?.parts ?? []).some((part) => part.functionResponse !== undefined)
  const tool = chooseTool(tools, choiceOf(data.toolConfig?.functionCallingConfig), answersTool, profile)
  if (tool === 'missing')
    return googleError(
      400,
      'INVALID_ARGUMENT',
      'allowed_function_names contains a function that is not declared.',
    )
  const turns: Turn[] = toolTurns(tools)
  const system = data.systemInstruction
  if (system !== undefined)
    turns.push({ role: 'system', text: typeof system === 'string' ? system : textOf(system) })
  for (const content of data.contents) {
    turns.push({ role: content.role === 'model' ? 'assistant' : 'user', text: textOf(content) })
  }
  return {
    model,
    turns,
    outputTokens: maxOutputTokens,
    stream,
    includeUsage: true,
    reasoning: { tokens, shown: thinkingConfig?.includeThoughts === true ? 'summary' : 'hidden' },
    tool,
    cacheLifetime: undefined,
    cacheKey: undefined,
    pads: false,
    echo: {},
  }
}

function choiceOf(
  config: { mode?: string | undefined; allowedFunctionNames?: string[] | undefined } | undefined,
): ToolChoice {
  const mode = config?.mode?.toUpperCase()
  if (mode === 'NONE') return 'none'
  if (mode !== 'ANY') return 'auto'
  const name = config?.allowedFunctionNames?.[0]
  return name === undefined ? 'required' : { name }
}

function textOf(content: z.infer<typeof Content>): string {
  return (content.parts ?? []).map(({ text, ...rest }) => text ?? JSON.stringify(rest)).join('')
}
