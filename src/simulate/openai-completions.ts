/** The older OpenAI completions face: a bare prompt, no template. */
import { z } from 'zod'
import type { Ask, Face, Refusal, WireEvent } from './face.js'
import { reasoningTokens } from './face.js'
import {
  commonFields,
  errorEvent,
  openai,
  openaiRefusal,
  refuseIssue,
  unknownParameter,
  usageBody,
} from './openai.js'
import type { Profile } from './profiles.js'

const Body = z.looseObject({
  ...commonFields,
  prompt: z.string().min(1),
  max_tokens: z.nullish(z.int().min(1)),
  n: z.nullish(z.int().min(1).max(1)),
})

/** What completions accepts (openai-openapi, CreateCompletionRequest). */
const KNOWN = new Set([
  'model', 'prompt', 'best_of', 'echo', 'frequency_penalty', 'logit_bias', 'logprobs', 'max_tokens', 'n',
  'presence_penalty', 'seed', 'stop', 'stream', 'stream_options', 'suffix', 'temperature', 'top_p', 'user',
]) // prettier-ignore

const REASONS = { length: 'length', stop: 'stop', tool: 'stop' } as const

export const openaiCompletions: Face = {
  name: 'openai-completions',
  vendor: openai,
  idPrefix: 'cmpl-',
  route: (path) => (path === '/v1/completions' ? {} : undefined),
  parse: ({ body, profile }) => parseCompletion(body, profile),
  writer(head) {
    const { includeUsage } = head.ask
    const start =
      `{"id":${JSON.stringify(head.id)},"object":"text_completion","created":${head.createdS},` +
      `"model":${JSON.stringify(head.model)},"choices":[`
    const end = includeUsage ? '],"usage":null}' : ']}'
    const chunk = (text: string, reason: string): WireEvent => ({
      data: `${start}{"index":0,"text":${JSON.stringify(text)},"logprobs":null,"finish_reason":${reason}}${end}`,
    })
    return {
      opening: () => [],
      admitted: () => [],
      token: (text) => [chunk(text, 'null')],
      silent: () => [],
      finish({ reason, usage }) {
        const last = chunk('', `"${REASONS[reason]}"`)
        if (!includeUsage || !head.reportsUsage) return [last]
        return [last, { data: `${start}],"usage":${JSON.stringify(usageBody(usage))}}` }]
      },
      done: () => [{ data: '[DONE]' }],
      error: () => [errorEvent],
    }
  },
  whole: (head, { text, reasoning, reason, usage }) =>
    JSON.stringify({
      id: head.id,
      object: 'text_completion',
      created: head.createdS,
      model: head.model,
      system_fingerprint: head.fingerprint,
      choices: [{ index: 0, text: reasoning + text, logprobs: null, finish_reason: REASONS[reason] }],
      ...(head.reportsUsage && { usage: usageBody(usage) }),
    }),
}

function parseCompletion(body: unknown, profile: Profile): Ask | Refusal {
  const parsed = Body.safeParse(body)
  if (!parsed.success) return refuseIssue(parsed.error.issues[0])
  const { data } = parsed
  const unknown = unknownParameter(data, KNOWN, profile)
  if (unknown !== undefined)
    return openaiRefusal(400, { message: `Unrecognized request argument supplied: ${unknown}` })
  return {
    model: data.model,
    turns: [{ text: data.prompt }],
    // The API's own default.
    outputTokens: data.max_tokens ?? 16,
    stream: data.stream ?? false,
    includeUsage: data.stream_options?.include_usage ?? false,
    reasoning: {
      tokens: reasoningTokens(profile, undefined),
      shown: profile.constants.streamsReasoning ? 'full' : 'hidden',
    },
    tool: undefined,
    cacheLifetime: undefined,
    cacheKey: undefined,
    pads: false,
    echo: {},
  }
}
