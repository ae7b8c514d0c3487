/** What the tests with official clients share: what is asked, and a server that refuses much of it. */
import { startSimulator, type Simulator } from '../../src/simulate/server.js'

const KEY_ENV = 'CLIENTS_KEY'
export const key = 'key-of-the-clients'
export const model = 'exact'
export const set = { base: 1, fresh: 0, hit: 0, tpot: 0.2, reasoningTokens: 4 }
export const long = 'The wall stands by the river and the bridge. '.repeat(40)
export const parameters = {
  type: 'object',
  properties: { city: { type: 'string' }, days: { type: 'integer' } },
  required: ['city', 'days'],
} as const

/** One that asks for a key, has little context and takes 6 requests a minute of a key. */
export async function withStrict(use: (strict: Simulator) => Promise<void>): Promise<void> {
  process.env[KEY_ENV] = key
  const strict = await startSimulator({
    profile: 'exact',
    set: { ...set, contextTokens: 200 },
    apiKeyEnv: KEY_ENV,
    requestsPerMinute: 6,
  })
  try {
    await use(strict)
  } finally {
    await strict.close()
  }
}

/** The same request until its key's limit of 6 a minute is spent. */
export async function until429<T>(ask: () => Promise<T>): Promise<unknown> {
  for (let i = 0; i < 8; i++) {
    const failed: unknown = await ask().then(
      () => undefined,
      (error: unknown) => error,
    )
    if (statusOf(failed) === 429) return failed
  }
  return undefined
}

function statusOf(error: unknown): unknown {
  if (typeof error !== 'object' || error === null) return undefined
  return 'status' in error ? error.status : 'status_code' in error ? error.status_code : undefined
}
