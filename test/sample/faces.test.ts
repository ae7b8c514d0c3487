/** The simulated provider's faces and our protocols share no encoder and no decoder: they check each other. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPromptBuilder, type PromptResult } from '../../src/prompt/builder.js'
import { nonceFor } from '../../src/prompt/nonce.js'
import type { Protocol, ProtocolName } from '../../src/protocol/protocol.js'
import { protocols } from '../../src/run/tables.js'
import type { Sample } from '../../src/sample/sample.js'
import { readStream } from '../../src/sample/stream.js'
import { toSample } from '../../src/sample/to-sample.js'
import { startSimulator, type Simulator } from '../../src/simulate/server.js'
import type { TruthRecord } from '../../src/simulate/truth.js'
import { loadTokenizer } from '../../src/tokens/load-tokenizer.js'
import { systemClock } from '../../src/units/time.js'
import { createTransport, type Transport } from '../../src/wire/transport.js'
import { contextOf } from './exchange.js'

const tokenizer = await loadTokenizer('o200k_base')
const builder = createPromptBuilder(tokenizer)
const folder = mkdtempSync(join(tmpdir(), 'plumbline-faces-'))
const set = { baseMs: 4, freshUs: 2, hitUs: 0, tpotMs: 1 }
const OUTPUT_TOKENS = 24
const REASONING_TOKENS = 10

/** What a face can tell: some tell nothing of the cache or of reasoning, and Anthropic's cache must be asked for. */
interface Face {
  basePath: string
  cached: boolean
  reasoning: boolean
  /** Fields that make the face think, and show it. */
  thinking?: Readonly<Record<string, unknown>>
  asksForCache?: true
  /** What it shows of its thinking is a summary. */
  summarises?: true
}

const faces: Partial<Record<ProtocolName, Face>> = {
  'openai-chat': { basePath: '/v1', cached: true, reasoning: true },
  'openai-completions': { basePath: '/v1', cached: true, reasoning: false },
  'openai-responses': {
    basePath: '/v1',
    cached: true,
    reasoning: true,
    thinking: { reasoning: { summary: 'auto' } },
    summarises: true,
  },
  'anthropic-messages': {
    basePath: '/v1',
    cached: true,
    reasoning: true,
    thinking: { thinking: { type: 'adaptive', display: 'summarized' } },
    asksForCache: true,
    summarises: true,
  },
  gemini: {
    basePath: '/v1beta',
    cached: true,
    reasoning: true,
    thinking: { generationConfig: { thinkingConfig: { includeThoughts: true } } },
    summarises: true,
  },
  ollama: { basePath: '', cached: false, reasoning: false },
  'ollama-generate': { basePath: '', cached: false, reasoning: false },
}

/** A simulator, what it says of each request, and a transport to it. */
interface Site {
  simulator: Simulator
  transport: Transport
  truthFile: string
}

async function open(name: string, changes: object, options: object = {}): Promise<Site> {
  const truthFile = join(folder, `${name}.ndjson`)
  const simulator = await startSimulator({
    profile: 'exact',
    set: { ...set, ...changes },
    truth: truthFile,
    ...options,
  })
  const origin = simulator.url
  const transport = createTransport({
    origin,
    clock: systemClock,
    http: '1.1',
    maxConnections: 2,
    proxy: 'none',
  })
  return { simulator, transport, truthFile }
}

let plain: Site
let thinking: Site
let limited: Site
beforeAll(async () => {
  plain = await open('plain', {})
  thinking = await open('thinking', { reasoningTokens: REASONING_TOKENS, streamsReasoning: true })
  limited = await open('limited', {}, { requestsPerMinute: 1 })
})
afterAll(async () => {
  for (const { transport, simulator } of [plain, thinking, limited]) {
    await transport.close()
    await simulator.close()
  }
  rmSync(folder, { recursive: true, force: true })
})

interface Asked {
  prompt: PromptResult
  cache?: Sample['asked']['cache']
  body?: Readonly<Record<string, unknown>>
  model?: string
}

async function measure(...asked: Parameters<typeof send>): Promise<Sample> {
  return (await send(...asked)).sample
}

async function send(site: Site, name: ProtocolName, face: Face, asked: Asked) {
  if (!asked.prompt.ok) throw new Error('the prompt is too short')
  const protocol: Protocol = protocols[name]
  const { text, tokens, prefixTokens, prefixCharacters } = asked.prompt.prompt
  const quirks = {
    maxTokensField: 'max_tokens',
    streamOptions: true,
    ignoreEos: false,
    temperature: null,
  } as const
  const encoded = protocol.encode(
    {
      messages: [{ role: 'user', content: text }],
      outputTokens: OUTPUT_TOKENS,
      cachePrefix: prefixCharacters === 0 ? undefined : prefixCharacters,
    },
    { model: asked.model ?? 'exact', quirks, body: asked.body ?? {} },
  )
  const intendedNs = systemClock.nowNs()
  const exchange = await site.transport.send(
    {
      method: 'POST',
      path: face.basePath + encoded.path,
      headers: { 'content-type': 'application/json', ...encoded.headers },
      body: encoded.body,
      endMarker: protocol.endMarker,
      deadlines: { connectMs: 2000, firstByteMs: 20_000, gapMs: 20_000, totalMs: 40_000 },
    },
    { connection: 'reused' },
  )
  const context = contextOf({ intendedNs, runStartNs: intendedNs, tokenizer })
  const { cache = 'fresh' } = asked
  const events = readStream(exchange, protocol).moments.flatMap((moment) => moment.events)
  const outputs = events.flatMap((event) => (event.kind === 'output' ? [event.channel] : []))
  const sample = toSample(exchange, protocol, {
    ...context,
    asked: { ...context.asked, promptTokens: tokens, prefixTokens, outputTokens: OUTPUT_TOKENS, cache },
    cacheRules: { minimumTokens: 16, stepTokens: 16, reported: true },
  })
  return { sample, channels: [...new Set(outputs)] }
}

