import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createPromptBuilder, explainTooShort, type PromptResult } from '../../src/prompt/builder.js'
import { nonceFor } from '../../src/prompt/nonce.js'
import { words } from '../../src/prompt/words.js'
import type { ExactTokenizerName } from '../../src/tokens/tokenizer.js'
import { loadTokenizer, tokenizerNames } from '../../src/tokens/load-tokenizer.js'

const exactNames: readonly ExactTokenizerName[] = ['o200k_base', 'cl100k_base']

function built(result: PromptResult) {
  if (!result.ok) throw new Error(explainTooShort(result.error))
  return result.prompt
}

const seeds = fc.record({ seed: fc.nat(), runId: fc.uuid(), index: fc.nat(1e6) })
const nonceOf = ({ seed, runId, index }: { seed: number; runId: string; index: number }) =>
  nonceFor(seed, runId, index)

/** How many leading ids two encodings share. */
function shared(a: readonly number[], b: readonly number[]): number {
  const end = Math.min(a.length, b.length)
  for (let i = 0; i < end; i++) if (a[i] !== b[i]) return i
  return end
}

describe.each(tokenizerNames)('prompts by %s', async (name) => {
  const tokenizer = await loadTokenizer(name)
  const builder = createPromptBuilder(tokenizer)

  test('every word of the vocabulary is one token behind a blank, and at most 3 at the very start', () => {
    const wrong = Object.values(words)
      .flat()
      .filter((word) => tokenizer.count(` ${word}`) !== 1 || tokenizer.count(word) > 3)
    expect(wrong).toEqual([])
  })

  test('a fresh prompt of 16 to 20,000 tokens has exactly that many', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.integer({ min: 16, max: 200 }), fc.integer({ min: 16, max: 20_000 })),
        seeds,
        (tokens, seed) => {
          const prompt = built(builder.freshPrompt({ tokens, nonce: nonceOf(seed) }))
          expect(prompt).toEqual({ text: prompt.text, tokens, prefixTokens: 0, prefixCharacters: 0 })
          expect(tokenizer.count(prompt.text)).toBe(tokens)
          if (tokenizer.exact) expect(tokenizer.encode(prompt.text).length).toBe(tokens)
        },
      ),
      { numRuns: 60 },
    )
  })

  test('every length from 16 to 120 can be built, fresh and as a suffix', () => {
    for (let tokens = 16; tokens <= 120; tokens++) {
      const nonce = nonceFor(1, 'run', tokens)
      const [prefixTokens, prefixNonce] = [tokens - 4, nonceFor(1, 'run', `prefix/${tokens}`)]
      expect(tokenizer.count(built(builder.freshPrompt({ tokens, nonce })).text)).toBe(tokens)
      const warm = { tokens: prefixTokens + tokens - 2, prefixTokens, prefixNonce, nonce }
      expect(tokenizer.count(built(builder.warmPrompt(warm)).text)).toBe(warm.tokens)
    }
  })

  test('128,000 tokens are exact too', () => {
    const { text } = built(builder.freshPrompt({ tokens: 128_000, nonce: nonceFor(1, 'run', 0) }))
    expect(tokenizer.count(text)).toBe(128_000)
  })

  test('a length below the minimum is an error that names the minimum, and the minimum is built', () => {
    const nonce = nonceFor(7, 'run', 3)
    const short = builder.freshPrompt({ tokens: 5, nonce })
    if (short.ok) throw new Error('built a prompt of 5 tokens')
    expect(short.error).toMatchObject({ kind: 'too-short', part: 'prompt', askedTokens: 5 })
    const { minimumTokens } = short.error
    expect(minimumTokens).toBeLessThanOrEqual(16)
    expect(explainTooShort(short.error)).toContain(`ask for ${minimumTokens} or more`)
    expect(builder.freshPrompt({ tokens: minimumTokens - 1, nonce }).ok).toBe(false)
    expect(builder.freshPrompt({ tokens: minimumTokens, nonce }).ok).toBe(true)

    const ask = { prefixTokens: 4, prefixNonce: nonce, tokens: 100, nonce }
    const prefix = builder.warmPrompt(ask)
    if (prefix.ok) throw new Error('built a prefix of 4 tokens')
    expect(prefix.error.part).toBe('prefix')
    const least = prefix.error.minimumTokens
    expect(builder.primePrompt({ ...ask, prefixTokens: least - 1 }).ok).toBe(false)
    expect(builder.primePrompt({ ...ask, prefixTokens: least }).ok).toBe(true)
    expect(builder.warmPrompt({ ...ask, prefixTokens: 95 })).toMatchObject({
      error: { part: 'prompt', askedTokens: 100 },
    })
  })
})

