/** A provider on the simulated machine's network: answers as drawn, and keeps books of its own that judge ours. */
import type { Random } from '../../src/random/random.js'
import type { Exchange, WireFailure, WireFailureKind, WireRequest } from '../../src/wire/exchange.js'
import type { SendOptions, Transport, TransportOptions } from '../../src/wire/transport.js'
import type { Machine } from './machine.js'

/** How often what happens to a request, as shares of all; what is left is answered well. */
export interface Mishaps {
  /** The connection fails, or what comes over it ends too soon. */
  broken: number
  /** Nothing comes until a deadline. */
  hangs: number
  /** 429, most with a `retry-after` of some kind. */
  limited: number
  /** 500, 503. */
  failing: number
  /** 401: every further request of that run would be refused too. */
  unauthorized: number
  /** Of whole answers: usage that cannot be. */
  lies: number
}

/** A request as the provider saw it. */
export interface Booked {
  run: number
  /** On the machine's monotonic clock, milliseconds. */
  arrivedMs: number
  landedMs: number
  what: string
  /** What it charges for. */
  tokens: number
  cost: number
  /** A 429 landed that asked for so long a silence; null where it asked for none that can be kept. */
  silenceMs: number | null
}

export interface Provider {
  connect(options: TransportOptions): Transport
  books: readonly Booked[]
  /** How often each mishap struck. */
  struck: ReadonlyMap<string, number>
  /** The run that requests belong to from now on. */
  setRun(run: number): void
}

export interface ProviderOptions {
  machine: Machine
  random: Random
  mishaps: Mishaps
  count(text: string): number
  price: { inputPerM: number; outputPerM: number }
  /** Those it may tell. @default all */
  lies?: readonly Lie[] | undefined
}

/** What a chat template adds: 7 on OpenAI, up to some 30 with a system default. */
const MOST_TEMPLATE_TOKENS = 30

const NAMED_WAITS: readonly (readonly [headers: Record<string, string>, silenceMs: number | null])[] = [
  [{}, null],
  [{ 'retry-after': '1' }, 1000],
  [{ 'retry-after': '2.5' }, 2500],
  [{ 'retry-after-ms': '300' }, 300],
  [{ 'retry-after': '20' }, 20_000],
  [{ 'retry-after': '90' }, 90_000],
  [{ 'retry-after': '0' }, 0],
  [{ 'retry-after': '-1' }, null],
  [{ 'retry-after': 'soon' }, null],
  [{ 'retry-after': '99999999999' }, 99_999_999_999_000],
  [{ 'retry-after': 'Sat, 01 May 2027 00:00:04 GMT', date: 'Sat, 01 May 2027 00:00:00 GMT' }, 4000],
  [{ 'retry-after': 'Sat, 01 May 2027 00:00:00 GMT', date: 'Sat, 01 May 2027 00:00:09 GMT' }, 0],
]

/** From the usage that is true to one that cannot be, or that keeps something back. */
export type Lie = (told: Usage) => unknown

export const LIES: readonly Lie[] = [
  () => undefined,
  () => null,
  () => ({ prompt_tokens: -5, completion_tokens: -1 }),
  () => ({ prompt_tokens: 1e308, completion_tokens: 1e308 }),
  () => ({ prompt_tokens: 'NaN', completion_tokens: null }),
  () => ({ prompt_tokens: 0, completion_tokens: 0 }),
  ({ prompt_tokens, completion_tokens }) => ({
    prompt_tokens: Math.floor(prompt_tokens / 4),
    completion_tokens,
  }),
  ({ prompt_tokens }) => ({ prompt_tokens, completion_tokens: 0 }),
  ({ completion_tokens }) => ({ completion_tokens }),
  ({ prompt_tokens, completion_tokens }) => ({ prompt_tokens: prompt_tokens + 0.5, completion_tokens }),
]

export interface Usage {
  prompt_tokens: number
  completion_tokens: number
}

