/** Counting prompts beside the timing loop. */
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { countPrompt, type Counted, type Turn } from './count.js'
import type { CountAnswered, CountAsked } from './count-worker.js'

export interface Counter {
  count(turns: readonly Turn[]): Promise<Counted>
  close(): Promise<void>
}

/** Loads the tokenizer first: ready means that the next prompt costs only its own time. */
export async function createCounter(blockTokens: number): Promise<Counter> {
  const script = new URL('./count-worker.js', import.meta.url)
  // Sources that run without being built (tests) have no worker file; they count in this thread.
  return existsSync(script) ? createThreadCounter(script, blockTokens) : createPlainCounter(blockTokens)
}

async function createPlainCounter(blockTokens: number): Promise<Counter> {
  const { encode } = await import('gpt-tokenizer/encoding/o200k_base')
  const asText = { disallowedSpecial: new Set<string>() }
  return {
    count: async (turns) => countPrompt(turns, blockTokens, (text) => encode(text, asText)),
    close: async () => {},
  }
}

async function createThreadCounter(script: URL, blockTokens: number): Promise<Counter> {
  const worker = new Worker(script)
  await once(worker, 'message')
  const asked = new Map<number, { resolve: (counted: Counted) => void; reject: (error: Error) => void }>()
  let nextId = 0
  let failure: Error | undefined
  worker.on('message', ({ id, ...counted }: CountAnswered) => {
    asked.get(id)?.resolve(counted)
    asked.delete(id)
  })
  worker.on('error', (error) => {
    failure = error
    for (const { reject } of asked.values()) reject(error)
    asked.clear()
  })
  return {
    count: (turns) =>
      new Promise((resolve, reject) => {
        if (failure) reject(failure)
        const id = nextId++
        asked.set(id, { resolve, reject })
        worker.postMessage({ id, turns, blockTokens } satisfies CountAsked)
      }),
    async close() {
      await worker.terminate()
    },
  }
}
