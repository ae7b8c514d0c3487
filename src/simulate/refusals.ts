/** Requests that are refused before any token is spent, in the words of the real API. */
import { timingSafeEqual } from 'node:crypto'
import { isRefusal, type Ask, type Face, type Refusal } from './face.js'
import type { CheckedOptions } from './options.js'
import { contextLimit } from './profiles.js'

/** 401 when a key is asked for and missing or wrong. */
export function checkKey(keyEnv: string | undefined, authorization: string | undefined): Refusal | undefined {
  if (keyEnv === undefined) return undefined
  if (!authorization) {
    const message =
      "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth " +
      '(i.e. Authorization: Bearer YOUR_KEY).'
    return { status: 401, message }
  }
  const wanted = Buffer.from(`Bearer ${process.env[keyEnv] ?? ''}`)
  const given = Buffer.from(authorization)
  if (wanted.length === given.length && timingSafeEqual(wanted, given)) return undefined
  return { status: 401, message: 'Incorrect API key provided.', code: 'invalid_api_key' }
}

/** 400 for a body that is no JSON or asks what the face does not know, 404 for a model that is not here. */
export function parseAsk(options: CheckedOptions, face: Face, body: string): Ask | Refusal {
  let data: unknown
  try {
    data = JSON.parse(body)
  } catch {
    const message =
      'We could not parse the JSON body of your request. (HINT: This likely means you aren’t using your HTTP library correctly. ' +
      'The API expects a JSON payload, but what was sent was not valid JSON.)'
    return { status: 400, message }
  }
  const ask = face.parse(data, options.profile)
  if (isRefusal(ask) || options.models.includes(ask.model)) return ask
  const message = `The model \`${ask.model}\` does not exist or you do not have access to it.`
  return { status: 404, message, code: 'model_not_found' }
}

/** 400 when prompt and output together exceed the context. */
export function checkLength(
  { profile }: CheckedOptions,
  ask: Ask,
  promptTokens: number,
): Refusal | undefined {
  const limit = contextLimit(profile)
  const outputTokens = ask.outputTokens ?? 1
  const code = 'context_length_exceeded'
  const start = `This model's maximum context length is ${limit} tokens. However, `
  if (promptTokens + outputTokens <= limit) return undefined
  const message =
    ask.outputTokens === undefined || promptTokens >= limit
      ? `${start}your messages resulted in ${promptTokens} tokens. Please reduce the length of the messages.`
      : `${start}you requested ${promptTokens + outputTokens} tokens (${promptTokens} in the messages, ` +
        `${outputTokens} in the completion). Please reduce the length of the messages or completion.`
  return { status: 400, message, param: 'messages', code }
}
