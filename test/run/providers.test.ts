/** Runs against small servers of the tests' own: refused parameters, signatures, lines of JSON, keys in other headers. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { EventStreamCodec } from '@smithy/eventstream-codec'
import { describe, expect, it, onTestFinished } from 'vitest'
import { signAws } from '../../src/credentials/aws-signature.js'
import { startSimulator } from '../../src/simulate/server.js'
import { readSnapshot } from '../../src/snapshot/format.js'
import { fakeTarget, refuse, stream } from '../support/fake-target.js'
import { finished, runHere } from './run-here.js'

interface Seen {
  path: string
  headers: IncomingMessage['headers']
  body: string
}

async function server(
  answer: (seen: Seen, response: ServerResponse) => void,
): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = []
  const http = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (part: string) => (body += part))
    request.on('end', () => {
      const one = { path: request.url ?? '', headers: request.headers, body }
      seen.push(one)
      answer(one, response)
    })
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    http.closeAllConnections()
    http.close()
  })
  const { port } = http.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, seen }
}

/** One cell, warmed up once. */
const scenarioOf = (
  target: string,
  probe = '{ probe: prompt-length, promptTokens: [64], outputTokens: 12 }',
) => `
name: one
targets:
  - ${target}
probes: [${probe}]
repeats: 2
warmup: { requests: 1 }
`

describe('parameters that a target refuses', () => {
  /** Refuses like a reasoning model of OpenAI behind an old gateway: one parameter at a time. */
  const strict = (refused: readonly (readonly [field: string, says: string])[]) =>
    fakeTarget((asked, response) => {
      const found = refused.find(([field]) => Object.hasOwn(asked.body, field))
      return found === undefined
        ? stream(asked, response, { promptTokens: 70 })
        : refuse(response, 400, found[1])
    })

  it('3 refused parameters cost 3 untimed requests, a note each, and no timed one fails', async () => {
    const { url, asked } = await strict([
      [
        'max_tokens',
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      ],
      [
        'temperature',
        "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported.",
      ],
      ['stream_options', 'stream_options: Extra inputs are not permitted'],
    ])
    const here = finished(
      await runHere(scenarioOf(`{ name: t, baseUrl: '${url}', model: m, tokenizer: o200k_base }`)),
    )
    expect(here.stop).toBeNull()
    expect(here.samples.map(({ warmup, outcome }) => `${warmup} ${outcome}`)).toEqual([
      'true http-400',
      'true http-400',
      'true http-400',
      'true ok',
      'false ok',
      'false ok',
    ])
    const notes = here.snapshot.notes.filter((note) => note.includes('refuses'))
    expect(notes.map((note) => /refuses (\w+)/.exec(note)?.[1])).toEqual([
      'max_tokens',
      'temperature',
      'stream_options',
    ])
    expect(asked.at(-1)?.body).toMatchObject({ max_completion_tokens: 12 })
    expect(Object.keys(asked.at(-1)?.body ?? {})).not.toContain('temperature')
    const [target] = here.snapshot.targets
    const quirks = {
      maxTokensField: 'max_completion_tokens',
      streamOptions: false,
      ignoreEos: false,
      temperature: null,
    }
    expect(target?.quirks).toEqual(quirks)
    const read = await readSnapshot(here.path)
    expect(read).toMatchObject({ ok: true, value: { targets: [{ quirks }] } })
  })

  it('a server that refuses both names of the limit is asked twice, then the run stops with exit 3 and its words', async () => {
    const { url, asked } = await strict([
      ['max_tokens', 'Unknown parameter: max_tokens'],
      ['max_completion_tokens', 'Unknown parameter: max_completion_tokens'],
    ])
    const here = finished(
      await runHere(scenarioOf(`{ name: t, baseUrl: '${url}', model: m, tokenizer: o200k_base }`)),
    )
    expect(asked).toHaveLength(2)
    expect(here.stop).toMatchObject({ reason: 'unreachable' })
    expect(here.stop?.message).toContain('max_completion_tokens')
    expect(here.stop?.message).toContain('quirks')
  })
})

describe('money', () => {
  it('a stream that broke off with 1 of 12 output tokens counted costs all 12: its server may have gone on', async () => {
    const { url } = await server((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const usage = { input_tokens: 70, output_tokens: 1 }
      const start = JSON.stringify({ type: 'message_start', message: { model: 'm', usage } })
      response.write(`event: message_start\ndata: ${start}\n\n`, () => response.destroy())
    })
    const target = `{ name: an, provider: anthropic, baseUrl: '${url}', apiKeyEnv: null, model: m, tokenizer: o200k_base, price: { inputPerM: 0, outputPerM: 1000000 } }`
    const { samples, snapshot } = finished(await runHere(scenarioOf(target)))
    expect(samples.map(({ outcome }) => outcome)).toEqual(Array(3).fill('truncated'))
    expect(snapshot.spent.cost?.amount).toBe(3 * 12)
  })
})

