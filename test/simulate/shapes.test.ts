/** The bytes of each face, held to recordings of the real API: keys, event order, framing. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSimulator, type Simulator } from '../../src/simulate/server.js'

const recordings = new URL('../../../shared/data/sse/', import.meta.url)

/** Names of what happened, in order, and the paths of all keys of each. */
interface Seen {
  readonly order: readonly string[]
  readonly keys: ReadonlyMap<string, ReadonlySet<string>>
}

interface Shape {
  readonly face: string
  readonly folders: readonly string[]
  /** Recordings of something that the simulator does not do. */
  readonly except?: RegExp
  readonly path: string
  readonly headers?: Record<string, string>
  readonly asks: readonly object[]
  /** Kind of an event: what differs in kind differs in keys. */
  readonly kind: (event: Json) => string
  /** How many kinds there are at least in both. */
  readonly kinds: number
  /** Paths that depend on what was asked or on the year, not on the API. */
  readonly ignore: RegExp
}

type Json = Record<string, unknown>

const user = [{ role: 'user', content: 'Hello there.' }]
const parameters = { type: 'object', properties: { country: { type: 'string' } }, required: ['country'] }

const SHAPES: readonly Shape[] = [
  {
    face: 'openai-chat',
    kinds: 3,
    folders: ['openai-chat/'],
    except: /azure|with_events_with_content|moderation/,
    path: '/v1/chat/completions',
    asks: [
      {
        max_tokens: 40,
        messages: user,
        stream_options: { include_usage: true, include_obfuscation: true },
        tools: [{ type: 'function', function: { name: 'get_capital', parameters } }],
        tool_choice: 'required',
      },
      { max_tokens: 5, messages: user, stream_options: { include_usage: true, include_obfuscation: true } },
    ],
    kind: chatKind,
    // The role comes in an event of its own, the tool's name in the next; there both are in the first.
    ignore: /^choices\.delta(\.role|\.refusal|\.content|\.tool_calls\.(id|type|function\.name))?$/,
  },
  {
    face: 'openai-responses',
    kinds: 15,
    folders: ['openai-responses/', 'vercel-ai-chunks/openai/'],
    except: /azure|error/,
    path: '/v1/responses',
    asks: [
      {
        input: 'Hello there.',
        reasoning: { summary: 'auto' },
        tools: [{ type: 'function', name: 'get_capital', parameters, strict: true, description: '' }],
        tool_choice: 'required',
      },
      { input: 'Hello there.' },
    ],
    kind: (event) => {
      const { item } = event
      return String(event['type']) + (isJson(item) ? `/${String(item['type'])}` : '')
    },
    ignore: /encrypted_content|phase|obfuscation|\.tools\.|\.reasoning\.|logprobs\.|annotations\./,
  },
  {
    face: 'anthropic-messages',
    kinds: 9,
    folders: ['anthropic/', 'vercel-ai-chunks/anthropic/'],
    except: /redacted|refusal|code-execution/,
    path: '/v1/messages',
    headers: { 'anthropic-version': '2023-06-01' },
    asks: [{ max_tokens: 12, messages: user, thinking: { type: 'enabled', budget_tokens: 4 } }],
    kind: (event) => {
      const inner = event['delta'] ?? event['content_block']
      return String(event['type']) + (isJson(inner) && 'type' in inner ? `/${String(inner['type'])}` : '')
    },
    ignore: /stop_details|output_tokens_details/,
  },
  {
    face: 'gemini',
    kinds: 2,
    folders: ['gemini/', 'vercel-ai-chunks/google/'],
    path: '/v1beta/models/exact:streamGenerateContent?alt=sse',
    asks: [{ contents: [{ role: 'user', parts: [{ text: 'Hello there.' }] }] }],
    kind: (event) => ('finishReason' in (list(event['candidates'])[0] ?? {}) ? 'last' : 'chunk'),
    // Two generations of models are recorded, and one calls a function.
    ignore: /candidates\.index|thought|functionCall|candidatesTokensDetails|parts\.text/,
  },
  {
    face: 'ollama-chat',
    kinds: 2,
    folders: ['ollama/'],
    except: /generation/,
    path: '/api/chat',
    asks: [{ messages: user, think: false, options: { num_predict: 5 } }],
    kind: (event) => (event['done'] === true ? 'last' : 'line'),
    ignore: /^$/,
  },
  {
    face: 'ollama-generate',
    kinds: 2,
    folders: ['ollama/'],
    except: /chat/,
    path: '/api/generate',
    asks: [{ prompt: 'Hello there.', think: false, options: { num_predict: 5 } }],
    kind: (event) => (event['done'] === true ? 'last' : 'line'),
    // The whole conversation as token ids, for clients of long ago.
    ignore: /^context/,
  },
  {
    face: 'openai-completions',
    kinds: 1,
    folders: ['openai-completions/'],
    path: '/v1/completions',
    asks: [{ prompt: 'Hello there.', max_tokens: 5 }],
    // The one recording ends with a chunk of another shape, as no other service has it.
    kind: () => 'event',
    ignore: /^choices\.delta$/,
  },
]

function chatKind(event: Json): string {
  const [choice] = list(event['choices'])
  if (!choice) return 'usage'
  return choice['finish_reason'] === null ? 'delta' : 'finish'
}

let simulator: Simulator
beforeAll(async () => {
  simulator = await startSimulator({
    profile: 'exact',
    set: { base: 1, tpot: 0.1, reasoningTokens: 4, streamsReasoning: false, defaultOutputTokens: 30 },
  })
})
afterAll(() => simulator.close())

