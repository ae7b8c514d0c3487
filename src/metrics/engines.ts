/** What the metrics of each inference server are called, and what they mean in our words. */
import type { Exposition, Series } from './prometheus.js'
import { parsePrometheus } from './prometheus.js'

export interface Histogram {
  /** Base name; `_sum` is in seconds. */
  name: string
  /** Only series with these labels. */
  labels?: Readonly<Record<string, string>> | undefined
}

/** Each list from the newest name to the oldest; the first that the page holds is read. Null: not to be had. */
export interface Engine {
  name: string
  /** A name that begins so is this server's. */
  prefix: string
  running: readonly string[]
  waiting: readonly string[]
  kvUse: readonly string[]
  /** Counters of tokens: found in the prefix cache, and looked up. */
  cacheHits: readonly string[]
  cacheQueries: readonly string[]
  requests: readonly string[]
  queue: Histogram | null
  prefill: Histogram | null
  decode: Histogram | null
  ttft: Histogram | null
  /** Counters of seconds and of the tokens that they went into. */
  prefillTotals: { seconds: string; tokens: string } | null
  decodeTotals: { seconds: string; tokens: string } | null
}

/**
 * vLLM: docs "Production Metrics" (V1 counts prefix-cache tokens; before it the names began with gpu_). SGLang: docs
 * "Production Metrics" (--enable-metrics). llama.cpp: tools/server/README.md (--metrics). TGI: docs "Metrics".
 */
const engines: readonly Engine[] = [
  {
    name: 'vllm',
    prefix: 'vllm:',
    running: ['vllm:num_requests_running'],
    waiting: ['vllm:num_requests_waiting'],
    kvUse: ['vllm:kv_cache_usage_perc', 'vllm:gpu_cache_usage_perc'],
    cacheHits: ['vllm:prefix_cache_hits_total', 'vllm:prefix_cache_hits', 'vllm:gpu_prefix_cache_hits_total'],
    cacheQueries: [
      'vllm:prefix_cache_queries_total',
      'vllm:prefix_cache_queries',
      'vllm:gpu_prefix_cache_queries_total',
    ],
    requests: ['vllm:request_success_total'],
    queue: { name: 'vllm:request_queue_time_seconds' },
    prefill: { name: 'vllm:request_prefill_time_seconds' },
    decode: { name: 'vllm:request_decode_time_seconds' },
    ttft: { name: 'vllm:time_to_first_token_seconds' },
    prefillTotals: null,
    decodeTotals: null,
  },
  {
    name: 'sglang',
    prefix: 'sglang:',
    running: ['sglang:num_running_reqs'],
    waiting: ['sglang:num_queue_reqs'],
    kvUse: ['sglang:token_usage'],
    cacheHits: ['sglang:cached_tokens_total'],
    cacheQueries: ['sglang:prompt_tokens_total'],
    requests: ['sglang:num_requests_total'],
    queue: { name: 'sglang:queue_time_seconds' },
    prefill: null,
    decode: null,
    ttft: { name: 'sglang:time_to_first_token_seconds' },
    prefillTotals: null,
    decodeTotals: null,
  },
  {
    name: 'llama.cpp',
    prefix: 'llamacpp:',
    running: ['llamacpp:requests_processing'],
    waiting: ['llamacpp:requests_deferred'],
    kvUse: ['llamacpp:kv_cache_usage_ratio'],
    cacheHits: [],
    cacheQueries: [],
    requests: [],
    queue: null,
    prefill: null,
    decode: null,
    ttft: null,
    prefillTotals: { seconds: 'llamacpp:prompt_seconds_total', tokens: 'llamacpp:prompt_tokens_total' },
    decodeTotals: {
      seconds: 'llamacpp:tokens_predicted_seconds_total',
      tokens: 'llamacpp:tokens_predicted_total',
    },
  },
  {
    name: 'tgi',
    prefix: 'tgi_',
    running: ['tgi_batch_current_size'],
    waiting: ['tgi_queue_size'],
    kvUse: [],
    cacheHits: [],
    cacheQueries: [],
    requests: ['tgi_request_success', 'tgi_request_count'],
    queue: { name: 'tgi_request_queue_duration' },
    prefill: { name: 'tgi_batch_inference_duration', labels: { method: 'prefill' } },
    decode: null,
    ttft: null,
    prefillTotals: null,
    decodeTotals: null,
  },
]

/** A cumulative sum and the count behind it. */
export interface Total {
  sum: number
  count: number
}

/** One page as read: gauges now, everything else since the server began. */
export interface EngineReading {
  engine: string
  running?: number | undefined
  waiting?: number | undefined
  kvUse?: number | undefined
  requests?: number | undefined
  /** Tokens found in the cache, of those looked up. */
  cache?: Total | undefined
  /** Seconds over requests. */
  queue?: Total | undefined
  prefill?: Total | undefined
  decode?: Total | undefined
  ttft?: Total | undefined
  /** Seconds over tokens. */
  prefillTokens?: Total | undefined
  decodeTokens?: Total | undefined
}

/** Undefined where the page is of no server that is known here. */
export function readEngine(page: string): EngineReading | undefined {
  const { series }: Exposition = parsePrometheus(page, isKnown)
  const engine = engines.find(({ prefix }) => series.some(({ name }) => name.startsWith(prefix)))
  if (engine === undefined) return undefined
  const pair = (sums: readonly string[], counts: readonly string[], labels = {}): Total | undefined => {
    const sum = valueOf(series, sums, labels)
    const count = valueOf(series, counts, labels)
    return sum === undefined || count === undefined ? undefined : { sum, count }
  }
  const histogram = (of: Histogram | null): Total | undefined =>
    of === null ? undefined : pair([`${of.name}_sum`], [`${of.name}_count`], of.labels)
  const totals = (of: Engine['prefillTotals']): Total | undefined =>
    of === null ? undefined : pair([of.seconds], [of.tokens])
  return {
    engine: engine.name,
    running: valueOf(series, engine.running),
    waiting: valueOf(series, engine.waiting),
    // Of several replicas behind one page the fullest is the one that matters.
    kvUse: valueOf(series, engine.kvUse, {}, largest),
    requests: valueOf(series, engine.requests),
    cache: pair(engine.cacheHits, engine.cacheQueries),
    queue: histogram(engine.queue),
    prefill: histogram(engine.prefill),
    decode: histogram(engine.decode),
    ttft: histogram(engine.ttft),
    prefillTokens: totals(engine.prefillTotals),
    decodeTokens: totals(engine.decodeTotals),
  }
}

/** Of the first name that the page holds, its series taken together. */
function valueOf(
  series: readonly Series[],
  names: readonly string[],
  labels: Readonly<Record<string, string>> = {},
  together: (values: readonly number[]) => number = sum,
): number | undefined {
  for (const name of names) {
    const values = valuesOf(series, name, labels)
    if (values.length > 0) return together(values)
  }
  return undefined
}

/** NaN and infinities are no readings. */
function valuesOf(
  series: readonly Series[],
  name: string,
  labels: Readonly<Record<string, string>>,
): number[] {
  const wanted = Object.entries(labels)
  return series
    .filter((each) => each.name === name && wanted.every(([key, value]) => each.labels[key] === value))
    .map(({ value }) => value)
    .filter(Number.isFinite)
}

const largest = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), -Infinity)
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

/** Buckets are most of a page and are not read. */
const isKnown = (name: string): boolean =>
  !name.endsWith('_bucket') && engines.some(({ prefix }) => name.startsWith(prefix))
