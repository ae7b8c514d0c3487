import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Question } from '../../src/plan/probe.js'
import { nonceFor } from '../../src/prompt/nonce.js'
import { questionPrompt } from '../../src/prompt/questions.js'
import { isRight } from '../../src/sample/answer.js'
import { solve, solveWrongly } from '../../src/simulate/solve.js'
import { loadTokenizer } from '../../src/tokens/load-tokenizer.js'

const tokenizers = [
  await loadTokenizer('o200k_base'),
  await loadTokenizer('cl100k_base'),
  await loadTokenizer('approximate'),
]
const questions = fc.oneof(
  fc.record({ kind: fc.constant('recall' as const), depth: fc.double({ min: 0, max: 1, noNaN: true }) }),
  fc.record({ kind: fc.constantFrom('arithmetic' as const, 'echo' as const, 'json' as const) }),
)

test('a question has its exact length, and only the right answer to it, found from the prompt alone, is right', () => {
  fc.assert(
    fc.property(
      questions,
      fc.integer({ min: 160, max: 3000 }),
      fc.nat(),
      fc.constantFrom(...tokenizers),
      (question, tokens, n, tokenizer) => {
        const made = questionPrompt({ question, tokens, nonce: nonceFor(1, 'run', n) }, tokenizer)
        if (!made.ok) throw new Error('too short')
        expect(tokenizer.count(made.prompt.text)).toBe(tokens)
        expect(isRight(solve(made.prompt.text)?.join('') ?? '', made.right)).toBe(true)
        expect(isRight(solveWrongly(made.prompt.text)?.join('') ?? '', made.right)).toBe(false)
      },
    ),
    { numRuns: 60 },
  )
})

test.each([0.1, 0.5, 0.9])('a fact to recall stands at %f of the prompt', (depth) => {
  const made = questionPrompt(
    { question: { kind: 'recall', depth }, tokens: 4096, nonce: 'river stone' },
    tokenizers[0]!,
  )
  if (!made.ok) throw new Error('too short')
  const { text } = made.prompt
  expect(Math.abs(text.indexOf('The password') / text.length - depth)).toBeLessThan(0.03)
})

test('a prompt without room for its question says how many tokens it takes', () => {
  const question: Question = { kind: 'recall', depth: 0.5 }
  const made = questionPrompt({ question, tokens: 20, nonce: 'river stone' }, tokenizers[0]!)
  expect(made).toMatchObject({ ok: false, error: { kind: 'too-short', minimumTokens: expect.any(Number) } })
})

test.each([
  ['holds', 'river stone', 'The password is "River Stone".', true],
  ['holds', 'river stone', 'river stones', false],
  ['holds', '12345', 'It is 12,345.', true],
  ['holds', '12345', '123456', false],
  ['exactly', 'river stone', ' river stone\n', true],
  ['exactly', 'river stone', 'river stone.', false],
  ['json', '{"a":1}', '{ "a": 1 }', true],
  ['json', '{"a":1}', '```json\n{"a":1}\n```', false],
  ['json', '{"a":1}', '{"a":"1"}', false],
] as const)('%s %s: %j is right: %s', (kind, text, answer, right) => {
  expect(isRight(answer, { kind, text })).toBe(right)
})

test('a prompt that asks nothing has no answer', () => {
  expect(
    solve('river stone. The garden was quiet. Continue this text at length. Do not stop early.'),
  ).toBeUndefined()
})
