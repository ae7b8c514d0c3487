/** The pages of four servers under our names, and what a run makes of them. */
import { describe, expect, it } from 'vitest'
import { readEngine } from '../../src/metrics/engines.js'
import type { TimedReading } from '../../src/metrics/over-run.js'
import { joinByTime, overRun } from '../../src/metrics/over-run.js'
import { sampleOf } from '../snapshot/data.js'

// Names and labels as vLLM 0.9 to 0.27 (V1) shows them; figures made up.
const VLLM = `# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="m"} 3.0
vllm:num_requests_running{engine="1",model_name="m"} 2.0
vllm:num_requests_waiting{engine="0",model_name="m"} 1.0
vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.25
vllm:kv_cache_usage_perc{engine="1",model_name="m"} 0.5
vllm:prefix_cache_queries_total{engine="0",model_name="m"} 1000.0
vllm:prefix_cache_hits_total{engine="0",model_name="m"} 400.0
vllm:request_success_total{engine="0",finished_reason="stop",model_name="m"} 7.0
vllm:request_success_total{engine="0",finished_reason="length",model_name="m"} 3.0
vllm:request_queue_time_seconds_bucket{engine="0",le="0.3",model_name="m"} 10.0
vllm:request_queue_time_seconds_count{engine="0",model_name="m"} 10.0
vllm:request_queue_time_seconds_sum{engine="0",model_name="m"} 0.5
vllm:request_prefill_time_seconds_count{engine="0",model_name="m"} 10.0
vllm:request_prefill_time_seconds_sum{engine="0",model_name="m"} 2.0
vllm:time_to_first_token_seconds_count{engine="0",model_name="m"} 10.0
vllm:time_to_first_token_seconds_sum{engine="0",model_name="m"} 2.5
process_cpu_seconds_total 12.0
`

describe('a page', () => {
  it('of vLLM: its engines together, the fullest cache, finish reasons summed', () => {
    expect(readEngine(VLLM)).toEqual({
      engine: 'vllm',
      running: 5,
      waiting: 1,
      kvUse: 0.5,
      requests: 10,
      cache: { sum: 400, count: 1000 },
      queue: { sum: 0.5, count: 10 },
      prefill: { sum: 2, count: 10 },
      ttft: { sum: 2.5, count: 10 },
    })
  })

  it('of vLLM before V1 has its old names', () => {
    expect(readEngine('vllm:num_requests_running 1\nvllm:gpu_cache_usage_perc 0.1')).toMatchObject({
      engine: 'vllm',
      kvUse: 0.1,
    })
  })

  it('of SGLang', () => {
    const page = `sglang:num_running_reqs{model_name="m"} 4
sglang:num_queue_reqs{model_name="m"} 2
sglang:token_usage{model_name="m"} 0.28
sglang:prompt_tokens_total{model_name="m"} 800
sglang:cached_tokens_total{model_name="m",cache_source="device"} 150
sglang:cached_tokens_total{model_name="m",cache_source="host"} 50
sglang:num_requests_total{model_name="m"} 9
sglang:time_to_first_token_seconds_sum{model_name="m"} 3
sglang:time_to_first_token_seconds_count{model_name="m"} 6`
    expect(readEngine(page)).toEqual({
      engine: 'sglang',
      running: 4,
      waiting: 2,
      kvUse: 0.28,
      requests: 9,
      cache: { sum: 200, count: 800 },
      ttft: { sum: 3, count: 6 },
    })
  })

  it('of llama.cpp: seconds over tokens', () => {
    const page = `llamacpp:prompt_tokens_total 2000
llamacpp:prompt_seconds_total 4
llamacpp:tokens_predicted_total 100
llamacpp:tokens_predicted_seconds_total 5
llamacpp:requests_processing 1
llamacpp:requests_deferred 0`
    expect(readEngine(page)).toEqual({
      engine: 'llama.cpp',
      running: 1,
      waiting: 0,
      prefillTokens: { sum: 4, count: 2000 },
      decodeTokens: { sum: 5, count: 100 },
    })
  })

  it('of TGI: the prefill batches, not the decode ones', () => {
    const page = `tgi_queue_size 3
tgi_batch_current_size 8
tgi_request_success 11
tgi_request_queue_duration_sum 0.2
tgi_request_queue_duration_count 10
tgi_batch_inference_duration_sum{method="prefill"} 1.5
tgi_batch_inference_duration_count{method="prefill"} 5
tgi_batch_inference_duration_sum{method="decode"} 9
tgi_batch_inference_duration_count{method="decode"} 900`
    expect(readEngine(page)).toEqual({
      engine: 'tgi',
      running: 8,
      waiting: 3,
      requests: 11,
      queue: { sum: 0.2, count: 10 },
      prefill: { sum: 1.5, count: 5 },
    })
  })

  it('with a NaN gauge lacks that gauge; of no known server is none', () => {
    expect(readEngine('vllm:num_requests_running NaN\nvllm:num_requests_waiting 0')).toEqual({
      engine: 'vllm',
      waiting: 0,
    })
    expect(readEngine('go_goroutines 12\n')).toBeUndefined()
    expect(readEngine('<html>')).toBeUndefined()
  })
})

const scraped = (readings: readonly TimedReading[]) =>
  overRun({ target: 't', url: 'http://s/metrics', intervalS: 1, failed: 0, readings })

describe('over a run', () => {
  const at = (atMs: number, requests: number, queueS: number, running: number): TimedReading => ({
    atMs,
    engine: 'vllm',
    running,
    requests,
    queue: { sum: queueS, count: requests },
  })

  it('times are means over the requests that were finished in it, gauges over its readings', () => {
    expect(scraped([at(0, 100, 5, 0), at(1000, 102, 5.1, 2), at(2000, 110, 5.5, 4)])).toMatchObject({
      requests: 10,
      queueMs: expect.closeTo(50, 9),
      running: { mean: 2, max: 4 },
      scrapes: 3,
    })
  })

  it('a server that restarts in the middle begins its counters anew: nothing negative comes of it', () => {
    expect(
      scraped([at(0, 100, 5, 0), at(1000, 104, 5.2, 1), at(2000, 0, 0, 0), at(3000, 2, 0.1, 1)]),
    ).toMatchObject({
      requests: 6,
      queueMs: expect.closeTo(50, 9),
    })
  })

  it('without a request finished there is no time, and without a reading nothing', () => {
    expect(scraped([at(0, 100, 5, 0), at(1000, 100, 5, 0)])?.queueMs).toBeUndefined()
    expect(scraped([])).toBeNull()
  })

  it('a sample is given the nearest reading, and none that is further than the interval', () => {
    const metrics = scraped([at(0, 0, 0, 1), at(1000, 0, 0, 2), at(5000, 0, 0, 3)])!
    const samples = [400, 600, 1900, 2100, 4200, 9000].map((atMs) => sampleOf(0, { target: 't', atMs }))
    const joined = joinByTime(samples, [metrics])
    expect(joined.map(({ server }) => server?.running)).toEqual([1, 2, 2, undefined, 3, undefined])
    expect(joinByTime([sampleOf(0, { target: 'other', atMs: 0 })], [metrics])[0]?.server).toBeUndefined()
  })
})