/** What is to become of a request; times count from its start. */
interface Fate {
  what: string
  endMs: number
  status?: number
  headers?: Record<string, string>
  chunks?: readonly (readonly [atMs: number, text: string])[]
  failure?: WireFailure
  isCharged: boolean
  outputTokens: number
  silenceMs?: number | null
}

export function createProvider(options: ProviderOptions): Provider {
  const { machine, random, mishaps, count, price, lies = LIES } = options
  const books: Booked[] = []
  const struck = new Map<string, number>()
  let run = 0

  function fateOf(chance: Random, request: WireRequest, promptTokens: number, askedTokens: number): Fate {
    let draw = chance.next()
    const isDrawn = (share: number): boolean => (draw -= share) < 0
    const soonMs = 5 + 60 * chance.exponential()
    // It may have worked on it all the same, and charges what it did.
    const isCharged = chance.int(2) === 0
    const failed = (kind: WireFailureKind, phase: WireFailure['phase'], endMs = soonMs): Fate => {
      const failure = { kind, phase, detail: `the simulated network says ${kind}` }
      return {
        what: kind,
        endMs,
        failure,
        isCharged: isCharged && kind !== 'refused',
        outputTokens: askedTokens,
      }
    }
    const refused = (status: number, headers: Record<string, string>, silenceMs: number | null): Fate => {
      const body = JSON.stringify({ error: { message: 'no', type: 'test', code: null } })
      const chunks = [[soonMs, body]] as const
      return {
        what: `http ${status}`,
        endMs: soonMs,
        status,
        headers: { 'content-type': 'application/json', ...headers },
        chunks,
        isCharged: false,
        outputTokens: 0,
        silenceMs,
      }
    }

    if (isDrawn(mishaps.unauthorized)) return refused(401, {}, null)
    if (isDrawn(mishaps.limited)) {
      const [headers, silenceMs] = NAMED_WAITS[chance.int(NAMED_WAITS.length)]!
      return refused(429, headers, silenceMs)
    }
    if (isDrawn(mishaps.failing)) {
      const [headers] = NAMED_WAITS[chance.int(NAMED_WAITS.length)]!
      return refused(chance.int(2) === 0 ? 500 : 503, headers, null)
    }
    if (isDrawn(mishaps.hangs)) return failed('timeout', 'headers', request.deadlines.firstByteMs)
    const isBroken = isDrawn(mishaps.broken)
    if (isBroken && chance.int(2) === 0) {
      const kind = (['refused', 'reset', 'closed'] as const)[chance.int(3)]!
      return failed(kind, kind === 'refused' ? 'connect' : 'headers')
    }
    const outputTokens = chance.int(8) === 0 ? 1 + chance.int(askedTokens) : askedTokens
    const told = { prompt_tokens: promptTokens, completion_tokens: outputTokens }
    const isLie = chance.next() < mishaps.lies
    const usage = isLie ? lies[chance.int(lies.length)]!(told) : told
    const all = answer(chance, outputTokens, usage)
    const chunks = isBroken ? all.slice(0, 1 + chance.int(all.length - 1)) : all
    const endMs = (chunks.at(-1)?.[0] ?? 0) + 0.3
    const headers = { 'content-type': 'text/event-stream' }
    const whole = { endMs, status: 200, headers, chunks, isCharged: true, outputTokens }
    if (!isBroken) return { what: isLie ? 'lie' : 'ok', ...whole }
    const failure = { kind: 'truncated', phase: 'body', detail: 'the simulated network cut it' } as const
    return { what: 'truncated', ...whole, failure }
  }

  function send(request: WireRequest, { clock }: TransportOptions, how: SendOptions): Promise<Exchange> {
    // Of a process that is gone: nobody waits for it.
    if (machine.state() !== 'running') return new Promise(() => undefined)
    const enqueuedNs = clock.nowNs()
    const { prompt, outputTokens } = read(request)
    const chance = random.fork(String(books.length))
    const promptTokens = count(prompt) + chance.int(MOST_TEMPLATE_TOKENS)
    const fate = fateOf(chance, request, promptTokens, outputTokens)
    struck.set(fate.what, (struck.get(fate.what) ?? 0) + 1)
    const charged = fate.isCharged
      ? { prompt: promptTokens, output: fate.outputTokens }
      : { prompt: 0, output: 0 }
    const startNs = clock.nowNs()
    const arrivedMs = machine.nowMs()
    books.push({
      run,
      arrivedMs,
      landedMs: arrivedMs + fate.endMs,
      what: fate.what,
      tokens: charged.prompt + charged.output,
      cost: (charged.prompt * price.inputPerM + charged.output * price.outputPerM) / 1e6,
      silenceMs: fate.status === 429 ? (fate.silenceMs ?? null) : null,
    })
    return new Promise((resolve) => {
      const land = (become: Fate): void => {
        how.signal?.removeEventListener('abort', cut)
        resolve(exchangeOf(become, enqueuedNs, startNs, clock.nowNs()))
      }
      const cancel = machine.after(fate.endMs, () => land(fate))
      const cut = (): void => {
        cancel()
        land({ ...fate, chunks: [], failure: { kind: 'aborted', phase: 'body', detail: 'stopped by us' } })
      }
      how.signal?.addEventListener('abort', cut, { once: true })
    })
  }

  return {
    books,
    struck,
    setRun: (next) => void (run = next),
    connect: (transport) => ({
      warm: (n) => Promise.resolve({ opened: n, failure: undefined }),
      send: (request, how) => send(request, transport, how),
      close: () => Promise.resolve(),
    }),
  }
}

