import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { loadTokenizer, tokenizerNames } from '../../src/tokens/load-tokenizer.js'

// Known answers from OpenAI's own tiktoken (its README and tests, and the cookbook "How to count tokens").
const known = [
  ['cl100k_base', 'tiktoken is great!', [83, 1609, 5963, 374, 2294, 0]],
  ['cl100k_base', 'hello world', [15339, 1917]],
  ['o200k_base', 'hello world', [24912, 2375]],
] as const

describe.each(['o200k_base', 'cl100k_base'] as const)('%s', async (name) => {
  const tokenizer = await loadTokenizer(name)

  test('decode gives back what encode took, and count is its length', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
        const ids = tokenizer.encode(text)
        expect(tokenizer.decode(ids)).toBe(text)
        expect(tokenizer.count(text)).toBe(ids.length)
      }),
    )
  })

  test('a special token in a text is 6 or more ordinary tokens, not an error', () => {
    expect(tokenizer.count('<|endoftext|>')).toBeGreaterThanOrEqual(6)
    expect(tokenizer.decode(tokenizer.encode('a <|endoftext|> b'))).toBe('a <|endoftext|> b')
  })

  test.each([
    ['letters', 'a'],
    ['ideographs', '漢'],
    ['marks', '='],
    ['blanks', ' '],
    ['line feeds', '\n'],
    ['astral letters', '𝒳'],
  ])('an unbroken run of 100,000 %s is counted, and one of 2,000 decodes to itself', (_, unit) => {
    const long = `start ${unit.repeat(100_000)} end`
    expect(tokenizer.count(long)).toBe(tokenizer.encode(long).length)
    const text = `start ${unit.repeat(2000)} end`
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text)
  })
})

test('a run of 2,000 letters, cut 3 times, counts at most 2 tokens a cut more than uncut', async () => {
  const { countTokens } = await import('gpt-tokenizer/encoding/o200k_base')
  const text = 'abcdefghij'.repeat(200)
  const added = (await loadTokenizer('o200k_base')).count(text) - countTokens(text)
  expect(added).toBeGreaterThanOrEqual(0)
  expect(added).toBeLessThanOrEqual(6)
})

test.each(known)('%s encodes %j as tiktoken does', async (name, text, ids) => {
  expect((await loadTokenizer(name)).encode(text)).toEqual(ids)
})

test('the names are the three of the type', () => {
  expect(tokenizerNames).toEqual(['o200k_base', 'cl100k_base', 'approximate'])
})

describe('approximate', async () => {
  const approximate = await loadTokenizer('approximate')

  test.each([
    ['', 0],
    ['one two', 2],
    ['international', 2], // 13 Latin letters
    ['Brüderlichkeit', 2],
    ['свобода', 2], // 7 of another alphabet
    ['漢字かな', 4],
    ['12345', 2],
    ['a, b.', 4],
    ['a\n\nb', 3],
    ['a b', 2], // the blank is free
    ['....', 2],
  ])('%j counts %i', (text, tokens) => {
    expect(approximate.count(text)).toBe(tokens)
  })

  test('is within 15 % of o200k_base on ordinary English', async () => {
    const exact = await loadTokenizer('o200k_base')
    const text =
      'All human beings are born free and equal in dignity and rights. They are endowed with reason and conscience ' +
      'and should act towards one another in a spirit of brotherhood. Everyone is entitled to all the rights and ' +
      'freedoms set forth in this Declaration, without distinction of any kind, such as race, colour, sex, language, ' +
      'religion, political or other opinion, national or social origin, property, birth or other status.'
    expect(Math.abs(approximate.count(text) / exact.count(text) - 1)).toBeLessThan(0.15)
  })

  test('two texts joined at a blank before a letter count the sum of both', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (a, b) => {
        const [left, right] = [`${a}.`, ` b${b}`]
        expect(approximate.count(left + right)).toBe(approximate.count(left) + approximate.count(right))
      }),
    )
  })
})
