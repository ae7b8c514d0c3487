/** What vLLM shows at `/metrics`, in Prometheus text, under vLLM's names (vllm/v1/metrics/loggers.py). */
import type { FinishReason, Usage } from './face.js'
import type { Outcome, ServiceLoad } from './job.js'

export interface Metrics {
  /** One request that ended well. */
  observe(reason: FinishReason, usage: Usage, outcome: Outcome): void
  render(model: string, load: Pick<ServiceLoad, 'running' | 'waiting' | 'kvUsage'>): string
}

/** vLLM's own bounds, seconds. */
const REQUEST_BOUNDS = [
  0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680,
]
const FIRST_BOUNDS = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640,
  2560,
]
const TOKEN_BOUNDS = [
  0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80,
]

/** Each with its bounds and how its seconds follow from the truth of a request. */
const HISTOGRAMS: Readonly<
  Record<string, readonly [bounds: readonly number[], ms: (request: Ended) => number]>
> = {
  time_to_first_token_seconds: [FIRST_BOUNDS, ({ outcome }) => outcome.ttftMs - outcome.phases.network],
  request_time_per_output_token_seconds: [TOKEN_BOUNDS, (request) => decodeMs(request) / gaps(request)],
  e2e_request_latency_seconds: [REQUEST_BOUNDS, ({ outcome }) => outcome.e2eMs - outcome.phases.network],
  request_queue_time_seconds: [REQUEST_BOUNDS, ({ outcome }) => outcome.phases.queue],
  request_prefill_time_seconds: [REQUEST_BOUNDS, (request) => inferenceMs(request) - decodeMs(request)],
  request_decode_time_seconds: [REQUEST_BOUNDS, decodeMs],
  request_inference_time_seconds: [REQUEST_BOUNDS, inferenceMs],
}

interface Ended {
  readonly usage: Usage
  readonly outcome: Outcome
}

function decodeMs({ outcome }: Ended): number {
  return outcome.e2eMs - outcome.ttftMs
}

function inferenceMs({ outcome: { e2eMs, phases } }: Ended): number {
  return Math.max(0, e2eMs - phases.network - phases.gateway - phases.queue)
}

function gaps({ usage }: Ended): number {
  return Math.max(1, usage.outputTokens - 1)
}

interface Histogram {
  readonly name: string
  readonly ms: (request: Ended) => number
  readonly bounds: readonly number[]
  readonly counts: number[]
  sum: number
  count: number
}

export function createMetrics(): Metrics {
  const histograms = Object.entries(HISTOGRAMS).map(([name, [bounds, ms]]): Histogram => {
    return { name, bounds, ms, counts: bounds.map(() => 0), sum: 0, count: 0 }
  })
  const counters = {
    prompt_tokens_total: 0,
    generation_tokens_total: 0,
    prefix_cache_queries_total: 0,
    prefix_cache_hits_total: 0,
    num_preemptions_total: 0,
  }
  const ended: Record<FinishReason, number> = { stop: 0, length: 0, tool: 0 }

  return {
    observe(reason, usage, outcome) {
      counters.prompt_tokens_total += usage.promptTokens
      counters.generation_tokens_total += usage.outputTokens
      // vLLM counts tokens here, not blocks or requests.
      counters.prefix_cache_queries_total += usage.promptTokens
      counters.prefix_cache_hits_total += usage.cachedTokens
      counters.num_preemptions_total += outcome.preemptions
      ended[reason]++
      for (const histogram of histograms) count(histogram, histogram.ms({ usage, outcome }) / 1000)
    },
    render(model, load) {
      const label = `model_name="${model.replaceAll(/["\\\n]/g, '_')}",engine="0"`
      const lines: string[] = []
      const put = (name: string, type: string, value: number, more = ''): void => {
        const family = type === 'counter' ? name.replace(/_total$/, '') : name
        lines.push(`# TYPE vllm:${family} ${type}`, `vllm:${name}{${label}${more}} ${value}`)
      }
      put('num_requests_running', 'gauge', load.running)
      put('num_requests_waiting', 'gauge', load.waiting)
      put('kv_cache_usage_perc', 'gauge', load.kvUsage)
      for (const [name, value] of Object.entries(counters)) put(name, 'counter', value)
      lines.push('# TYPE vllm:request_success counter')
      const success = { stop: ended.stop + ended.tool, length: ended.length, abort: 0 }
      for (const [reason, value] of Object.entries(success)) {
        lines.push(`vllm:request_success_total{${label},finished_reason="${reason}"} ${value}`)
      }
      for (const histogram of histograms) lines.push(...renderHistogram(histogram, label))
      return `${lines.join('\n')}\n`
    },
  }
}

function count(histogram: Histogram, value: number): void {
  histogram.sum += value
  histogram.count++
  for (const [at, bound] of histogram.bounds.entries()) if (value <= bound) histogram.counts[at]!++
}

function renderHistogram({ name, bounds, counts, sum, count: all }: Histogram, label: string): string[] {
  const bucket = (bound: string, value: number): string =>
    `vllm:${name}_bucket{${label},le="${bound}"} ${value}`
  return [
    `# TYPE vllm:${name} histogram`,
    ...bounds.map((bound, at) => bucket(Number.isInteger(bound) ? `${bound}.0` : String(bound), counts[at]!)),
    bucket('+Inf', all),
    `vllm:${name}_count{${label}} ${all}`,
    `vllm:${name}_sum{${label}} ${sum}`,
  ]
}
