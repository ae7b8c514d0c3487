/** The Anthropic messages face: how a request asks, and how the API refuses. Its events: `anthropic-events.ts`. */
import { z } from 'zod'
import { anthropicWriter, wholeMessage } from './anthropic-events.js'
import type { Turn } from './count.js'
import type { Ask, Asked, Face, Refusal, Vendor, Wrong } from './face.js'
import { rayOf, reasoningTokens } from './face.js'
import type { Profile } from './profiles.js'
import { chooseTool, toolTurns, type ToolChoice } from './tools.js'

const CacheControl = z.nullish(
  z.looseObject({ type: z.literal('ephemeral'), ttl: z.optional(z.enum(['5m', '1h'])) }),
)
const Block = z.looseObject({
  type: z.string(),
  text: z.optional(z.string()),
  thinking: z.optional(z.string()),
  input: z.optional(z.unknown()),
  content: z.optional(z.unknown()),
  cache_control: CacheControl,
})
const Content = z.union([z.string(), z.array(Block)])
const Body = z.looseObject({
  model: z.string(),
  max_tokens: z.int().min(1),
  messages: z.array(z.looseObject({ role: z.enum(['user', 'assistant']), content: Content })).min(1),
  system: z.optional(Content),
  stream: z.optional(z.boolean()),
  temperature: z.optional(z.number().min(0).max(1)),
  thinking: z.optional(
    z.looseObject({
      type: z.enum(['enabled', 'adaptive', 'disabled']),
      budget_tokens: z.optional(z.int().min(1)),
      display: z.nullish(z.enum(['summarized', 'omitted'])),
    }),
  ),
  tools: z.optional(
    z.array(
      z.looseObject({ name: z.string(), input_schema: z.optional(z.unknown()), cache_control: CacheControl }),
    ),
  ),
  tool_choice: z.optional(
    z.looseObject({ type: z.enum(['auto', 'any', 'tool', 'none']), name: z.optional(z.string()) }),
  ),
  cache_control: CacheControl,
})

/** What the API accepts (its reference, create a message). */
const KNOWN = new Set([
  'model', 'max_tokens', 'messages', 'cache_control', 'container', 'context_management', 'diagnostics', 'inference_geo',
  'mcp_servers', 'metadata', 'output_config', 'output_format', 'service_tier', 'speed', 'stop_sequences', 'stream', 'system',
  'temperature', 'thinking', 'tool_choice', 'tools', 'top_k', 'top_p',
]) // prettier-ignore

/** The API's own bounds. */
const MIN_BUDGET_TOKENS = 1024
const MAX_CACHE_MARKS = 4

