/** What a target's own metrics said over a run, as it stands in a snapshot. */

export interface Gauge {
  mean: number
  max: number
}

/** Gauges are as they were read; times are means over the requests that the server finished between first and last reading. */
export interface ServerMetrics {
  target: string
  /** `vllm`, `sglang`, `llama.cpp` or `tgi`, by the names that its page holds. */
  engine: string
  url: string
  /** Seconds between two readings. */
  intervalS: number
  scrapes: number
  /** Readings that failed; the run goes on without them. */
  failed: number
  /** Requests worked on, and requests in the queue. */
  running?: Gauge | undefined
  waiting?: Gauge | undefined
  /** Share of the KV cache in use, 0 to 1. */
  kvUse?: Gauge | undefined
  /** Prompt tokens found in the prefix cache, of those looked up. */
  cacheHitShare?: number | undefined
  /** Requests finished, of everybody that asked this server. */
  requests?: number | undefined
  /** Milliseconds a request. */
  queueMs?: number | undefined
  prefillMs?: number | undefined
  decodeMs?: number | undefined
  ttftMs?: number | undefined
  /** Where a server counts seconds and tokens, not requests (llama.cpp). */
  prefillUsPerToken?: number | undefined
  decodeMsPerToken?: number | undefined
  /** In order of time; milliseconds since the run began. */
  readings: readonly Reading[]
}

export interface Reading {
  atMs: number
  running?: number | undefined
  waiting?: number | undefined
  kvUse?: number | undefined
}
