/** The user's own prompts: a JSONL file, each line a prompt or a conversation, made into requests. */

/** As in a request: `content` is plain text. */
export interface Message {
  role: 'system' | 'user' | 'assistant'
  content: string
}

/** One request of the file: the conversation up to and with one user turn. */
export interface FilePrompt {
  messages: readonly Message[]
  /** Absent: the scenario's own. */
  outputTokens?: number | undefined
  /** Line of the file, from 1. */
  line: number
  /** User turn of the conversation, from 1, of `turns`. */
  turn: number
  turns: number
}

export interface PromptFileError {
  /** 0: the file as a whole. */
  line: number
  /** What is wrong, and how to mend it. */
  message: string
}

export interface PromptFileLimits {
  lineBytes: number
  /** Requests in the whole file. */
  requests: number
  /** Messages in one conversation. */
  messages: number
  /** Errors after which reading stops. */
  errors: number
}

export const defaultPromptFileLimits: PromptFileLimits = {
  lineBytes: 4 * 1024 * 1024,
  requests: 100_000,
  messages: 1000,
  errors: 20,
}

export type PromptFileResult =
  { ok: true; prompts: readonly FilePrompt[] } | { ok: false; errors: readonly PromptFileError[] }

/** The answer that stands between two user turns where the file gives none: fixed, so that prefixes grow and match. */
export const CANNED_ANSWER = 'Understood. Please go on.'

const LINE_FORM = '{"prompt": "…"} or {"messages": [{"role": "user", "content": "…"}]}'

/**
 * Reads prompts, one JSON object a line: `{"prompt": "…"}`, or `{"messages": [{"role", "content"}, …]}`, either with
 * an optional `"outputTokens"`. Blank lines are skipped. A conversation becomes one request per user turn, each with
 * all messages before it, so the prefix grows as in a real chat. Answers given in the file are sent as they are; a
 * canned one stands in where two user turns follow each other. What follows the last user turn is never sent.
 */
export function parsePromptFile(text: string, limits = defaultPromptFileLimits): PromptFileResult {
  const prompts: FilePrompt[] = []
  const errors: PromptFileError[] = []
  let line = 0
  for (const raw of linesOf(text)) {
    line++
    if (raw.trim() === '') continue
    const read = readLine(raw, limits)
    if ('problem' in read) errors.push({ line, message: read.problem })
    else for (const prompt of turnsOf(read, line)) prompts.push(prompt)
    if (prompts.length > limits.requests) {
      errors.push({ line, message: `more than ${limits.requests} requests up to here: split the file` })
      break
    }
    if (errors.length >= limits.errors) break
  }
  if (errors.length > 0) return { ok: false, errors }
  if (prompts.length > 0) return { ok: true, prompts }
  return {
    ok: false,
    errors: [{ line: 0, message: `no prompt in the file: write lines such as ${LINE_FORM}` }],
  }
}

function* linesOf(text: string): Generator<string> {
  let from = text.startsWith('\uFEFF') ? 1 : 0
  while (from <= text.length) {
    const feed = text.indexOf('\n', from)
    const end = feed < 0 ? text.length : feed
    yield text.slice(from, end)
    from = end + 1
  }
}

interface Conversation {
  messages: readonly Message[]
  outputTokens: number | undefined
}
interface Problem {
  problem: string
}

function readLine(raw: string, limits: PromptFileLimits): Conversation | Problem {
  if (Buffer.byteLength(raw) > limits.lineBytes)
    return { problem: `the line is longer than ${limits.lineBytes} bytes: shorten it` }
  let value: unknown
  try {
    value = JSON.parse(raw)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { problem: `not JSON (${reason}): write one whole object on the line, ${LINE_FORM}` }
  }
  if (!isObject(value)) return { problem: `must be an object: write ${LINE_FORM}` }
  const unknown = Object.keys(value).find((key) => !['prompt', 'messages', 'outputTokens'].includes(key))
  if (unknown !== undefined)
    return {
      problem: `unknown key ${JSON.stringify(unknown)}: only prompt, messages and outputTokens are known`,
    }
  const { prompt, messages, outputTokens } = value
  if (outputTokens !== undefined && !isCount(outputTokens))
    return { problem: `outputTokens must be a whole number ≥ 1, got ${shown(outputTokens)}` }
  if ((prompt === undefined) === (messages === undefined))
    return { problem: `must have either prompt or messages: write ${LINE_FORM}` }
  if (messages === undefined) {
    if (typeof prompt !== 'string' || prompt === '')
      return { problem: `prompt must be a text that is not empty, got ${shown(prompt)}` }
    return { messages: [{ role: 'user', content: prompt }], outputTokens }
  }
  const read = readMessages(messages, limits)
  return 'problem' in read ? read : { messages: read.messages, outputTokens }
}

function readMessages(value: unknown, limits: PromptFileLimits): { messages: Message[] } | Problem {
  if (!Array.isArray(value)) return { problem: `messages must be a list: write ${LINE_FORM}` }
  if (value.length > limits.messages)
    return { problem: `${value.length} messages, more than ${limits.messages}: split the conversation` }
  const items: readonly unknown[] = value
  const messages: Message[] = []
  for (const [i, item] of items.entries()) {
    const at = `messages[${i}]`
    if (!isObject(item))
      return { problem: `${at} must be an object with role and content, got ${shown(item)}` }
    const { role, content } = item
    if (role !== 'system' && role !== 'user' && role !== 'assistant')
      return { problem: `${at}.role must be "system", "user" or "assistant", got ${shown(role)}` }
    if (typeof content !== 'string' || content === '')
      return { problem: `${at}.content must be a text that is not empty, got ${shown(content)}` }
    if (role === 'system' && messages.some((earlier) => earlier.role !== 'system'))
      return { problem: `${at} is a system message behind other turns: put it first` }
    messages.push({ role, content })
  }
  if (!messages.some(({ role }) => role === 'user'))
    return { problem: 'messages has no user turn: add {"role": "user", "content": "…"}' }
  return { messages }
}

function turnsOf({ messages, outputTokens }: Conversation, line: number): FilePrompt[] {
  const turns = messages.filter(({ role }) => role === 'user').length
  const prompts: FilePrompt[] = []
  const sofar: Message[] = []
  for (const message of messages) {
    if (message.role === 'user' && sofar.at(-1)?.role === 'user')
      sofar.push({ role: 'assistant', content: CANNED_ANSWER })
    sofar.push(message)
    if (message.role === 'user')
      prompts.push({ messages: [...sofar], outputTokens, line, turn: prompts.length + 1, turns })
  }
  return prompts
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 1
}

/** A value as JSON, cut: it may be as long as the line. */
function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? 'nothing'
  return json.length > 40 ? `${json.slice(0, 40)}…` : json
}