describe('bedrock-converse', () => {
  const codec = new EventStreamCodec(
    (bytes) => (typeof bytes === 'string' ? bytes : new TextDecoder().decode(bytes)),
    (text) => new TextEncoder().encode(text),
  )
  const message = (type: string, payload: object): Uint8Array =>
    codec.encode({
      headers: {
        ':event-type': { type: 'string', value: type },
        ':content-type': { type: 'string', value: 'application/json' },
        ':message-type': { type: 'string', value: 'event' },
      },
      body: new TextEncoder().encode(JSON.stringify(payload)),
    })
  const answer = (response: ServerResponse, cached: number): void => {
    response.writeHead(200, {
      'content-type': 'application/vnd.amazon.eventstream',
      'x-amzn-requestid': 'r-1',
    })
    response.write(message('messageStart', { role: 'assistant' }))
    for (let i = 0; i < 12; i++) response.write(message('contentBlockDelta', { delta: { text: ' the' } }))
    response.write(message('messageStop', { stopReason: 'max_tokens' }))
    const usage = {
      inputTokens: 70 - cached,
      outputTokens: 12,
      cacheReadInputTokens: cached,
      cacheWriteInputTokens: 0,
    }
    response.end(message('metadata', { usage, metrics: { latencyMs: 5 } }))
  }
  const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }
  const env = {
    AWS_ACCESS_KEY_ID: keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
    AWS_REGION: 'eu-west-1',
  }
  const targetAt = (url: string) =>
    `{ name: br, provider: bedrock, baseUrl: '${url}', apiKeyEnv: null, model: 'eu.amazon.nova-micro-v1:0', tokenizer: o200k_base }`

  it('each request is signed over its own body, and its answer measured', async () => {
    const { url, seen } = await server((_, response) => answer(response, 0))
    const here = finished(await runHere(scenarioOf(targetAt(url)), { env }))
    expect(here.samples.map(({ outcome }) => outcome)).toEqual(['ok', 'ok', 'ok'])
    expect(here.samples.at(-1)).toMatchObject({
      promptTokens: 70,
      cachedTokens: 0,
      cacheState: 'confirmed',
      outputTokens: 12,
      finishReason: 'max_tokens',
      route: { requestId: 'r-1' },
      serverTimings: { totalMs: 5 },
    })
    for (const { path, headers, body } of seen) {
      expect(path).toBe('/model/eu.amazon.nova-micro-v1%3A0/converse-stream')
      // Signed again from what arrived: the same signature, so host, date, content type and body are as signed.
      const at = String(headers['x-amz-date']).replace(/(....)(..)(..)T(..)(..)(..)Z/, '$1-$2-$3T$4:$5:$6Z')
      const contentType = String(headers['content-type'])
      const again = await signAws(
        { method: 'POST', path, headers: { 'content-type': contentType }, body },
        { host: String(headers.host), region: 'eu-west-1', service: 'bedrock' },
        keys,
        Date.parse(at),
      )
      expect(headers['authorization']).toBe(again['authorization'])
      expect(contentType).toBe('application/json')
    }
    expect(new Set(seen.map(({ headers }) => headers['authorization'])).size).toBe(3)
    expect(JSON.stringify(here.snapshot)).not.toContain(keys.secretAccessKey)
  })

  it('a warm cell puts a cache point behind its prefix, in the prime as in what is measured', async () => {
    const { url, seen } = await server(({ body }, response) =>
      answer(response, body.includes('cachePoint') ? 32 : 0),
    )
    const probe = '{ probe: prefix-cache, promptTokens: [70], suffixTokens: 24, outputTokens: 12 }'
    const target = targetAt(url).replace('}', ', cache: { minimumTokens: 16, stepTokens: 16 } }')
    const here = finished(await runHere(scenarioOf(target, probe), { env }))
    const content = seen.map(({ body }) => JSON.parse(body).messages[0].content)
    const pointed = content.filter((parts) => parts.some((part: object) => 'cachePoint' in part))
    const prefixes = new Map<string, number>()
    for (const [first] of pointed) prefixes.set(first.text, (prefixes.get(first.text) ?? 0) + 1)
    // Two blocks, each with a prefix of its own: a prime, and one request behind it.
    expect([...prefixes.values()]).toEqual([2, 2])
    const warm = here.samples.filter(({ asked, warmup }) => asked.cache === 'warm' && !warmup)
    expect(warm).toHaveLength(2)
  })

  it('a bearer token in its variable goes before the keys', async () => {
    const { url, seen } = await server((_, response) => answer(response, 0))
    const target = targetAt(url).replace('apiKeyEnv: null', 'apiKeyEnv: AWS_BEARER_TOKEN_BEDROCK')
    await runHere(scenarioOf(target), { env: { ...env, AWS_BEARER_TOKEN_BEDROCK: 'bedrock-api-key-abc' } })
    expect(seen[0]?.headers['authorization']).toBe('Bearer bedrock-api-key-abc')
  })

  it('a refused signature names the credentials, with the words of the gateway', async () => {
    const { url } = await server((_, response) => {
      response.writeHead(403, { 'content-type': 'application/json' })
      response.end('{"Message":"The security token included in the request is invalid."}')
    })
    const { stop } = finished(await runHere(scenarioOf(targetAt(url)), { env }))
    expect(stop).toMatchObject({ reason: 'unauthorized' })
    expect(stop?.message).toMatch(
      /the AWS credentials.*The security token included in the request is invalid/,
    )
  })

  it('without a region a scenario is refused before anything is sent', async () => {
    const target = '{ name: br, provider: bedrock, model: m }'
    await expect(runHere(scenarioOf(target))).rejects.toThrow(/set region under the target, or AWS_REGION/)
  })
})