const anthropicVendor: Vendor = {
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

export const anthropicMessages: Face = {
  name: 'anthropic-messages',
  vendor: anthropicVendor,
  idPrefix: 'msg_01',
  route: (path) => (path === '/v1/messages' ? {} : undefined),
  parse: parseMessages,
  writer: anthropicWriter,
  whole: wholeMessage,
}

function anthropicError(type: string, message: string, requestId: string): string {
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
function issueText(issue: z.core.$ZodIssue | undefined): string {
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

function parseMessages({ body, profile, headers, requestId }: Asked): Ask | Refusal {
  const invalid = (message: string): Refusal => ({
    status: 400,
    body: anthropicError('invalid_request_error', message, requestId),
  })
  if (headers['anthropic-version'] === undefined) return invalid('anthropic-version: header is required')
  const parsed = Body.safeParse(body)
  if (!parsed.success) return invalid(issueText(parsed.error.issues[0]))
  const { data } = parsed
  const { strictParameters } = profile.constants
  const unknown = Object.keys(data).find((key) => strictParameters && !KNOWN.has(key))
  if (unknown !== undefined) return invalid(`${unknown}: Extra inputs are not permitted`)
  const thinking = thinkingOf(data.thinking, data.max_tokens, profile)
  if (typeof thinking === 'string') return invalid(thinking)
  const tools = (data.tools ?? []).map(({ name, input_schema: parameters }) => ({ name, parameters }))
  const answersTool = hasBlock(data.messages.at(-1)?.content, 'tool_result')
  const tool = chooseTool(tools, choiceOf(data.tool_choice), answersTool, profile)
  if (tool === 'missing')
    return invalid(`tool_choice: Tool '${data.tool_choice?.name}' not found in provided tools`)
  const turns: Turn[] = toolTurns(tools).map((turn) =>
    data.tools?.some((each) => each.cache_control) === true ? { ...turn, markedTo: turn.text.length } : turn,
  )
  if (data.system !== undefined) turns.push(turnOf('system', data.system))
  for (const [at, { role, content }] of data.messages.entries()) {
    const isLast = at === data.messages.length - 1
    const turn = turnOf(role, content)
    turns.push(isLast && data.cache_control ? { ...turn, markedTo: turn.text.length } : turn)
  }
  const marks = [
    ...[...(data.tools ?? []), ...blocksOf(data.system)].map((each) => each.cache_control),
    ...data.messages.flatMap(({ content }) => blocksOf(content).map((block) => block.cache_control)),
    data.cache_control,
  ].flatMap((mark) => mark ?? [])
  if (marks.length > MAX_CACHE_MARKS) {
    return invalid(
      `A maximum of ${MAX_CACHE_MARKS} blocks with cache_control may be provided. Found ${marks.length}.`,
    )
  }
  return {
    model: data.model,
    turns,
    outputTokens: data.max_tokens,
    stream: data.stream ?? false,
    includeUsage: true,
    reasoning: thinking,
    tool,
    cacheLifetime: marks.at(-1)?.ttl ?? '5m',
    cacheKey: undefined,
    pads: false,
    echo: {},
  }
}

/** Thinking only where it is asked for; a sentence when it is asked wrongly. */
function thinkingOf(
  asked: z.infer<typeof Body>['thinking'],
  maxTokens: number,
  profile: Profile,
): Ask['reasoning'] | string {
  if (asked === undefined || asked.type === 'disabled') return { tokens: 0, shown: 'hidden' }
  const { strictParameters, streamsReasoning } = profile.constants
  const budget = asked.budget_tokens
  if (asked.type === 'enabled' && budget === undefined)
    return 'thinking.enabled.budget_tokens: Field required'
  if (budget !== undefined && strictParameters && budget < MIN_BUDGET_TOKENS)
    return `thinking.enabled.budget_tokens: Input should be greater than or equal to ${MIN_BUDGET_TOKENS}`
  if (budget !== undefined && budget >= maxTokens)
    return '`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking#max-tokens-and-context-window-size'
  const shown = asked.display === 'omitted' ? 'hidden' : streamsReasoning ? 'full' : 'summary'
  return { tokens: reasoningTokens(profile, true, budget), shown }
}

function choiceOf(choice: z.infer<typeof Body>['tool_choice']): ToolChoice {
  switch (choice?.type) {
    case 'any':
      return 'required'
    case 'tool':
      return { name: choice.name ?? '' }
    case 'none':
      return 'none'
    default:
      return 'auto'
  }
}

function blocksOf(content: z.infer<typeof Content> | undefined): readonly z.infer<typeof Block>[] {
  return typeof content === 'string' || content === undefined ? [] : content
}

function hasBlock(content: z.infer<typeof Content> | undefined, type: string): boolean {
  return blocksOf(content).some((block) => block.type === type)
}

/** Blocks joined; the mark of the last marked one stands at its end. */
function turnOf(role: string, content: z.infer<typeof Content>): Turn {
  if (typeof content === 'string') return { role, text: content }
  let text = ''
  let markedTo: number | undefined
  for (const block of content) {
    text += block.text ?? block.thinking ?? JSON.stringify(block.input ?? block.content) ?? ''
    if (block.cache_control) markedTo = text.length
  }
  return { role, text, markedTo }
}
