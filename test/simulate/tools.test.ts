import fc from 'fast-check'
import { encode } from 'gpt-tokenizer/encoding/o200k_base'
import { expect, it } from 'vitest'
import { createRandom } from '../../src/random/random.js'
import { countPrompt } from '../../src/simulate/count.js'
import { argumentPieces, chooseTool } from '../../src/simulate/tools.js'
import { createWords } from '../../src/simulate/words.js'
import { profileOf } from './virtual.js'

const leaf = fc.constantFrom(
  { type: 'string' },
  { type: 'INTEGER' },
  { type: ['number', 'null'] },
  { type: 'boolean' },
  { enum: ['a', 'b'] },
  { const: 3 },
  {},
)
const schema = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    leaf,
    tie('any').map((items) => ({ type: 'array', items })),
    fc
      .dictionary(fc.string(), tie('any'), { maxKeys: 4 })
      .map((properties) => ({ type: 'object', properties })),
  ),
})).any

it('arguments of any schema are n pieces that together are JSON', () => {
  fc.assert(
    fc.property(schema, fc.integer({ min: 1, max: 40 }), fc.integer(), (parameters, tokens, seed) => {
      const pieces = argumentPieces({ name: 'f', parameters }, tokens, createWords(createRandom(seed)))
      expect(pieces).toHaveLength(tokens)
      expect(() => JSON.parse(pieces.join('')) as unknown).not.toThrow()
    }),
  )
})

it('a tool is called when it is forced or the profile calls tools, never in answer to its own result', () => {
  const tools = [
    { name: 'a', parameters: {} },
    { name: 'b', parameters: {} },
  ]
  const shy = profileOf('exact')
  const keen = profileOf('exact', { callsTools: true })
  expect(chooseTool(tools, 'auto', false, shy)).toBeUndefined()
  expect(chooseTool(tools, 'auto', false, keen)?.valueOf()).toBe(tools[0])
  expect(chooseTool(tools, 'auto', true, keen)).toBeUndefined()
  expect(chooseTool(tools, 'required', true, shy)).toBe(tools[0])
  expect(chooseTool(tools, { name: 'b' }, false, shy)).toBe(tools[1])
  expect(chooseTool(tools, { name: 'c' }, false, shy)).toBe('missing')
  expect(chooseTool(tools, 'none', false, keen)).toBeUndefined()
})

it('a mark counts the tokens before it, and the last mark holds', () => {
  const text = 'Stone by stone it grows. '
  const turns = [
    { role: 'system', text: text.repeat(10), markedTo: text.length * 10 },
    { role: 'user', text: text.repeat(4), markedTo: text.length * 2 },
  ]
  const { promptTokens, markedTokens } = countPrompt(turns, 16, encode)
  const tokens = (times: number): number => encode(text.repeat(times)).length
  // Three tokens open a turn, one ends it.
  expect(markedTokens).toBe(3 + tokens(10) + 1 + 3 + tokens(2))
  expect(promptTokens).toBeGreaterThan(markedTokens)
  expect(countPrompt([{ role: 'user', text }], 16, encode).markedTokens).toBe(0)
})
