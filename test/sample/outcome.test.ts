import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openaiChat } from '../../src/protocol/openai-chat.js'
import type { Protocol } from '../../src/protocol/protocol.js'
import { protocols } from '../../src/run/tables.js'
import type { Outcome } from '../../src/sample/sample.js'
import { toSample } from '../../src/sample/to-sample.js'
import type { Exchange, WireFailure, WireFailureKind } from '../../src/wire/exchange.js'
import { contextOf, done, exchangeOf, finish, role, say, sse, usage } from './exchange.js'

type Chunks = Parameters<typeof exchangeOf>[0]

const sampleOf = (
  chunks: Chunks,
  changes: Partial<Exchange> = {},
  name = 'openai',
  protocol: Protocol = openaiChat,
) => {
  const context = contextOf({
    target: { name, url: 'http://localhost:9/v1', model: 'gpt-4o', apiKeyEnv: 'OPENAI_API_KEY' },
  })
  return toSample(exchangeOf(chunks, changes), protocol, context)
}

const failing = (kind: WireFailureKind, phase: WireFailure['phase'] = 'body'): WireFailure => ({
  kind,
  phase,
  detail: `${kind} in ${phase}`,
  code: 'ECODE',
})

describe('a request without a response has the kind of its failure and no times', () => {
  it.each<[WireFailureKind, string]>([
    ['refused', 'openai (http://localhost:9/v1): refused in connect'],
    ['dns', 'openai: dns in connect; check the base URL (http://localhost:9/v1)'],
    ['oversized', 'openai: oversized in connect; the rest was not read'],
    ['tls', 'openai (http://localhost:9/v1): tls in connect'],
    ['reset', 'openai (http://localhost:9/v1): reset in connect'],
    ['closed', 'openai (http://localhost:9/v1): closed in connect'],
    ['malformed', 'openai (http://localhost:9/v1): malformed in connect'],
    ['timeout', 'openai (http://localhost:9/v1): timeout in connect'],
    ['goaway', 'openai (http://localhost:9/v1): goaway in connect'],
    ['resource', 'openai (http://localhost:9/v1): resource in connect'],
    ['aborted', 'the request to openai was stopped by us'],
  ])('%s', (kind, detail) => {
    const sample = sampleOf([], {
      startNs: undefined,
      headersNs: undefined,
      status: undefined,
      failure: failing(kind, 'connect'),
    })
    expect(sample).toMatchObject({
      outcome: kind,
      status: null,
      detail,
      ttfb: null,
      ttfe: null,
      ttft: null,
      e2e: null,
    })
  })
})

it('a port that nobody listens at gives the URL and asks whether the server runs', () => {
  const failure = { ...failing('refused', 'connect'), code: 'ECONNREFUSED' }
  const { detail } = sampleOf([], { startNs: undefined, status: undefined, failure })
  expect(detail).toBe('http://localhost:9/v1 refused the connection: is the server running?')
})

describe('a status that is no success', () => {
  it.each<[number, Outcome, string]>([
    [
      400,
      'http-400',
      "400 from openai: the request was refused; check the model's name, the prompt length and the parameters (quirks and body of the target)",
    ],
    [401, 'http-401', '401 from openai: check OPENAI_API_KEY'],
    [
      403,
      'http-403',
      '403 from openai: the key in OPENAI_API_KEY is not allowed to use gpt-4o; check its permissions and region',
    ],
    [
      404,
      'http-404',
      "404 from openai: check the model's name (gpt-4o) and the base URL (http://localhost:9/v1)",
    ],
    [429, 'http-429', '429 from openai: its rate limit or quota is used up; lower the rate or concurrency'],
    [
      422,
      'http-4xx',
      '422 from openai: the request was refused; check the parameters (quirks and body of the target)',
    ],
    [500, 'http-5xx', '500 from openai: the server failed or is overloaded; try again later'],
    [529, 'http-5xx', '529 from openai: the server failed or is overloaded; try again later'],
  ])('%i is %s', (status, outcome, detail) => {
    expect(sampleOf([], { status, headers: {} })).toMatchObject({
      outcome,
      status,
      detail,
      ttfb: 1,
      ttft: null,
    })
  })

  it('carries the sentence of the server', () => {
    const body = '{"error":{"message":"Incorrect API key provided","type":"invalid_request_error"}}'
    expect(sampleOf([[3, body]], { status: 401 }).detail).toBe(
      '401 from openai: check OPENAI_API_KEY (it says: Incorrect API key provided)',
    )
  })

  it('a redirect names the host of Location and nothing else of it', () => {
    const headers = { location: 'https://evil.example/path?token=abc' }
    const sample = sampleOf([], { status: 307, headers })
    expect(sample.outcome).toBe('redirect')
    expect(sample.detail).toMatch(/^307 from openai: it redirects to evil\.example,/)
    expect(sample.detail).not.toMatch(/token|path/)
  })

  it('a body that breaks off leaves the status the outcome', () => {
    expect(sampleOf([[3, '{"err']], { status: 500, failure: failing('truncated') }).outcome).toBe('http-5xx')
  })
})

