/** One experiment over every hosted protocol, against the simulated provider's own faces: keys, caches and usage end to end. */
import { expect, it } from 'vitest'
import { startSimulator } from '../../src/simulate/server.js'
import { readSnapshot } from '../../src/snapshot/format.js'
import { finished, runHere } from './run-here.js'

const KEY = 'key-of-the-protocols-test'
const PROTOCOLS = ['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini'] as const

it('a warm prefix is primed, met and proven over 4 protocols, each with its key where it belongs', async () => {
  process.env['SIMULATED_PROTOCOLS_KEY'] = KEY
  const set = { baseMs: 4, freshUs: 2, hitUs: 0, tpotMs: 1 }
  const simulator = await startSimulator({ profile: 'exact', set, apiKeyEnv: 'SIMULATED_PROTOCOLS_KEY' })
  const target = (protocol: string) =>
    `{ name: ${protocol}, protocol: ${protocol}, model: exact, tokenizer: o200k_base, apiKeyEnv: HELD_KEY, ` +
    `cache: { minimumTokens: 16, stepTokens: 16, reported: true }, ` +
    `baseUrl: '${simulator.url}${protocol === 'gemini' ? '/v1beta' : '/v1'}' }`
  try {
    const here = await runHere(
      `targets:\n${PROTOCOLS.map((protocol) => `  - ${target(protocol)}\n`).join('')}` +
        'probes:\n  - { probe: prefix-cache, promptTokens: [600], outputTokens: 16, blocks: 2 }\nwarmup: { requests: 1 }\n',
      { env: { HELD_KEY: KEY } },
    )
    const { stop, path } = finished(here)
    expect(stop).toBeNull()
    const read = await readSnapshot(path)
    if (!read.ok) throw new Error('the snapshot cannot be read')
    const { samples } = read.value
    expect(samples.filter(({ outcome }) => outcome !== 'ok')).toEqual([])
    for (const protocol of PROTOCOLS) {
      const own = samples.filter((sample) => sample.target === protocol)
      const measured = own.filter(({ warmup }) => !warmup)
      const warm = measured.filter(({ asked }) => asked.cache === 'warm')
      expect(measured).toHaveLength(4)
      expect(warm).toHaveLength(2)
      for (const sample of measured)
        expect(sample).toMatchObject({ cacheState: 'confirmed', outputTokens: 16 })
      for (const { cachedTokens } of warm) expect(cachedTokens).toBeGreaterThanOrEqual(536 - 32)
    }
    // What is written is told by the provider that charges for it: by the primes, and by nothing fresh.
    const written = samples.filter(({ cacheWriteTokens = 0 }) => cacheWriteTokens > 0)
    expect(new Set(written.map((sample) => sample.target))).toEqual(new Set(['anthropic-messages']))
    const primes = written.filter(({ warmup }) => warmup)
    expect(primes).toHaveLength(2)
    for (const { cacheWriteTokens, cacheWritesByLifetime } of primes)
      expect(cacheWritesByLifetime?.['5m']).toBe(cacheWriteTokens)
    expect(JSON.stringify(read.value)).not.toContain(KEY)
  } finally {
    await simulator.close()
  }
})
