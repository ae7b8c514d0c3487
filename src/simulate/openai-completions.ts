/** The older OpenAI completions face: a bare prompt, no template. */
import { z } from 'zod'
import type { Ask, Face, Refusal } from './face.js'
import { errorEvent } from './openai-chat.js'
import { commonFields, errorBody, refuseIssue, refuseUnknown, usageBody } from './openai.js'
import type { Profile } from './profiles.js'

const Body = z.looseObject({ ...commonFields, prompt: z.string().min(1) })

/** What completions accepts (openai-openapi, CreateCompletionRequest). */
const KNOWN = new Set([
  'model', 'prompt', 'best_of', 'echo', 'frequency_penalty', 'logit_bias', 'logprobs', 'max_tokens', 'n',
  'presence_penalty', 'seed', 'stop', 'stream', 'stream_options', 'suffix', 'temperature', 'top_p', 'user',
]) // prettier-ignore

export const openaiCompletions: Face = {
  name: 'openai-completions',
  path: '/v1/completions',
  idPrefix: 'cmpl-',
  parse(body: unknown, profile: Profile): Ask | Refusal {
    const parsed = Body.safeParse(body)
    if (!parsed.success) return refuseIssue(parsed.error.issues[0])
    const { data } = parsed
    return (
      refuseUnknown(data, KNOWN, profile) ?? {
        model: data.model,
        turns: [{ text: data.prompt }],
        // The API's own default.
        outputTokens: data.max_tokens ?? 16,
        stream: data.stream ?? false,
        includeUsage: data.stream_options?.include_usage ?? false,
      }
    )
  },
  writer(head) {
    const start =
      `{"id":${JSON.stringify(head.id)},"object":"text_completion","created":${head.createdS},` +
      `"model":${JSON.stringify(head.model)},"choices":[`
    const end = head.includeUsage ? '],"usage":null}' : ']}'
    const chunk = (text: string, reason: string): string =>
      `${start}{"index":0,"text":${JSON.stringify(text)},"logprobs":null,"finish_reason":${reason}}${end}`
    return {
      opening: () => [],
      token: (text) => chunk(text, 'null'),
      finish: (reason) => chunk('', `"${reason}"`),
      usage: (usage) =>
        head.includeUsage ? `${start}],"usage":${JSON.stringify(usageBody(usage))}}` : undefined,
      done: () => '[DONE]',
      error: errorEvent,
    }
  },
  whole: (head, { text, reasoning, reason, usage }) =>
    JSON.stringify({
      id: head.id,
      object: 'text_completion',
      created: head.createdS,
      model: head.model,
      system_fingerprint: head.fingerprint,
      choices: [{ index: 0, text: reasoning + text, logprobs: null, finish_reason: reason }],
      usage: usageBody(usage),
    }),
  refuse: errorBody,
}