describe('ollama and azure', () => {
  it('lines of JSON are measured, load time apart', async () => {
    const { url, seen } = await server((_, response) => {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' })
      const line = (fields: object) => `${JSON.stringify({ model: 'm', ...fields })}\n`
      for (let i = 0; i < 12; i++) response.write(line({ message: { content: ' the' }, done: false }))
      const times = { load_duration: 7e6, prompt_eval_count: 70, prompt_eval_cached_count: 0, eval_count: 12 }
      response.end(line({ message: { content: '' }, done: true, done_reason: 'length', ...times }))
    })
    const here = finished(
      await runHere(
        scenarioOf(`{ name: o, provider: ollama, baseUrl: '${url}', model: m, tokenizer: o200k_base }`),
      ),
    )
    expect(here.samples.map(({ outcome }) => outcome)).toEqual(['ok', 'ok', 'ok'])
    expect(here.samples.at(-1)).toMatchObject({ cacheState: 'confirmed', serverTimings: { loadMs: 7 } })
    expect(seen[0]?.path).toBe('/api/chat')
    const read = await readSnapshot(here.path)
    expect(read).toMatchObject({ ok: true, value: { samples: expect.anything() } })
    expect(JSON.stringify(read)).toContain('"loadMs":7')
  })

  it('Azure: api-key header, or a token of Entra as bearer', async () => {
    const { url, seen } = await server((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const choice = { delta: { content: ' the' }, finish_reason: 'length' }
      response.end(`data: ${JSON.stringify({ choices: [choice] })}\n\ndata: [DONE]\n\n`)
    })
    const at = (name: string, more: string) =>
      `{ name: ${name}, provider: azure, baseUrl: '${url}', model: d, apiVersion: '2024-10-21', ${more} }`
    const key = at('key', 'apiKeyEnv: AZURE_KEY')
    const entra = at('entra', 'apiKeyEnv: AZURE_TOKEN, keyHeader: authorization')
    await runHere(scenarioOf(`${key}\n  - ${entra}`), {
      env: { AZURE_KEY: 'azure-key-1', AZURE_TOKEN: 'entra-token-1' },
    })
    const carried = seen.map(
      ({ headers }) => `${String(headers['api-key'])} ${String(headers['authorization'])}`,
    )
    expect(new Set(carried)).toEqual(new Set(['azure-key-1 undefined', 'undefined Bearer entra-token-1']))
    expect(seen[0]?.path).toBe('/openai/deployments/d/chat/completions?api-version=2024-10-21')
  })

  it("the simulated provider's Ollama and this client agree on tokens, cache, finish and time", async () => {
    const { close, url } = await startSimulator({ profile: 'exact', models: ['m'] })
    onTestFinished(() => close())
    const at = (protocol: string) =>
      `{ name: ${protocol}, provider: ollama, protocol: ${protocol}, baseUrl: '${url}', model: m, tokenizer: o200k_base }`
    const probe = '{ probe: prefix-cache, promptTokens: [512], suffixTokens: 64, outputTokens: 12 }'
    const here = finished(await runHere(scenarioOf(`${at('ollama')}\n  - ${at('ollama-generate')}`, probe)))
    const measured = here.samples.filter(({ warmup }) => !warmup)
    expect(measured.length).toBeGreaterThanOrEqual(8)
    for (const sample of measured) {
      expect(sample).toMatchObject({
        outcome: 'ok',
        outputTokens: 12,
        finishReason: 'length',
        tokenSource: 'usage',
      })
      // The template of the chat adds a handful.
      expect((sample.promptTokens ?? 0) - sample.asked.promptTokens).toBeLessThan(16)
      if (sample.asked.cache === 'warm') expect(sample.cacheState).toBe('confirmed')
      else expect(sample.cachedTokens ?? 0).toBeLessThanOrEqual(64)
      const { prefillMs = NaN, decodeMs = NaN, totalMs = NaN } = sample.serverTimings ?? {}
      expect(prefillMs + decodeMs).toBeLessThanOrEqual(totalMs + 1)
      // Its own time lies within ours, but for the stamps of a busy machine.
      expect(totalMs).toBeLessThanOrEqual((sample.e2e ?? 0) + 1)
    }
  })
})
