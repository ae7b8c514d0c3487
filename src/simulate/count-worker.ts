/** The thread that counts prompts, so that a long one never delays a token of somebody else. */
import { parentPort } from 'node:worker_threads'
import { encode } from 'gpt-tokenizer/encoding/o200k_base'
import { countPrompt, type Counted, type Turn } from './count.js'

export interface CountAsked {
  readonly id: number
  readonly turns: readonly Turn[]
  readonly blockTokens: number
}

export interface CountAnswered extends Counted {
  readonly id: number
}

/** Text that looks like a special token is text. */
const asText = { disallowedSpecial: new Set<string>() }

parentPort?.on('message', ({ id, turns, blockTokens }: CountAsked) => {
  const counted = countPrompt(turns, blockTokens, (text) => encode(text, asText))
  const answer: CountAnswered = { id, ...counted }
  parentPort?.postMessage(answer, [counted.hashes.buffer])
})
// The first encoding builds tables; nobody should wait for that.
encode('ready')
const ready: CountAnswered = { id: -1, promptTokens: 0, markedTokens: 0, hashes: new Float64Array(0) }
parentPort?.postMessage(ready)
