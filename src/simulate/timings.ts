/** The times that llama.cpp and Ollama report in their bodies, from the truth of a request. */
import type { End } from './face.js'

export interface ServerTimes {
  /** Front end or gateway: what Ollama calls loading. */
  readonly loadMs: number
  readonly queueMs: number
  readonly promptMs: number
  readonly outputMs: number
  readonly totalMs: number
}

export function serverTimes({ outcome }: End): ServerTimes {
  const { gateway, network, queue } = outcome.phases
  return {
    loadMs: gateway,
    queueMs: queue,
    promptMs: Math.max(0, outcome.ttftMs - gateway - network - queue),
    outputMs: outcome.e2eMs - outcome.ttftMs,
    totalMs: outcome.e2eMs - network,
  }
}

/** llama.cpp's `timings` (llama-server, `result_timings`): prompt_n counts what was not in the cache. */
export function timingsBody(end: End): object {
  const { promptMs, outputMs } = serverTimes(end)
  const { promptTokens, cachedTokens, outputTokens } = end.usage
  const fresh = promptTokens - cachedTokens
  return {
    cache_n: cachedTokens,
    prompt_n: fresh,
    prompt_ms: promptMs,
    prompt_per_token_ms: promptMs / fresh,
    prompt_per_second: perSecond(fresh, promptMs),
    predicted_n: outputTokens,
    predicted_ms: outputMs,
    predicted_per_token_ms: outputMs / outputTokens,
    predicted_per_second: perSecond(outputTokens, outputMs),
  }
}

function perSecond(tokens: number, ms: number): number {
  return ms === 0 ? 0 : (1000 * tokens) / ms
}
