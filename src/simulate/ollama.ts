/** The Ollama faces: chat and generate, over lines of JSON. */
import { z } from 'zod'
import type { Turn } from './count.js'
import type {
  AnswerHead,
  Ask,
  Asked,
  Channel,
  End,
  EventWriter,
  Face,
  Refusal,
  Vendor,
  WholeAnswer,
  Wrong,
} from './face.js'
import { reasoningTokens } from './face.js'
import type { Profile } from './profiles.js'
import { serverTimes } from './timings.js'
import { chooseTool, toolTurns } from './tools.js'

const Common = {
  model: z.string(),
  stream: z.nullish(z.boolean()),
  think: z.nullish(z.union([z.boolean(), z.enum(['low', 'medium', 'high'])])),
  options: z.nullish(z.looseObject({ num_predict: z.nullish(z.int()) })),
}
const ChatBody = z.looseObject({
  ...Common,
  messages: z.array(z.looseObject({ role: z.string(), content: z.optional(z.string()) })).min(1),
  tools: z.nullish(
    z.array(
      z.looseObject({ function: z.looseObject({ name: z.string(), parameters: z.optional(z.unknown()) }) }),
    ),
  ),
})
const GenerateBody = z.looseObject({ ...Common, prompt: z.string().min(1), system: z.nullish(z.string()) })

export const ollamaVendor: Vendor = {
  name: 'ollama',
  idHeader: undefined,
  key: ({ authorization }) => /^Bearer (.+)$/i.exec(authorization ?? '')?.[1],
  refuse,
  limitHeaders: () => ({}),
  answerHeaders: () => ({}),
}

function refuse(wrong: Wrong): Refusal {
  switch (wrong.kind) {
    case 'no-key':
    case 'wrong-key':
      return ollamaError(401, 'unauthorized')
    case 'no-path':
      return { status: 404, headers: { 'content-type': 'text/plain' }, body: '404 page not found' }
    case 'wrong-method':
      return { status: 405, headers: { 'content-type': 'text/plain' }, body: '405 method not allowed' }
    case 'malformed-json':
      return ollamaError(400, wrong.detail)
    case 'too-large':
      return ollamaError(413, `request body exceeds ${wrong.maxBytes} bytes`)
    case 'unknown-model':
      return ollamaError(404, `model '${wrong.model}' not found`)
    case 'too-long':
      return ollamaError(400, 'the input length exceeds the context length')
    case 'too-many':
      return ollamaError(429, 'too many requests', { 'retry-after': String(Math.ceil(wrong.waitMs / 1000)) })
    case 'overloaded':
      return ollamaError(503, 'server busy, please try again.  maximum pending requests exceeded')
    case 'server-error':
      return ollamaError(500, wrong.message)
    case 'invalid':
      return ollamaError(400, `${wrong.param}: ${wrong.message}`)
    default:
      return wrong satisfies never
  }
}

function ollamaError(status: number, error: string, headers?: Record<string, string>): Refusal {
  return { status, body: JSON.stringify({ error }), ...(headers && { headers }) }
}

export const ollamaChat: Face = {
  name: 'ollama-chat',
  vendor: ollamaVendor,
  idPrefix: '',
  truncates: true,
  route: (path) => (path === '/api/chat' ? { framing: 'ndjson' } : undefined),
  parse: parseChat,
  writer: (head) => writer(head, chatPayload),
  whole: (head, answer) => whole(head, answer, chatPayload),
}

export const ollamaGenerate: Face = {
  name: 'ollama-generate',
  vendor: ollamaVendor,
  idPrefix: '',
  truncates: true,
  route: (path) => (path === '/api/generate' ? { framing: 'ndjson' } : undefined),
  parse: parseGenerate,
  writer: (head) => writer(head, generatePayload),
  whole: (head, answer) => whole(head, answer, generatePayload),
}

interface Said {
  readonly text: string
  readonly thinking: string
  readonly toolArguments: string
}

type Payload = (head: AnswerHead, said: Said) => object

function chatPayload(head: AnswerHead, { text, thinking, toolArguments }: Said): object {
  const call = {
    function: {
      name: head.ask.tool?.name,
      arguments: toolArguments && (JSON.parse(toolArguments) as unknown),
    },
  }
  return {
    message: {
      role: 'assistant',
      content: text,
      ...(thinking !== '' && { thinking }),
      ...(toolArguments !== '' && { tool_calls: [call] }),
    },
  }
}

function generatePayload(_: AnswerHead, { text, thinking }: Said): object {
  return { response: text, ...(thinking !== '' && { thinking }) }
}

