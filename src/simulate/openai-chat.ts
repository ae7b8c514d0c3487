/** The OpenAI chat completions face; vLLM, SGLang and llama.cpp speak it too. */
import { z } from 'zod'
import type { AnswerHead, Ask, End, EventWriter, Face, Refusal, WireEvent } from './face.js'
import { isRefusal } from './face.js'
import {
  commonFields,
  errorEvent,
  openai,
  openaiRefusal,
  openaiTool,
  padding,
  pads,
  reasoningByEffort,
  refuseIssue,
  toolChoiceField,
  unknownParameter,
  usageBody,
} from './openai.js'
import type { Profile } from './profiles.js'
import { timingsBody } from './timings.js'
import { toolTurns } from './tools.js'

const Part = z.looseObject({ type: z.string(), text: z.optional(z.string()) })
const Message = z.looseObject({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool', 'function']),
  content: z.nullish(z.union([z.string(), z.array(Part)])),
})
const ToolField = z.looseObject({
  function: z.looseObject({ name: z.string(), parameters: z.optional(z.unknown()) }),
})
const Body = z.looseObject({
  ...commonFields,
  messages: z.array(Message).min(1),
  max_tokens: z.nullish(z.int().min(1)),
  max_completion_tokens: z.nullish(z.int().min(1)),
  n: z.nullish(z.int().min(1).max(1)),
  reasoning_effort: z.nullish(z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh'])),
  tools: z.nullish(z.array(ToolField)),
  tool_choice: toolChoiceField,
})

/** What chat completions accepts (openai-openapi, CreateChatCompletionRequest). */
const KNOWN = new Set([
  'messages', 'model', 'audio', 'frequency_penalty', 'function_call', 'functions', 'logit_bias', 'logprobs',
  'max_completion_tokens', 'max_tokens', 'metadata', 'modalities', 'n', 'parallel_tool_calls', 'prediction',
  'presence_penalty', 'prompt_cache_key', 'prompt_cache_retention', 'reasoning_effort', 'response_format',
  'safety_identifier', 'seed', 'service_tier', 'stop', 'store', 'stream', 'stream_options', 'temperature',
  'tool_choice', 'tools', 'top_logprobs', 'top_p', 'user', 'verbosity', 'web_search_options',
]) // prettier-ignore

const REASONS = { length: 'length', stop: 'stop', tool: 'tool_calls' } as const

export const openaiChat: Face = {
  name: 'openai-chat',
  vendor: openai,
  idPrefix: 'chatcmpl-',
  route: (path) => (path === '/v1/chat/completions' ? {} : undefined),
  parse: ({ body, profile }) => parseChat(body, profile),
  writer,
  whole: (head, { text, reasoning, toolArguments, ...end }) =>
    JSON.stringify({
      id: head.id,
      object: 'chat.completion',
      created: head.createdS,
      model: head.model,
      choices: [
        {
          index: 0,
          message: {
            role: 'assistant',
            content: head.ask.tool ? null : text,
            ...(reasoning !== '' && { reasoning_content: reasoning }),
            ...(head.ask.tool && {
              tool_calls: [{ ...callStart(head), function: callOf(head, toolArguments) }],
            }),
            refusal: null,
            annotations: [],
          },
          logprobs: null,
          finish_reason: REASONS[end.reason],
        },
      ],
      ...(head.reportsUsage && { usage: usageBody(end.usage) }),
      service_tier: 'default',
      system_fingerprint: head.fingerprint,
      ...(head.reportsTimings && { timings: timingsBody(end) }),
    }),
}

function callStart(head: AnswerHead): object {
  return { id: `call_${head.id.slice(-24)}`, type: 'function' }
}

function callOf(head: AnswerHead, given: string): object {
  return { name: head.ask.tool?.name, arguments: given }
}

function writer(head: AnswerHead): EventWriter {
  const { includeUsage } = head.ask
  const start =
    `{"id":${JSON.stringify(head.id)},"object":"chat.completion.chunk","created":${head.createdS},` +
    `"model":${JSON.stringify(head.model)},"service_tier":"default",` +
    `"system_fingerprint":${JSON.stringify(head.fingerprint)},"choices":[`
  const afterChoices = includeUsage ? '],"usage":null' : ']'
  let isCalling = false

  function chunk(delta: string, reason: string, text = '', more = ''): WireEvent {
    const choice = `{"index":0,"delta":${delta},"logprobs":null,"finish_reason":${reason}}`
    return { data: `${start}${choice}${afterChoices}${padding(head, text)}${more}}` }
  }

  const timings = (end: End): string =>
    head.reportsTimings ? `,"timings":${JSON.stringify(timingsBody(end))}` : ''

  return {
    opening: () => [chunk('{"role":"assistant","content":"","refusal":null}', 'null')],
    admitted: () => [],
    token(text, channel) {
      const quoted = JSON.stringify(text)
      if (channel === 'text') return [chunk(`{"content":${quoted}}`, 'null', text)]
      if (channel === 'reasoning') return [chunk(`{"reasoning_content":${quoted}}`, 'null', text)]
      const piece = chunk(`{"tool_calls":[{"index":0,"function":{"arguments":${quoted}}}]}`, 'null', text)
      if (isCalling) return [piece]
      isCalling = true
      const opens = JSON.stringify([{ index: 0, ...callStart(head), function: callOf(head, '') }])
      return [chunk(`{"tool_calls":${opens}}`, 'null'), piece]
    },
    silent: () => [],
    finish: (end) => {
      const last = chunk('{}', `"${REASONS[end.reason]}"`, '', timings(end))
      if (!includeUsage || !head.reportsUsage) return [last]
      const usage = `${start}],"usage":${JSON.stringify(usageBody(end.usage))}${padding(head, '')}}`
      return [last, { data: usage }]
    },
    done: () => [{ data: '[DONE]' }],
    error: () => [errorEvent],
  }
}

function parseChat(body: unknown, profile: Profile): Ask | Refusal {
  const parsed = Body.safeParse(body)
  if (!parsed.success) return refuseIssue(parsed.error.issues[0])
  const { data } = parsed
  const unknown = unknownParameter(data, KNOWN, profile)
  if (unknown !== undefined)
    return openaiRefusal(400, { message: `Unrecognized request argument supplied: ${unknown}` })
  // Reasoning models of OpenAI refuse the old name, since it never counted hidden tokens.
  const { strictParameters, reasoningTokens, streamsReasoning } = profile.constants
  if (data.max_tokens != null && strictParameters && reasoningTokens > 0) {
    return openaiRefusal(400, {
      message:
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      param: 'max_tokens',
      code: 'unsupported_parameter',
    })
  }
  const tools = (data.tools ?? []).map(({ function: tool }) => ({
    name: tool.name,
    parameters: tool.parameters,
  }))
  const turns = toolTurns(tools)
  for (const [at, { role, content }] of data.messages.entries()) {
    const text = typeof content === 'string' ? content : joinParts(content ?? [], at)
    if (typeof text !== 'string') return text
    turns.push({ role, text })
  }
  const tool = openaiTool(tools, data.tool_choice, turns.at(-1)?.role === 'tool', profile)
  if (tool && isRefusal(tool)) return tool
  return {
    model: data.model,
    turns,
    outputTokens: data.max_completion_tokens ?? data.max_tokens ?? undefined,
    stream: data.stream ?? false,
    includeUsage: data.stream_options?.include_usage ?? false,
    reasoning: reasoningByEffort(profile, data.reasoning_effort, streamsReasoning ? 'full' : 'hidden'),
    tool,
    cacheLifetime: undefined,
    cacheKey: data.prompt_cache_key ?? undefined,
    pads: pads(profile, data.stream_options),
    echo: {},
  }
}

function joinParts(parts: readonly z.infer<typeof Part>[], message: number): string | Refusal {
  for (const [at, part] of parts.entries()) {
    if (part.type === 'text' || part.type === 'refusal') continue
    const param = `messages[${message}].content[${at}].type`
    const text = `Invalid 'messages[${message}].content[${at}]': this model takes no content of type '${part.type}'.`
    return openaiRefusal(400, { message: text, param, code: 'invalid_value' })
  }
  return parts.map((part) => part.text ?? '').join('')
}
