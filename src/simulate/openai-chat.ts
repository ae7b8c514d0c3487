/** The OpenAI chat completions face. */
import { z } from 'zod'
import { type Ask, type Face, type Refusal } from './face.js'
import { commonFields, errorBody, refuseIssue, refuseUnknown, usageBody } from './openai.js'
import type { Profile } from './profiles.js'

const Part = z.looseObject({ type: z.string(), text: z.optional(z.string()) })
const Message = z.looseObject({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool', 'function']),
  content: z.nullish(z.union([z.string(), z.array(Part)])),
})
const Body = z.looseObject({
  ...commonFields,
  messages: z.array(Message).min(1),
  max_completion_tokens: z.nullish(z.int().min(1)),
})

/** What chat completions accepts (openai-openapi, CreateChatCompletionRequest). */
const KNOWN = new Set([
  'messages', 'model', 'audio', 'frequency_penalty', 'function_call', 'functions', 'logit_bias', 'logprobs',
  'max_completion_tokens', 'max_tokens', 'metadata', 'modalities', 'n', 'parallel_tool_calls', 'prediction',
  'presence_penalty', 'prompt_cache_key', 'prompt_cache_retention', 'reasoning_effort', 'response_format',
  'safety_identifier', 'seed', 'service_tier', 'stop', 'store', 'stream', 'stream_options', 'temperature',
  'tool_choice', 'tools', 'top_logprobs', 'top_p', 'user', 'verbosity', 'web_search_options',
]) // prettier-ignore

export const openaiChat: Face = {
  name: 'openai-chat',
  path: '/v1/chat/completions',
  idPrefix: 'chatcmpl-',
  parse: parseChat,
  writer(head) {
    const start =
      `{"id":${JSON.stringify(head.id)},"object":"chat.completion.chunk","created":${head.createdS},` +
      `"model":${JSON.stringify(head.model)},"service_tier":"default",` +
      `"system_fingerprint":${JSON.stringify(head.fingerprint)},"choices":[`
    const end = head.includeUsage ? '],"usage":null}' : ']}'
    const chunk = (delta: string, reason: string): string =>
      `${start}{"index":0,"delta":${delta},"logprobs":null,"finish_reason":${reason}}${end}`
    return {
      opening: () => [chunk('{"role":"assistant","content":"","refusal":null}', 'null')],
      token: (text, channel) =>
        chunk(`{"${channel === 'text' ? 'content' : 'reasoning_content'}":${JSON.stringify(text)}}`, 'null'),
      finish: (reason) => chunk('{}', `"${reason}"`),
      usage: (usage) =>
        head.includeUsage ? `${start}],"usage":${JSON.stringify(usageBody(usage))}}` : undefined,
      done: () => '[DONE]',
      error: errorEvent,
    }
  },
  whole: (head, answer) =>
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
            content: answer.text,
            ...(answer.reasoning ? { reasoning_content: answer.reasoning } : {}),
            refusal: null,
            annotations: [],
          },
          logprobs: null,
          finish_reason: answer.reason,
        },
      ],
      usage: usageBody(answer.usage),
      service_tier: 'default',
      system_fingerprint: head.fingerprint,
    }),
  refuse: errorBody,
}

/** An error inside a stream that began with 200: one event with the body of an error, on one line. */
export function errorEvent(refusal: Refusal): string {
  return JSON.stringify(JSON.parse(errorBody(refusal)))
}

function parseChat(body: unknown, profile: Profile): Ask | Refusal {
  const parsed = Body.safeParse(body)
  if (!parsed.success) return refuseIssue(parsed.error.issues[0])
  const { data } = parsed
  const unknown = refuseUnknown(data, KNOWN, profile)
  if (unknown) return unknown
  // Reasoning models of OpenAI refuse the old name, since it never counted hidden tokens.
  if (
    data.max_tokens != null &&
    profile.constants.strictParameters &&
    profile.constants.reasoningTokens > 0
  ) {
    return {
      status: 400,
      message:
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      param: 'max_tokens',
      code: 'unsupported_parameter',
    }
  }
  const turns = []
  for (const [at, { role, content }] of data.messages.entries()) {
    const text = typeof content === 'string' ? content : joinParts(content ?? [], at)
    if (typeof text !== 'string') return text
    turns.push({ role, text })
  }
  return {
    model: data.model,
    turns,
    outputTokens: data.max_completion_tokens ?? data.max_tokens ?? undefined,
    stream: data.stream ?? false,
    includeUsage: data.stream_options?.include_usage ?? false,
  }
}

function joinParts(parts: readonly z.infer<typeof Part>[], message: number): string | Refusal {
  for (const [at, part] of parts.entries()) {
    if (part.type === 'text' || part.type === 'refusal') continue
    return {
      status: 400,
      message: `Invalid 'messages[${message}].content[${at}]': this model takes no content of type '${part.type}'.`,
      param: `messages.[${message}].content.[${at}].type`,
      code: null,
    }
  }
  return parts.map((part) => part.text ?? '').join('')
}