function read({ body }: WireRequest): { prompt: string; outputTokens: number } {
  const asked = JSON.parse(body ?? '{}') as {
    messages: { content: string }[]
    max_tokens?: number
    max_completion_tokens?: number
  }
  const prompt = asked.messages.map(({ content }) => content).join('\n')
  return { prompt, outputTokens: asked.max_completion_tokens ?? asked.max_tokens ?? 1 }
}

/** Chunks of an event stream, some with two events. */
function answer(chance: Random, outputTokens: number, usage: unknown): [atMs: number, text: string][] {
  const event = (fields: object): string => `data: ${JSON.stringify({ model: 'm', ...fields })}\n\n`
  const choice = (delta: object, finish: string | null = null): string =>
    event({ choices: [{ index: 0, delta, finish_reason: finish }] })
  let atMs = 20 + 40 * chance.exponential()
  const chunks: [number, string][] = [[atMs, choice({ role: 'assistant', content: '' })]]
  for (let i = 0; i < outputTokens; i++) {
    const last = chunks.at(-1)
    const text = choice({ content: ' the' })
    if (last !== undefined && i > 0 && chance.int(6) === 0) last[1] += text
    else chunks.push([(atMs += 3 + 5 * chance.exponential()), text])
  }
  chunks.push([(atMs += 0.2), choice({}, 'length')])
  chunks.push([(atMs += 0.2), `${event({ choices: [], usage })}data: [DONE]\n\n`])
  return chunks
}

function exchangeOf(fate: Fate, enqueuedNs: number, startNs: number, endNs: number): Exchange {
  const { status, headers = {}, chunks = [], failure } = fate
  const at = (ms: number): number => Math.min(endNs, startNs + Math.round(ms * 1e6))
  const texts = chunks.map(([, text]) => Buffer.from(text))
  let end = 0
  const marker = chunks.findIndex(([, text]) => text.includes('[DONE]'))
  const isSent = failure?.kind !== 'refused'
  return {
    enqueuedNs,
    startNs: isSent ? startNs : undefined,
    connection: { reused: true, dnsMs: 0, connectMs: 0, tlsMs: 0, http: '1.1' },
    headersNs: status === undefined ? undefined : at((chunks[0]?.[0] ?? 0) - 1),
    status,
    headers,
    body: Buffer.concat(texts),
    chunkNs: Float64Array.from(chunks, ([atMs]) => at(atMs)),
    chunkEnd: Float64Array.from(texts, (text) => (end += text.length)),
    endMarkerChunk: marker === -1 ? undefined : marker,
    endNs,
    failure,
  }
}