describe('a 200 that is no event stream', () => {
  it.each([
    ['application/json', '{"choices":[{"message":{"content":"hi"}}]}'],
    ['application/json; charset=utf-8', '{\n  "error": {"message": "busy"}\n}'],
    ['text/html', '<!doctype html><title>Sign in</title>'],
    ['text/plain', 'OK'],
    ['', 'data'],
  ])('%s is not-streaming', (type, body) => {
    const sample = sampleOf([[3, body]], { headers: type === '' ? {} : { 'content-type': type } })
    expect(sample).toMatchObject({ outcome: 'not-streaming', ttft: null, e2e: null })
    const named = type.split(';')[0] || 'no content type'
    expect(sample.detail).toMatch(
      new RegExp(
        `^the server answered 200 with ${named}, not an event stream: it does not stream \\(or ignored stream: true\\)`,
      ),
    )
  })

  it('a stream under a wrong content type is measured all the same', () => {
    const headers = { 'content-type': 'application/json' }
    expect(
      sampleOf(
        [
          [9, say('a')],
          [20, finish + done],
        ],
        { headers },
      ),
    ).toMatchObject({ outcome: 'ok', ttft: 9 })
  })

  it('a compressed stream says so', () => {
    const headers = { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' }
    const sample = sampleOf([[9, Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0)]], { headers })
    expect(sample.outcome).toBe('not-streaming')
    expect(sample.detail).toContain('content-encoding gzip')
  })
})