async function post(shape: Shape, ask: object): Promise<string> {
  const response = await fetch(simulator.url + shape.path, {
    method: 'POST',
    headers: { ...shape.headers },
    body: JSON.stringify(shape.face === 'gemini' ? ask : { model: 'exact', stream: true, ...ask }),
  })
  expect(response.status).toBe(200)
  return response.text()
}

/** All JSON documents of a stream: SSE, NDJSON, or a file with one a line. */
function documents(text: string): Json[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const data = line.replace(/^data: ?/, '')
    if (!data.startsWith('{')) return []
    const parsed: unknown = JSON.parse(data)
    return isJson(parsed) ? [parsed] : []
  })
}

function see(texts: readonly string[], { kind, ignore }: Shape): Seen {
  const order: string[] = []
  const keys = new Map<string, Set<string>>()
  for (const event of texts.flatMap(documents)) {
    const name = kind(event)
    if (order.at(-1) !== name) order.push(name)
    const paths = keys.get(name) ?? new Set()
    for (const path of pathsOf(event, '')) if (!ignore.test(path)) paths.add(path)
    keys.set(name, paths)
  }
  return { order, keys }
}

function* pathsOf(value: unknown, prefix: string): Generator<string> {
  if (Array.isArray(value)) for (const each of value) yield* pathsOf(each, prefix)
  else if (isJson(value)) {
    for (const [key, inner] of Object.entries(value)) {
      const path = prefix === '' ? key : `${prefix}.${key}`
      yield path
      yield* pathsOf(inner, path)
    }
  }
}

function list(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.filter(isJson) : []
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function recordedTexts({ folders, except }: Shape): string[] {
  return folders.flatMap((folder) =>
    readdirSync(new URL(folder, recordings))
      .filter((name) => /\.(sse|ndjson|txt)$/.test(name) && except?.test(name) !== true)
      .map((name) => readFileSync(new URL(folder + name, recordings), 'utf8')),
  )
}

const present = existsSync(recordings)
const because = present ? '' : ' (skipped: ../shared/data is absent)'

describe.skipIf(!present).each(SHAPES)(`recorded shapes of $face${because}`, (shape) => {
  it('every key of ours is in some recording, every key that all recordings have is in ours', async () => {
    const texts = recordedTexts(shape)
    expect(texts.length).toBeGreaterThan(0)
    const each = texts.map((text) => see([text], shape).keys)
    const ours = see(await Promise.all(shape.asks.map((ask) => post(shape, ask))), shape).keys
    let compared = 0
    for (const [kind, own] of ours) {
      const recorded = each.flatMap((keys) => keys.get(kind) ?? [])
      if (recorded.length === 0) continue
      compared++
      const some = new Set(recorded.flatMap((keys) => [...keys]))
      const all = [...some].filter((path) => recorded.every((keys) => keys.has(path)))
      expect({ kind, invented: [...own].filter((path) => !some.has(path)) }).toEqual({ kind, invented: [] })
      expect({ kind, missing: all.filter((path) => !own.has(path)) }).toEqual({ kind, missing: [] })
    }
    expect(compared).toBeGreaterThanOrEqual(shape.kinds)
  })
})

describe.skipIf(!present)(`recorded order and framing${because}`, () => {
  const read = (name: string): string => readFileSync(new URL(name, recordings), 'utf8')
  const shapeOf = (face: string): Shape => SHAPES.find((shape) => shape.face === face)!

  it('anthropic: thinking, signature and text come in the recorded order', async () => {
    const shape = shapeOf('anthropic-messages')
    const recorded = see([read('anthropic/test_anthropic_model_thinking_part_stream.0.sse')], shape).order
    expect(see([await post(shape, shape.asks[0]!)], shape).order).toEqual(recorded)
  })

  it('openai responses: a call comes in the recorded order', async () => {
    const shape = shapeOf('openai-responses')
    const recorded = see([read('openai-responses/test_openai_responses_streaming_usage.0.sse')], shape).order
    const { reasoning: _, ...ask } = shape.asks[0] as Json
    const hidden = { ...ask, reasoning: { summary: null } }
    const own = see([await post(shape, hidden)], shape).order.filter(
      (name) => !name.includes('reasoning_text'),
    )
    expect(own).toEqual(recorded)
  })

  it.each([
    ['anthropic-messages', 'anthropic/test_anthropic_model_thinking_part_stream.0.sse'],
    ['openai-responses', 'openai-responses/test_openai_responses_streaming_usage.0.sse'],
    ['openai-chat', 'openai-chat/test_run_stream_sync_streams_real_model.0.sse'],
    ['gemini', 'gemini/test_google_model_stream.0.sse'],
    ['ollama-chat', 'ollama/test_ollama_streaming_chat_legacy.0.ndjson'],
  ])('%s: field names and line ends are those of the recording', async (face, name) => {
    const shape = shapeOf(face)
    expect(framing(await post(shape, shape.asks[0]!))).toEqual(framing(read(name)))
  })
})

/** The kinds of lines there are: `event: …`, `data: …`, empty or JSON, each with its line end. */
function framing(text: string): string[] {
  const lines = text.split(/(?<=\n)/).map((line) => line.replace(/^(event: |data: |).*?(\r?\n)$/s, '$1$2'))
  return [...new Set(lines)].toSorted()
}
