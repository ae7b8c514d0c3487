/** The sentence inside an error body, in the shapes that providers and the gateways before them use. */
import { isFields, text } from './fields.js'

interface ErrorSentence {
  message: string
  type?: string | undefined
}

const LONGEST = 500 // characters; a body may be megabytes of somebody's HTML

/** Undefined where the body holds no sentence. Raw text of the server: redact and escape before showing it. */
export function readErrorBody(body: string): ErrorSentence | undefined {
  const trimmed = body.trim()
  if (trimmed === '') return undefined
  let parsed: unknown
  try {
    parsed = JSON.parse(trimmed)
  } catch {
    return fromText(trimmed)
  }
  const found = fromJson(parsed)
  return found && { ...found, message: shorten(found.message) }
}

function fromJson(parsed: unknown): ErrorSentence | undefined {
  if (Array.isArray(parsed)) return fromJson(parsed[0]) // Gemini wraps its errors in a list
  if (typeof parsed === 'string') return text(parsed) === undefined ? undefined : { message: parsed }
  if (!isFields(parsed)) return undefined
  const { error, detail } = parsed
  if (isFields(error)) return fromError(error)
  // The gateway before Bedrock writes it with a capital.
  const message =
    text(parsed.message) ?? text(parsed.Message) ?? text(error) ?? text(detail) ?? fromValidation(detail)
  const type = text(parsed.type) ?? text(parsed.code)
  return message === undefined ? undefined : { message, ...(type && { type }) }
}

/** `error: { message, type, code }`; OpenRouter puts the upstream's own words into `metadata.raw`. */
function fromError(error: Readonly<Record<string, unknown>>): ErrorSentence | undefined {
  const said = text(error.message)
  const upstream = isFields(error.metadata) ? text(error.metadata.raw) : undefined
  const message = said !== undefined && upstream !== undefined ? `${said}: ${upstream}` : (said ?? upstream)
  const type = text(error.code) ?? text(error.type) ?? text(error.status)
  return message === undefined ? undefined : { message, ...(type && { type }) }
}

/** FastAPI (vLLM, Mistral): `detail: [{ loc: ['body', 'stream_options'], msg: 'Extra inputs are not permitted' }]`. */
function fromValidation(detail: unknown): string | undefined {
  if (!Array.isArray(detail)) return undefined
  const sentences = detail.filter(isFields).flatMap(({ loc, msg }) => {
    const where = Array.isArray(loc) ? loc.filter((part) => part !== 'body').join('.') : ''
    const what = text(msg)
    return what === undefined ? [] : [where === '' ? what : `${where}: ${what}`]
  })
  return sentences.length > 0 ? sentences.join('; ') : undefined
}

/** HTML: its title. Other text: its first line. */
function fromText(body: string): ErrorSentence | undefined {
  if (body.startsWith('<')) {
    const title = /<title[^>]*>([^<]{1,500})/i.exec(body.slice(0, 20_000))?.[1]?.trim()
    return title ? { message: shorten(title) } : undefined
  }
  return { message: shorten(body.split('\n', 1)[0] ?? '') }
}

function shorten(message: string): string {
  return message.length > LONGEST ? `${message.slice(0, LONGEST)}…` : message
}