describe.each(exactNames)('ids by %s', async (name) => {
  const tokenizer = await loadTokenizer(name)
  const builder = createPromptBuilder(tokenizer)

  test('a warm prompt shares exactly the first prefixTokens ids with its prime and is as long as asked', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 12, max: 4000 }),
        fc.integer({ min: 14, max: 2000 }),
        seeds,
        fc.nat(50),
        (prefixTokens, suffixTokens, seed, prefixId) => {
          const prefixNonce = nonceFor(seed.seed, seed.runId, `prefix/${prefixId}`)
          const tokens = prefixTokens + suffixTokens
          const prime = built(builder.primePrompt({ prefixTokens, prefixNonce }))
          const warm = built(builder.warmPrompt({ tokens, prefixTokens, prefixNonce, nonce: nonceOf(seed) }))
          const primeIds = tokenizer.encode(prime.text)
          const warmIds = tokenizer.encode(warm.text)
          expect([primeIds.length, warmIds.length]).toEqual([prime.tokens, tokens])
          expect(shared(primeIds, warmIds)).toBe(prefixTokens)
        },
      ),
      { numRuns: 40 },
    )
  })

  test('two warm prompts of one prefix share no more than 2 ids beyond it', () => {
    const ask = { tokens: 300, prefixTokens: 200, prefixNonce: nonceFor(1, 'run', 'prefix/1') }
    const ids = Array.from({ length: 40 }, (_, i) =>
      tokenizer.encode(built(builder.warmPrompt({ ...ask, nonce: nonceFor(1, 'run', i) })).text),
    )
    for (const [i, a] of ids.entries())
      for (const b of ids.slice(i + 1)) {
        expect(shared(a, b)).toBeGreaterThanOrEqual(200)
        expect(shared(a, b)).toBeLessThanOrEqual(202)
      }
  })

  test('of 300 fresh prompts no two share more than 3 leading ids', () => {
    const ids = Array.from({ length: 300 }, (_, i) =>
      tokenizer.encode(built(builder.freshPrompt({ tokens: 64, nonce: nonceFor(5, 'run', i) })).text),
    ).sort((a, b) => a.join(' ').localeCompare(b.join(' ')))
    for (const [i, a] of ids.slice(1).entries()) expect(shared(ids[i]!, a)).toBeLessThanOrEqual(3)
  })
})

describe('the text', async () => {
  const builder = createPromptBuilder(await loadTokenizer('o200k_base'))

  test('opens with the nonce and ends with the instruction to write on', () => {
    const nonce = nonceFor(1, 'run', 1)
    const { text } = built(builder.freshPrompt({ tokens: 500, nonce }))
    expect(text.startsWith(`${nonce}. `)).toBe(true)
    expect(text.endsWith('. Continue this text at length. Do not stop early.')).toBe(true)
  })

  test('reads like prose: above 300 different words in 2,000, none of them above 20 %', () => {
    const { text } = built(builder.freshPrompt({ tokens: 2400, nonce: nonceFor(1, 'run', 2) }))
    const all = text.toLowerCase().match(/[a-z]+/g) ?? []
    const counts = new Map<string, number>()
    for (const word of all) counts.set(word, (counts.get(word) ?? 0) + 1)
    expect(counts.size).toBeGreaterThan(300)
    expect(Math.max(...counts.values()) / all.length).toBeLessThan(0.2)
    expect(text).not.toMatch(/\s[.,]|\s\s|[a-z] [A-Z]|, [A-Z]|\. [a-z]/)
  })

  test('the same nonce and length give the same text, another nonce another body', () => {
    const ask = { tokens: 200, nonce: nonceFor(1, 'run', 1) }
    const { text } = built(builder.freshPrompt(ask))
    expect(built(builder.freshPrompt(ask)).text).toBe(text)
    const other = built(builder.freshPrompt({ ...ask, nonce: nonceFor(1, 'run', 2) })).text
    expect(other.split('. ')[1]).not.toBe(text.split('. ')[1])
  })

  test('what is no nonce is refused', () => {
    for (const nonce of ['', 'Big words', 'a  b', 'a.b', ' a', 'a\nb'])
      expect(() => builder.freshPrompt({ tokens: 100, nonce })).toThrow('not a nonce')
  })
})
