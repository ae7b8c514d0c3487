/** Hands requests on, unchanged, to where the spans went before; and adds requests of our own. */
import { Agent, request as send } from 'undici'

export interface Passed {
  status: number
  headers: Readonly<Record<string, string>>
  body: Buffer
}

export interface Forwarder {
  /** The other side's answer, whatever it is; undefined where none came. No redirect is followed. */
  pass(path: string, headers: Readonly<Record<string, string>>, body: Uint8Array): Promise<Passed | undefined>
  close(): Promise<void>
}

export interface ForwardOptions {
  /** Base URL; the path of a request is appended. */
  url: string
  /** Until the answer is whole. @default 10000 */
  timeoutMs?: number | undefined
}

/** Longest answer that is read; OTLP's are a few bytes. */
const MAX_ANSWER = 64 * 1024

/** Headers that belong to one connection (RFC 9110, 7.6.1), or that undici writes itself. */
const OWN: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
  'host',
  'content-length',
  'expect',
])

/** The message says what is wrong with the URL. */
export function checkForwardUrl(url: string): string | undefined {
  let parsed: URL
  try {
    parsed = new URL(url)
  } catch {
    return 'the address to forward to is no URL: write it as http://collector:4318'
  }
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:')
    return 'the address to forward to must start with http:// or https://'
  // The clouds' metadata services answer there, with credentials.
  if (/^169\.254\.|^\[?fe80:/i.test(parsed.hostname)) return 'a link-local address is not forwarded to'
  return undefined
}

export function createForwarder({ url, timeoutMs = 10_000 }: ForwardOptions): Forwarder {
  const base = url.replace(/\/v1\/(?:traces|logs)\/?$/, '').replace(/\/$/, '')
  const agent = new Agent({ connections: 16, headersTimeout: timeoutMs, bodyTimeout: timeoutMs })
  return {
    async pass(path, headers, body) {
      try {
        const answer = await send(`${base}${path}`, {
          dispatcher: agent,
          method: 'POST',
          headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !OWN.has(name))),
          body,
          signal: AbortSignal.timeout(timeoutMs),
        })
        const parts: Buffer[] = []
        let length = 0
        for await (const part of answer.body as AsyncIterable<Buffer>) {
          length += part.length
          if (length > MAX_ANSWER) break
          parts.push(part)
        }
        return { status: answer.statusCode, headers: textHeaders(answer.headers), body: Buffer.concat(parts) }
      } catch {
        return undefined
      }
    },
    close: () => agent.close(),
  }
}

function textHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  )
}