/** The last line of the truth; written when the answer is over. */
function truthOf({ truthFile }: Site): TruthRecord {
  return JSON.parse(readFileSync(truthFile, 'utf8').trimEnd().split('\n').at(-1) ?? '') as TruthRecord
}

const fresh = (tokens: number, nonce: string) =>
  builder.freshPrompt({ tokens, nonce: nonceFor(1, 'faces', nonce) })

describe.each(Object.entries(faces) as [ProtocolName, Face][])('%s', (name, face) => {
  it('a fresh prompt: usage, finish reason and outcome are the truth, and no time is before it', async () => {
    const sample = await measure(plain, name, face, { prompt: fresh(300, `${name}/fresh`) })
    const truth = truthOf(plain)
    expect(sample).toMatchObject({
      outcome: 'ok',
      promptTokens: truth.promptTokens,
      outputTokens: truth.outputTokens,
      tokenSource: 'usage',
      ...(face.cached && { cacheState: 'confirmed' }),
    })
    if (face.cached) expect(sample.cachedTokens ?? 0).toBe(truth.cachedTokens)
    expect(sample).not.toHaveProperty('detail')
    expect(sample.finishReason).toMatch(/^(length|max_tokens|max_output_tokens|MAX_TOKENS)$/)
    expect(truth.outputTokens).toBe(OUTPUT_TOKENS)
    expect(sample.ttft).toBeGreaterThan((truth.ttftMs ?? NaN) - 1)
    expect(sample.e2e).toBeGreaterThan((truth.e2eMs ?? NaN) - 1)
    expect(sample.ttfvt).toBe(sample.ttft)
    expect((sample.itl?.count ?? 0) + 1 + sample.coalesced).toBe(OUTPUT_TOKENS)
    expect(sample.route?.model).toBe(name.startsWith('ollama') ? 'exact' : truth.model)
  })

  if (face.cached)
    it('a warm prefix is met, and reported as the truth has it', async () => {
      const ask = { prefixTokens: 512, prefixNonce: nonceFor(1, 'faces', `${name}/prefix`) }
      const prime = await measure(plain, name, face, { prompt: builder.primePrompt(ask) })
      expect(prime).toMatchObject({ outcome: 'ok', cacheState: 'confirmed' })
      if (face.asksForCache) expect(prime.cacheWriteTokens).toBeGreaterThanOrEqual(512 - 32)
      const suffix = { ...ask, tokens: 600, nonce: nonceFor(1, 'faces', `${name}/suffix`) }
      const warm = await measure(plain, name, face, { prompt: builder.warmPrompt(suffix), cache: 'warm' })
      const truth = truthOf(plain)
      expect(truth.cachedTokens).toBeGreaterThanOrEqual(512 - 32)
      expect(warm).toMatchObject({
        outcome: 'ok',
        promptTokens: truth.promptTokens,
        cachedTokens: truth.cachedTokens,
        cacheState: 'confirmed',
      })
    })

  if (face.asksForCache)
    it('without a mark nothing is kept, so that the same prompt is fresh twice', async () => {
      const prompt = fresh(600, `${name}/twice`)
      await measure(plain, name, face, { prompt })
      const again = await measure(plain, name, face, { prompt })
      expect(again).toMatchObject({ outcome: 'ok', cachedTokens: 0, cacheState: 'confirmed' })
    })

  if (face.reasoning)
    it('reasoning that is shown ends ttft, not ttfvt, and is counted', async () => {
      const prompt = fresh(300, `${name}/thinking`)
      const body = face.thinking ?? {}
      const { sample, channels } = await send(thinking, name, face, { prompt, body })
      const truth = truthOf(thinking)
      expect(truth.reasoningTokens).toBe(REASONING_TOKENS)
      expect(sample).toMatchObject({
        outcome: 'ok',
        outputTokens: truth.outputTokens,
        reasoningTokens: truth.reasoningTokens,
      })
      expect(sample.ttfvt ?? 0).toBeGreaterThanOrEqual(sample.ttft ?? Infinity)
      expect(channels).toEqual([face.summarises ? 'summary' : 'reasoning', 'text'])
    })

  it('an unknown model is refused in the words of the API', async () => {
    const sample = await measure(plain, name, face, {
      prompt: fresh(100, `${name}/model`),
      model: 'no-such-model',
    })
    expect(sample.outcome).toMatch(/^http-40[04]$/) // the Responses API answers 400
    expect(sample.detail).toContain("check the model's name")
    expect(sample.detail).toMatch(/it says: .*no-such-model/)
  })

  it('a spent rate limit is http-429', async () => {
    const ask = (nonce: string) => measure(limited, name, face, { prompt: fresh(100, `${name}/${nonce}`) })
    await ask('first')
    const sample = await ask('second')
    expect(sample.outcome).toBe('http-429')
    expect(sample.detail).toContain('its rate limit or quota is used up')
    if (name === 'anthropic-messages' || name.startsWith('openai'))
      expect(sample.limits).toMatchObject({ limitRequests: 1, remainingRequests: 0 })
  })
})
