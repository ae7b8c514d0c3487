/** The sentence of a sample: what happened, at which target, and the next step. */
import type { Protocol } from '../protocol/protocol.js'
import type { Exchange } from '../wire/exchange.js'
import { contentType, isCompressed } from './outcome.js'
import type { Outcome } from './sample.js'
import type { Stream } from './stream.js'

/** What sentences need to know of a target. */
export interface TargetFacts {
  name: string
  /** Base URL without user info or query. */
  url: string
  model: string
  apiKeyEnv: string | null
}

const LARGEST_ERROR_BODY = 64 * 1024 // bytes read for a sentence

/**
 * Undefined where there is nothing to say: an ok without a mark. Parts of it are the server's own words, so the
 * result still has to be redacted, and escaped by whoever prints it.
 */
export function describeOutcome(
  outcome: Outcome,
  exchange: Exchange,
  stream: Stream | undefined,
  protocol: Protocol,
  target: TargetFacts,
): string | undefined {
  const { name, url, model, apiKeyEnv } = target
  const { status, headers, failure } = exchange
  const what = `${status} from ${name}`
  const said = () => words(exchange, protocol)
  switch (outcome) {
    case 'ok':
      return marks(exchange, stream, protocol)
    case 'refused':
      // A proxy may refuse too; then the wire's own sentence names it.
      return failure?.code === 'ECONNREFUSED' && !failure.detail.includes('proxy')
        ? `${url} refused the connection: is the server running?`
        : `${name} (${url}): ${failure?.detail ?? 'the connection was refused'}`
    case 'dns':
      return `${name}: ${failure?.detail ?? 'its host name has no address'}; check the base URL (${url})`
    case 'http-400':
      return `${what}: the request was refused${said()}; check the model's name, the prompt length and the parameters (quirks and body of the target)`
    case 'http-401':
      return apiKeyEnv === null
        ? `${what}: the server wants a key; name the environment variable that holds it (apiKeyEnv of the target, --api-key-env of plumbline probe)${said()}`
        : `${what}: check ${apiKeyEnv}${said()}`
    case 'http-403':
      return `${what}: ${apiKeyEnv === null ? 'access' : `the key in ${apiKeyEnv}`} is not allowed to use ${model}; check its permissions and region${said()}`
    case 'http-404':
      return `${what}: check the model's name (${model}) and the base URL (${url})${said()}`
    case 'http-429':
      return `${what}: its rate limit or quota is used up${retryAfter(headers)}; lower the rate or concurrency${said()}`
    case 'http-4xx':
      return `${what}: the request was refused${said()}; check the parameters (quirks and body of the target)`
    case 'http-5xx':
      return `${what}: the server failed or is overloaded; try again later${said()}`
    case 'redirect':
      return `${what}: it redirects to ${redirectHost(headers.location, url)}, which is never followed since it would carry the key along; set the base URL to where the server really is`
    case 'not-streaming':
      return isCompressed(headers)
        ? `${name} answered ${status} with content-encoding ${headers['content-encoding']} although none was asked for: a stream must come uncompressed; look for a proxy in between`
        : `the server answered ${status} with ${contentType(headers) || 'no content type'}, not an event stream: it does not stream (or ignored stream: true); check the base URL of ${name} (${url})${said()}`
    case 'stream-error':
      return `${name} sent an error inside its ${status} stream: ${stream?.error?.message ?? 'without a sentence'}`
    case 'truncated':
      return `the stream from ${name} ended without its terminal event${failure ? ` (${failure.detail})` : ''}${seen(stream)}; the server or a proxy cut it off`
    case 'empty':
      return stream?.usage.reasoningTokens
        ? `${name} spent its whole answer on hidden reasoning (${stream.usage.reasoningTokens} tokens): ask for more output tokens or less reasoning effort`
        : `${name} completed its answer without any output (finish reason ${stream?.finishReason ?? 'none'}): check the prompt and the model`
    case 'oversized':
      return `${name}: ${failure?.detail ?? 'one event is larger than 1 MiB'}; the rest was not read`
    case 'aborted':
      return `the request to ${name} was stopped by us`
    case 'tls':
    case 'reset':
    case 'closed':
    case 'malformed':
    case 'goaway':
    case 'timeout':
    case 'resource':
      return `${name} (${url}): ${failure?.detail ?? `${outcome} with status ${status ?? 'none'}`}`
    default:
      return outcome satisfies never
  }
}

/** What was unusual about a sample that counts all the same. */
function marks(exchange: Exchange, stream: Stream | undefined, protocol: Protocol): string | undefined {
  if (!stream) return undefined
  const found: string[] = []
  if (stream.endNs === undefined && (!protocol.endsWithBody || exchange.failure)) {
    const how = exchange.failure ? ` (${exchange.failure.detail})` : ''
    const missing = protocol.endsWithBody ? 'the end of the body' : 'the terminal event'
    found.push(`${missing} is missing${how}; the finish reason came, so the answer is whole`)
  }
  if (stream.afterEnd > 0) found.push(`${events(stream.afterEnd)} behind the terminal event ignored`)
  if (stream.malformed.length > 0) {
    found.push(`${events(stream.malformed.length)} did not fit the protocol: ${stream.malformed[0]}`)
  }
  if (stream.replaced > 0) found.push(`${stream.replaced} NUL or bad UTF-8 bytes replaced`)
  return found.length > 0 ? found.join('; ') : undefined
}

function events(count: number): string {
  return `${count} ${count === 1 ? 'event' : 'events'}`
}

function seen(stream: Stream | undefined): string {
  return stream && stream.moments.length > 0 ? ` after ${events(stream.moments.length)}` : ''
}

/** The server's own sentence, in brackets. */
function words({ body }: Exchange, protocol: Protocol): string {
  const error = protocol.readError(new TextDecoder().decode(body.subarray(0, LARGEST_ERROR_BODY)))
  return error ? ` (it says: ${error.message})` : ''
}

function retryAfter(headers: Readonly<Record<string, string>>): string {
  const after = headers['retry-after']
  return after === undefined ? '' : ` (retry-after: ${after})`
}

/** Location's host only: path and query may hold tokens. */
function redirectHost(location: string | undefined, base: string): string {
  return location !== undefined && URL.canParse(location, base) ? new URL(location, base).host : 'nowhere'
}