describe('inside a stream', () => {
  it.each<[string, Chunks, Partial<Exchange>, Outcome]>([
    [
      'the terminal event makes it ok',
      [
        [9, say('a')],
        [20, done],
      ],
      {},
      'ok',
    ],
    [
      'a reset behind the terminal event changes nothing',
      [[9, say('a') + done]],
      { failure: failing('reset') },
      'ok',
    ],
    ['an unfinished last event that is [DONE] ends it', [[9, `${say('a')}data: [DONE]`]], {}, 'ok'],
    ['a clean end without terminal event is truncated', [[9, role + say('a')]], {}, 'truncated'],
    ['a clean end without any event is truncated', [], {}, 'truncated'],
    ['half an event is no end', [[9, `${say('a')}data: [DON`]], {}, 'truncated'],
    ['a cut body is truncated', [[9, say('a')]], { failure: failing('truncated') }, 'truncated'],
    ['a timeout keeps its kind', [[9, say('a')]], { failure: failing('timeout') }, 'timeout'],
    [
      'a timeout behind the finish reason too',
      [[9, say('a') + finish]],
      { failure: failing('timeout') },
      'timeout',
    ],
    ['an abort keeps its kind', [[9, say('a')]], { failure: failing('aborted') }, 'aborted'],
    [
      'an error event is stream-error',
      [[9, sse({ error: { message: 'overloaded' } }) + done]],
      {},
      'stream-error',
    ],
    ['an error after output too', [[9, say('a') + sse({ error: { message: 'x' } })]], {}, 'stream-error'],
    ['complete without output is empty', [[9, role + finish + done]], {}, 'empty'],
    ['an event above 1 MiB is oversized', [[9, say('x'.repeat(1_100_000)) + done]], {}, 'oversized'],
    ['the wire’s oversized is oversized', [[9, say('a')]], { failure: failing('oversized') }, 'oversized'],
  ])('%s', (_, chunks, changes, outcome) => {
    const sample = sampleOf(chunks, changes)
    expect(sample.outcome).toBe(outcome)
    if (outcome === 'ok') expect(sample.e2e).not.toBeNull()
    else expect(sample).toMatchObject({ e2e: null, tpot: null })
    if (outcome !== 'ok') expect(sample.detail).toMatch(/openai/)
  })

  it.each([undefined, failing('truncated'), failing('reset')])(
    'a finish reason without the terminal event is ok with a mark, ending with the last event (%j)',
    (failure) => {
      const sample = sampleOf(
        [
          [9, say('a')],
          [20, finish],
          [25, usage(9, 1)],
        ],
        { failure },
      )
      expect(sample).toMatchObject({ outcome: 'ok', e2e: 25, promptTokens: 9 })
      expect(sample.detail).toMatch(/^the terminal event is missing/)
    },
  )

  it('what follows the terminal event is ignored and counted', () => {
    const sample = sampleOf([
      [9, say('a')],
      [20, finish + usage(9, 1) + done],
      [30, say('b') + done],
    ])
    expect(sample).toMatchObject({ outcome: 'ok', e2e: 20, outputTokens: 1 })
    expect(sample.detail).toBe('2 events behind the terminal event ignored')
  })

  it('malformed events are marked, never fatal', () => {
    const sample = sampleOf([
      [9, `data: {oops\n\n${say('a')}`],
      [20, done],
    ])
    expect(sample).toMatchObject({
      outcome: 'ok',
      detail: '1 event did not fit the protocol: the event is not JSON',
    })
  })

  it('an answer spent on hidden reasoning says so', () => {
    const hidden = sse({
      choices: [],
      usage: { completion_tokens: 16, completion_tokens_details: { reasoning_tokens: 16 } },
    })
    expect(sampleOf([[9, role + finish + hidden + done]]).detail).toContain('hidden reasoning (16 tokens)')
  })

  it('an ok without a mark has no detail', () => {
    expect(
      sampleOf([
        [9, role + say('a')],
        [20, finish + done],
      ]),
    ).not.toHaveProperty('detail')
  })
})

/** As a target at that host is spoken to. */
function protocolOf(host: string): Protocol {
  if (host.includes('anthropic')) return protocols['anthropic-messages']
  if (host.includes('googleapis')) return protocols.gemini
  if (host.includes('bedrock')) return protocols['bedrock-converse']
  if (host.includes('azure')) return protocols['azure-openai']
  if (host.endsWith(':11434')) return protocols.ollama
  return host === 'api.openai.com' ? protocols['openai-responses'] : openaiChat
}

const ERRORS = join(import.meta.dirname, '../../../shared/data/errors/real_error_responses.json')
const present = existsSync(ERRORS)

describe.skipIf(!present)(`recorded error bodies${present ? '' : ` (skipped: ${ERRORS} is absent)`}`, () => {
  interface Recorded {
    host: string
    status: number
    body: unknown
  }
  const recorded: Recorded[] = present ? JSON.parse(readFileSync(ERRORS, 'utf8')) : []
  it.each(recorded.map((row, index) => [index, row.status, row.host, row.body] as const))(
    '%i: %i of %s becomes an outcome with a sentence that says what to do',
    (_, status, host, body) => {
      const text = body === null ? '' : typeof body === 'string' ? body : JSON.stringify(body)
      const sample = sampleOf(text === '' ? [] : [[3, text]], { status, headers: {} }, host, protocolOf(host))
      const kind = [400, 401, 403, 404, 429].includes(status) ? `http-${status}` : 'http-4xx'
      expect(sample.outcome).toBe(kind)
      expect(sample.detail).toMatch(new RegExp(`^${status} from ${host}: .*(check|refused|lower)`))
      const own = /"(?:message|detail|error)": ?"((?:[^"\\]|\\.){1,40})/.exec(text)?.[1] ?? text.slice(0, 40)
      expect(sample.detail).toContain(own.replace(/\\.*$/s, ''))
    },
  )
})
