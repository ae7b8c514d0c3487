/** The OpenAI responses face: how a request asks. Its events stand in `openai-responses-events.ts`. */
import { z } from 'zod'
import type { Ask, Face, Reasoning, Refusal, Vendor } from './face.js'
import { isRefusal } from './face.js'
import {
  commonFields,
  openai,
  openaiRefusal,
  openaiTool,
  pads,
  reasoningByEffort,
  refuseIssue,
  toolChoiceField,
  unknownParameter,
} from './openai.js'
import { responsesWriter, wholeResponse } from './openai-responses-events.js'
import type { Profile } from './profiles.js'
import { toolTurns } from './tools.js'

const Part = z.looseObject({ type: z.string(), text: z.optional(z.string()) })
const Item = z.looseObject({
  type: z.optional(z.string()),
  role: z.optional(z.enum(['system', 'developer', 'user', 'assistant'])),
  content: z.nullish(z.union([z.string(), z.array(Part)])),
  output: z.optional(z.unknown()),
  arguments: z.optional(z.string()),
})
const Body = z.looseObject({
  ...commonFields,
  input: z.union([z.string().min(1), z.array(Item).min(1)]),
  instructions: z.nullish(z.string()),
  max_output_tokens: z.nullish(z.int().min(1)),
  reasoning: z.nullish(
    z.looseObject({
      effort: z.nullish(z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh'])),
      summary: z.nullish(z.enum(['auto', 'concise', 'detailed'])),
    }),
  ),
  tools: z.nullish(
    z.array(z.looseObject({ name: z.optional(z.string()), parameters: z.optional(z.unknown()) })),
  ),
  tool_choice: toolChoiceField,
})

/** What responses accept (openai-openapi, CreateResponse). */
const KNOWN = new Set([
  'background', 'conversation', 'include', 'input', 'instructions', 'max_output_tokens', 'max_tool_calls', 'metadata',
  'model', 'parallel_tool_calls', 'previous_response_id', 'prompt', 'prompt_cache_key', 'prompt_cache_options',
  'prompt_cache_retention', 'reasoning', 'safety_identifier', 'service_tier', 'store', 'stream', 'stream_options',
  'temperature', 'text', 'tool_choice', 'tools', 'top_logprobs', 'top_p', 'truncation', 'user',
]) // prettier-ignore

/** The smallest limit that the real API takes. */
const MIN_OUTPUT_TOKENS = 16

/** Two errors read otherwise than in the older APIs. */
const vendor: Vendor = {
  ...openai,
  refuse(wrong, requestId) {
    if (wrong.kind === 'unknown-model') {
      const message = `The requested model '${wrong.model}' does not exist.`
      return openaiRefusal(400, { message, param: 'model', code: 'model_not_found' })
    }
    if (wrong.kind === 'too-long') {
      const message =
        'Your input exceeds the context window of this model. Please adjust your input and try again.'
      return openaiRefusal(400, { message, param: 'input', code: 'context_length_exceeded' })
    }
    return openai.refuse(wrong, requestId)
  },
}

export const openaiResponses: Face = {
  name: 'openai-responses',
  vendor,
  idPrefix: 'resp_',
  route: (path) => (path === '/v1/responses' ? {} : undefined),
  parse: ({ body, profile }) => parseResponses(body, profile),
  writer: responsesWriter,
  whole: wholeResponse,
}

function parseResponses(body: unknown, profile: Profile): Ask | Refusal {
  const parsed = Body.safeParse(body)
  if (!parsed.success) return refuseIssue(parsed.error.issues[0])
  const { data } = parsed
  const unknown = unknownParameter(data, KNOWN, profile)
  if (unknown !== undefined) {
    const message = `Unknown parameter: '${unknown}'.`
    return openaiRefusal(400, { message, param: unknown, code: 'unknown_parameter' })
  }
  const limit = data.max_output_tokens ?? undefined
  if (limit !== undefined && limit < MIN_OUTPUT_TOKENS && profile.constants.strictParameters) {
    const message =
      "Invalid 'max_output_tokens': integer below minimum value. " +
      `Expected a value >= ${MIN_OUTPUT_TOKENS}, but got ${limit} instead.`
    return openaiRefusal(400, { message, param: 'max_output_tokens', code: 'integer_below_min_value' })
  }
  const items = typeof data.input === 'string' ? [{ role: 'user' as const, content: data.input }] : data.input
  const tools = (data.tools ?? []).flatMap(({ name, parameters }) =>
    name === undefined ? [] : [{ name, parameters }],
  )
  const turns = toolTurns(tools)
  if (data.instructions) turns.push({ role: 'system', text: data.instructions })
  for (const item of items) turns.push(turnOf(item))
  const answersTool = items.at(-1)?.type === 'function_call_output'
  const tool = openaiTool(tools, data.tool_choice, answersTool, profile)
  if (tool && isRefusal(tool)) return tool
  return {
    model: data.model,
    turns,
    outputTokens: limit,
    stream: data.stream ?? false,
    includeUsage: true,
    reasoning: reasoningByEffort(profile, data.reasoning?.effort, shownOf(data.reasoning?.summary, profile)),
    tool,
    cacheLifetime: undefined,
    cacheKey: data.prompt_cache_key ?? undefined,
    pads: pads(profile, data.stream_options),
    echo: data,
  }
}

/** Hosted services never show reasoning itself, at most a summary; engines that stream it do. */
function shownOf(summary: string | null | undefined, { constants }: Profile): Reasoning['shown'] {
  if (summary != null) return 'summary'
  return constants.streamsReasoning && !constants.strictParameters ? 'full' : 'hidden'
}

function turnOf(item: z.infer<typeof Item>): { role: string; text: string } {
  if (item.type === 'function_call_output') return { role: 'tool', text: JSON.stringify(item.output) ?? '' }
  if (item.type === 'function_call') return { role: 'assistant', text: item.arguments ?? '' }
  const { content } = item
  const text = typeof content === 'string' ? content : (content ?? []).map((part) => part.text ?? '').join('')
  return { role: item.role ?? 'user', text }
}
