/** A chat server inside the test: it remembers what was asked, and each test says what it answers. */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { z } from 'zod'
import { loadTokenizer } from '../../src/tokens/load-tokenizer.js'

const Body = z.looseObject({
  model: z.string(),
  messages: z.array(z.object({ role: z.string(), content: z.string() })),
  max_tokens: z.int().optional(),
  max_completion_tokens: z.int().optional(),
})

export interface Asked {
  /** From 1, in order of arrival. */
  number: number
  path: string
  headers: IncomingHttpHeaders
  body: z.infer<typeof Body>
  /** All messages as one text. */
  prompt: string
  outputTokens: number
  /** Monotonic milliseconds. */
  atMs: number
  /** Of the connection: two requests with the same one shared it. */
  port: number
}

export interface FakeTarget {
  /** Ends in /v1. */
  url: string
  asked: Asked[]
  /** Most requests that were open at once. */
  mostInFlight(): number
}

export type Answer = (asked: Asked, response: ServerResponse) => void | Promise<void>

const tokenizer = await loadTokenizer('o200k_base')
export const countTokens = (text: string): number => tokenizer.count(text)

/** Listens on a free loopback port until the test ends. */
export async function fakeTarget(
  answer: Answer = (asked, response) => stream(asked, response),
): Promise<FakeTarget> {
  const asked: Asked[] = []
  let inFlight = 0
  let most = 0
  const server = createServer((request, response) => {
    const atMs = performance.now()
    let text = ''
    most = Math.max(most, ++inFlight)
    response.on('close', () => inFlight--)
    response.socket?.setNoDelay(true)
    request.setEncoding('utf8').on('data', (part: string) => (text += part))
    request.on('end', () => {
      const body = Body.parse(JSON.parse(text))
      const one: Asked = {
        number: asked.length + 1,
        path: request.url ?? '',
        headers: request.headers,
        body,
        prompt: body.messages.map(({ content }) => content).join('\n'),
        outputTokens: body.max_completion_tokens ?? body.max_tokens ?? 0,
        atMs,
        port: request.socket.remotePort ?? 0,
      }
      asked.push(one)
      Promise.resolve(answer(one, response)).catch(() => response.destroy())
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/v1`, asked, mostInFlight: () => most }
}

export interface StreamOptions {
  firstMs?: number | undefined
  gapMs?: number | undefined
  headers?: Readonly<Record<string, string>> | undefined
  /** What the answer calls its model. */
  model?: string | undefined
  fingerprint?: string | undefined
  /** One piece of output. */
  text?: string | undefined
  /** By our own count of the prompt where not given. */
  promptTokens?: number | undefined
  cachedTokens?: number | undefined
}

/** An answer of the length asked for, one token an event, with usage. */
export async function stream(
  asked: Asked,
  response: ServerResponse,
  options: StreamOptions = {},
): Promise<void> {
  const { firstMs = 1, gapMs = 1, headers = {}, model = asked.body.model, text = ' the' } = options
  const event = (fields: object): string =>
    `data: ${JSON.stringify({ id: `chatcmpl-${asked.number}`, model, system_fingerprint: options.fingerprint, ...fields })}\n\n`
  const choice = (delta: object, finish_reason: string | null = null): string =>
    event({ choices: [{ index: 0, delta, finish_reason }] })
  response.writeHead(200, { 'content-type': 'text/event-stream', ...headers })
  response.write(choice({ role: 'assistant', content: '' }))
  await sleep(firstMs)
  for (let i = 0; i < asked.outputTokens; i++) {
    if (i > 0) await sleep(gapMs)
    response.write(choice({ content: text }))
  }
  response.write(choice({}, 'length'))
  const usage = {
    prompt_tokens: options.promptTokens ?? countTokens(asked.prompt),
    completion_tokens: asked.outputTokens,
    ...(options.cachedTokens !== undefined && {
      prompt_tokens_details: { cached_tokens: options.cachedTokens },
    }),
  }
  response.end(`${event({ choices: [], usage })}data: [DONE]\n\n`)
}

export function refuse(
  response: ServerResponse,
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify({ error: { message, type: 'test', code: null } }))
}
