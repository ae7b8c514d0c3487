/** The Anthropic messages face: how a request asks. Its events stand in `anthropic-events.ts`. */
import { z } from 'zod'
import { anthropic, anthropicError, issueText } from './anthropic-errors.js'
import { anthropicWriter, wholeMessage } from './anthropic-events.js'
import type { Turn } from './count.js'
import type { Ask, Asked, Face, Refusal } from './face.js'
import { reasoningTokens } from './face.js'
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

export const anthropicMessages: Face = {
  name: 'anthropic-messages',
  vendor: anthropic,
  idPrefix: 'msg_01',
  route: (path) => (path === '/v1/messages' ? {} : undefined),
  parse: parseMessages,
  writer: anthropicWriter,
  whole: wholeMessage,
}

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
