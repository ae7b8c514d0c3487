import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSimulator, type Simulator } from '../../src/simulate/server.js'

let simulator: Simulator
beforeAll(async () => {
  simulator = await startSimulator({ profile: '8b-h100', set: { noise: 0 } })
})
afterAll(() => simulator.close())

const long = 'The wall stands by the river and the bridge. '.repeat(60)

async function complete(content: string, maxTokens: number): Promise<void> {
  const response = await fetch(`${simulator.url}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model: '8b-h100', max_tokens: maxTokens, messages: [{ role: 'user', content }] }),
  })
  expect(response.status).toBe(200)
  await response.text()
}

/** Samples of Prometheus text by their whole name, labels and all but the model's. */
async function scrape(): Promise<Map<string, number>> {
  const response = await fetch(`${simulator.url}/metrics`)
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  const samples = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    samples.map((line) => {
      const [, name = '', labels = '', value = ''] = /^([a-z\d_:]+)\{(.*)\} (\S+)$/.exec(line) ?? []
      const rest = labels.replace('model_name="8b-h100",engine="0"', '').replace(/^,/, '')
      return [rest === '' ? name : `${name}{${rest}}`, Number(value)]
    }),
  )
}

describe('/metrics in the words of vLLM', () => {
  it('counts tokens, cache queries and hits, ends and times of two requests with one prefix', async () => {
    await complete(long, 10)
    await complete(long, 10)
    const samples = await scrape()
    const prompt = samples.get('vllm:prompt_tokens_total')!
    expect(prompt).toBeGreaterThan(1000)
    expect(samples.get('vllm:generation_tokens_total')).toBe(20)
    expect(samples.get('vllm:prefix_cache_queries_total')).toBe(prompt)
    // The second hits all whole blocks but the last token.
    expect(samples.get('vllm:prefix_cache_hits_total')).toBe(Math.floor((prompt / 2 - 1) / 16) * 16)
    expect(samples.get('vllm:request_success_total{finished_reason="length"}')).toBe(2)
    for (const name of [
      'time_to_first_token_seconds',
      'request_queue_time_seconds',
      'request_prefill_time_seconds',
      'request_decode_time_seconds',
      'e2e_request_latency_seconds',
    ]) {
      expect([name, samples.get(`vllm:${name}_count`)]).toEqual([name, 2])
      expect(samples.get(`vllm:${name}_bucket{le="+Inf"}`)).toBe(2)
    }
    const seconds = (name: string): number => samples.get(`vllm:${name}_sum`)!
    expect(seconds('e2e_request_latency_seconds')).toBeCloseTo(
      seconds('time_to_first_token_seconds') + seconds('request_decode_time_seconds'),
      9,
    )
    expect(seconds('request_inference_time_seconds')).toBeCloseTo(
      seconds('request_prefill_time_seconds') + seconds('request_decode_time_seconds'),
      9,
    )
  })

  it('shows who runs and how much of the KV cache is held, and nothing when idle', async () => {
    const answer = complete(long, 40)
    await expect.poll(async () => (await scrape()).get('vllm:num_requests_running'), { interval: 5 }).toBe(1)
    expect((await scrape()).get('vllm:kv_cache_usage_perc')).toBeGreaterThan(0)
    await answer
    const idle = await scrape()
    expect(
      ['vllm:num_requests_running', 'vllm:num_requests_waiting', 'vllm:kv_cache_usage_perc'].map((name) =>
        idle.get(name),
      ),
    ).toEqual([0, 0, 0])
  })

  it('buckets are cumulative and their bounds ascend', async () => {
    const samples = [...(await scrape())].filter(([name]) =>
      name.startsWith('vllm:time_to_first_token_seconds_bucket'),
    )
    const counts = samples.map(([, value]) => value)
    expect(counts).toEqual(counts.toSorted((a, b) => a - b))
    const bounds = samples.map(([name]) => Number(/le="(.*)"/.exec(name)![1]!.replace('+Inf', 'Infinity')))
    expect(bounds).toEqual(bounds.toSorted((a, b) => a - b))
  })
})

describe('limits and headers', () => {
  it('tokens of a key run out too: 429 says so, with the headers of both buckets', async () => {
    const limited = await startSimulator({
      profile: 'exact',
      set: { base: 1, tpot: 0.1, keyRequestsPerMinute: 100, keyTokensPerMinute: 120 },
    })
    const post = (key: string): Promise<Response> =>
      fetch(`${limited.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}` },
        body: JSON.stringify({
          model: 'exact',
          max_tokens: 90,
          messages: [{ role: 'user', content: 'Hello there.' }],
        }),
      })
    const first = await post('a')
    const second = await post('a')
    expect([first.status, second.status, (await post('b')).status]).toEqual([200, 429, 200])
    expect(first.headers.get('x-ratelimit-remaining-tokens')).toBe('20')
    expect(first.headers.get('x-ratelimit-remaining-requests')).toBe('99')
    expect(await second.json()).toMatchObject({ error: { type: 'tokens', code: 'rate_limit_exceeded' } })
    // 80 tokens are wanting at 2 a second.
    expect(Number(second.headers.get('retry-after'))).toBeGreaterThanOrEqual(39)
    await limited.close()
  })

  it('the gateway’s time is in the front proxy’s header and not in the processing time', async () => {
    const hosted = await startSimulator({
      profile: 'exact',
      set: { base: 1, tpot: 0.1, gatewayMs: 40, regions: [{ name: 'frankfurt', rttMs: 0, rttP95Ms: 0 }] },
    })
    const response = await fetch(`${hosted.url}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({
        model: 'exact',
        max_tokens: 3,
        messages: [{ role: 'user', content: 'Hello there.' }],
      }),
    })
    const proxyMs = Number(response.headers.get('x-envoy-upstream-service-time'))
    const processingMs = Number(response.headers.get('openai-processing-ms'))
    // The simulator counts its base as gateway too.
    expect(proxyMs - processingMs).toBeGreaterThanOrEqual(40)
    expect(response.headers.get('cf-ray')).toMatch(/^[0-9a-f]{16}-FRA$/)
    await hosted.close()
  })

  it('llama.cpp timings stand at the end of a local answer, and count fresh tokens only', async () => {
    const local = await startSimulator({
      profile: 'exact',
      set: { base: 1, fresh: 10, tpot: 0.5, reportsTimings: true },
    })
    const post = async (): Promise<Record<string, number>> => {
      const response = await fetch(`${local.url}/v1/chat/completions`, {
        method: 'POST',
        body: JSON.stringify({ model: 'exact', max_tokens: 5, messages: [{ role: 'user', content: long }] }),
      })
      const { timings } = (await response.json()) as { timings: Record<string, number> }
      return timings
    }
    const cold = await post()
    const warm = await post()
    expect(cold['cache_n']).toBe(0)
    expect(warm['cache_n']! + warm['prompt_n']!).toBe(cold['prompt_n'])
    expect(cold['predicted_n']).toBe(5)
    expect(cold['predicted_ms']).toBeCloseTo(2, 3)
    expect(cold['prompt_ms']).toBeCloseTo(cold['prompt_n']! * 0.01, 3)
    await local.close()
  })
})
