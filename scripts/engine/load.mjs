// @ts-check
/** Open-loop load on llama.cpp's server: what the client's clock saw of each request, and what the engine says of it. */
import { request } from 'node:http'

/**
 * `queueMs` is the time that neither the way there nor the engine's prefill explains.
 * @typedef {{
 *   startMs: number, ttftMs: number, durationMs: number,
 *   promptTokens: number, cachedTokens: number, outputTokens: number, promptMs: number, predictedMs: number,
 * }} Record
 * @typedef {{ requests: number, ratePerS: number, promptTokens: [number, number], outputTokens: [number, number] }} Load
 */

const WORDS =
  'river stone light garden window paper silver morning market winter bridge letter forest candle harbour'.split(
    ' ',
  )

/**
 * Sends requests at Poisson moments, whatever became of those before; lengths are log-uniform. `random` gives [0, 1).
 * @param {string} origin @param {Load} load @param {() => number} random @param {(line: string) => void} say
 * @returns {Promise<Record[]>}
 */
export async function underLoad(origin, { requests, ratePerS, promptTokens, outputTokens }, random, say) {
  /** @type {Promise<Record>[]} */
  const open = []
  let dueMs = performance.now()
  let done = 0
  for (let i = 0; i < requests; i++) {
    dueMs += (-Math.log(1 - random()) / ratePerS) * 1000
    const words = Math.round(between(promptTokens, random))
    // No two prompts share a beginning, so that no cache serves a part of one.
    const prompt = Array.from({ length: words }, () => WORDS[Math.floor(random() * WORDS.length)]).join(' ')
    const asked = Math.round(between(outputTokens, random))
    await new Promise((resolve) => setTimeout(resolve, dueMs - performance.now()))
    const sent = send(origin, `${Math.floor(random() * 1e9)} ${prompt}`, asked)
    sent.then(
      () => ++done % 20 === 0 && say(`${done} of ${requests} requests answered`),
      () => undefined,
    )
    open.push(sent)
  }
  return Promise.all(open)
}

/** @param {[number, number]} range @param {() => number} random */
function between([low, high], random) {
  return low * (high / low) ** random()
}

/** @param {string} origin @param {string} prompt @param {number} outputTokens @returns {Promise<Record>} */
function send(origin, prompt, outputTokens) {
  const body = JSON.stringify({
    messages: [{ role: 'user', content: prompt }],
    max_tokens: outputTokens,
    stream: true,
    stream_options: { include_usage: true },
    ignore_eos: true,
  })
  return new Promise((resolve, reject) => {
    const startMs = performance.timeOrigin + performance.now()
    const sent = request(`${origin}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      agent: false,
    })
    sent.once('error', reject)
    sent.once('response', (response) => {
      let text = ''
      let [firstMs, lastMs] = [NaN, NaN]
      /** @type {any} what a server wrote */
      let end = {}
      response.setEncoding('utf8')
      response.once('error', reject)
      response.on('data', (/** @type {string} */ piece) => {
        const nowMs = performance.timeOrigin + performance.now()
        text += piece
        const lines = text.split('\n')
        text = lines.pop() ?? ''
        for (const line of lines) {
          if (!line.startsWith('data: {')) continue
          const event = JSON.parse(line.slice(6))
          if (event.choices?.[0]?.delta?.content) {
            if (Number.isNaN(firstMs)) firstMs = nowMs
            lastMs = nowMs
          }
          end = {
            ...end,
            ...(event.usage && { usage: event.usage }),
            ...(event.timings && { timings: event.timings }),
          }
        }
      })
      response.once('end', () => {
        const { usage, timings } = end
        if (usage === undefined || timings === undefined || Number.isNaN(firstMs))
          return reject(new Error(`no whole answer (status ${response.statusCode}): ${text.slice(0, 200)}`))
        resolve({
          startMs,
          ttftMs: firstMs - startMs,
          durationMs: lastMs - startMs,
          promptTokens: usage.prompt_tokens,
          cachedTokens: timings.cache_n ?? usage.prompt_tokens - timings.prompt_n,
          outputTokens: usage.completion_tokens,
          promptMs: timings.prompt_ms,
          predictedMs: timings.predicted_ms,
        })
      })
    })
    sent.end(body)
  })
}
