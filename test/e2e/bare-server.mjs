// @ts-check
/** A chat server of fixed pacing on bare node:http, in a process of its own: no line of it is shared with the simulator. */
import { createServer } from 'node:http'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'

/** @type {{ baseMs: number, freshUs: number, tpotMs: number }} */
const law = JSON.parse(process.argv[2] ?? '{}')
countTokens('The vocabulary is unfolded before the first request.')

/** @param {number} atMs */
async function until(atMs) {
  const restMs = atMs - performance.now()
  if (restMs > 3) await new Promise((resolve) => setTimeout(resolve, restMs - 3))
  while (performance.now() < atMs) await new Promise((resolve) => setImmediate(resolve))
}

const server = createServer((request, response) => {
  let text = ''
  request.setEncoding('utf8').on('data', (part) => (text += part))
  request.on('end', () => {
    const arrivedMs = performance.now()
    answer(JSON.parse(text), arrivedMs, response).catch(() => response.destroy())
  })
})

/**
 * @param {{ model: string, messages: { content: string }[], max_tokens?: number, max_completion_tokens?: number }} asked
 * @param {number} arrivedMs
 * @param {import('node:http').ServerResponse} response
 */
async function answer(asked, arrivedMs, response) {
  const promptTokens = asked.messages.reduce((sum, { content }) => sum + countTokens(content), 0)
  const outputTokens = asked.max_completion_tokens ?? asked.max_tokens ?? 16
  const dueMs = arrivedMs + law.baseMs + (promptTokens * law.freshUs) / 1000
  /** @param {object} fields */
  const event = (fields) =>
    `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', model: asked.model, ...fields })}\n\n`
  /** @param {object} delta @param {string | null} [reason] */
  const choice = (delta, reason = null) => event({ choices: [{ index: 0, delta, finish_reason: reason }] })
  response.socket?.setNoDelay(true)
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write(choice({ role: 'assistant', content: '' })) // says nothing: it must not end TTFT
  for (let i = 0; i < outputTokens; i++) {
    await until(dueMs + i * law.tpotMs)
    response.write(choice({ content: ' lead' })) // one token of this vocabulary
  }
  response.write(choice({}, 'length'))
  response.write(
    event({ choices: [], usage: { prompt_tokens: promptTokens, completion_tokens: outputTokens } }),
  )
  response.end('data: [DONE]\n\n')
}

server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (typeof address === 'object') process.stdout.write(`${address?.port}\n`)
})