function writer(head: AnswerHead, payload: Payload): EventWriter {
  let toolArguments = ''

  function line(said: Partial<Said>, more: object): { data: string } {
    const full = { text: '', thinking: '', toolArguments: '', ...said }
    const created = new Date(head.wallMs()).toISOString()
    return {
      data: JSON.stringify({ model: head.model, created_at: created, ...payload(head, full), ...more }),
    }
  }

  function say(text: string, channel: Channel): { data: string }[] {
    if (channel === 'tool') {
      toolArguments += text
      return []
    }
    return [line(channel === 'text' ? { text } : { thinking: text }, { done: false })]
  }

  return {
    opening: () => [],
    admitted: () => [],
    token: say,
    silent: () => [],
    finish: () => (toolArguments === '' ? [] : [line({ toolArguments }, { done: false })]),
    done: (end) => [line({}, doneFields(head, end))],
    error: () => [
      { data: JSON.stringify({ error: 'an error was encountered while running the model: unexpected EOF' }) },
    ],
  }
}

function whole(head: AnswerHead, answer: WholeAnswer, payload: Payload): string {
  const { text, reasoning: thinking, toolArguments } = answer
  return JSON.stringify({
    model: head.model,
    created_at: new Date(head.wallMs()).toISOString(),
    ...payload(head, { text, thinking, toolArguments }),
    ...doneFields(head, answer),
  })
}

/** Durations in nanoseconds. */
function doneFields(head: AnswerHead, end: End): object {
  const times = serverTimes(end)
  const ns = (ms: number): number => Math.round(ms * 1e6)
  return {
    done: true,
    done_reason: end.reason === 'length' ? 'length' : 'stop',
    ...(head.reportsUsage && {
      total_duration: ns(times.totalMs),
      load_duration: ns(times.loadMs),
      prompt_eval_count: end.usage.promptTokens,
      ...(end.usage.cachedTokens > 0 && { prompt_eval_cached_count: end.usage.cachedTokens }),
      prompt_eval_duration: ns(times.promptMs),
      eval_count: end.usage.outputTokens,
      eval_duration: ns(times.outputMs),
    }),
  }
}

function refuseIssue(issue: z.core.$ZodIssue | undefined): Refusal {
  const path = issue?.path.map(String).join('.') ?? ''
  if (path === 'model') return ollamaError(400, 'model is required')
  const [, received = 'value'] = /received (\w+)/.exec(issue?.message ?? '') ?? []
  // Go's decoder.
  return ollamaError(400, `json: cannot unmarshal ${received} into Go struct field ${path || 'Request'}`)
}

function parseChat({ body, profile }: Asked): Ask | Refusal {
  const parsed = ChatBody.safeParse(body)
  if (!parsed.success) return refuseIssue(parsed.error.issues[0])
  const { data } = parsed
  const tools = (data.tools ?? []).map(({ function: tool }) => ({
    name: tool.name,
    parameters: tool.parameters,
  }))
  const turns: Turn[] = [
    ...toolTurns(tools),
    ...data.messages.map(({ role, content }) => ({ role, text: content ?? '' })),
  ]
  const tool = chooseTool(tools, 'auto', data.messages.at(-1)?.role === 'tool', profile)
  return { ...plainAsk(data, profile), turns, tool: tool === 'missing' ? undefined : tool }
}

function parseGenerate({ body, profile }: Asked): Ask | Refusal {
  const parsed = GenerateBody.safeParse(body)
  if (!parsed.success) return refuseIssue(parsed.error.issues[0])
  const { data } = parsed
  const turns: Turn[] = data.system ? [{ role: 'system', text: data.system }] : []
  turns.push({ role: 'user', text: data.prompt })
  return { ...plainAsk(data, profile), turns, tool: undefined }
}

function plainAsk(
  { model, stream, think, options }: z.infer<typeof GenerateBody> | z.infer<typeof ChatBody>,
  profile: Profile,
): Omit<Ask, 'turns' | 'tool'> {
  const limit = options?.num_predict ?? -1
  return {
    model,
    // 0 and below: until the model stops.
    outputTokens: limit > 0 ? limit : undefined,
    stream: stream ?? true,
    includeUsage: true,
    reasoning: {
      tokens: reasoningTokens(profile, think == null ? undefined : think !== false),
      shown: profile.constants.streamsReasoning ? 'full' : 'hidden',
    },
    cacheLifetime: undefined,
    cacheKey: undefined,
    pads: false,
    echo: {},
  }
}
