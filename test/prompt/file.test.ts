import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CANNED_ANSWER, defaultPromptFileLimits, parsePromptFile } from '../../src/prompt/file.js'

const user = (content: string) => ({ role: 'user' as const, content })
const assistant = (content: string) => ({ role: 'assistant' as const, content })
const system = (content: string) => ({ role: 'system' as const, content })
const lines = (...items: unknown[]) => items.map((item) => JSON.stringify(item)).join('\n')

function prompts(text: string) {
  const result = parsePromptFile(text)
  if (!result.ok) throw new Error(JSON.stringify(result.errors))
  return result.prompts
}

function errors(text: string, limits = defaultPromptFileLimits) {
  const result = parsePromptFile(text, limits)
  return result.ok ? [] : result.errors
}

describe('a file of prompts', () => {
  test('a line with prompt is one request of one user message', () => {
    expect(prompts(lines({ prompt: 'Hi', outputTokens: 12 }, { prompt: 'Ho' }))).toEqual([
      { messages: [user('Hi')], outputTokens: 12, line: 1, turn: 1, turns: 1 },
      { messages: [user('Ho')], outputTokens: undefined, line: 2, turn: 1, turns: 1 },
    ])
  })

  test('byte order mark, CRLF and blank lines change nothing but the line numbers', () => {
    const found = prompts('\uFEFF{"prompt":"a"}\r\n\r\n  \n{"prompt":"b"}\r\n')
    expect(found.map(({ line, messages }) => [line, messages[0]?.content])).toEqual([
      [1, 'a'],
      [4, 'b'],
    ])
  })

  test('a conversation of 2 user turns is 2 requests, the second with the given answer before it', () => {
    const messages = [system('s'), user('1'), assistant('given'), user('2'), assistant('never sent')]
    expect(prompts(lines({ messages })).map((prompt) => prompt.messages)).toEqual([
      messages.slice(0, 2),
      messages.slice(0, 4),
    ])
  })

  test('user turns without answers get the canned one between them', () => {
    const [, second] = prompts(lines({ messages: [user('1'), user('2')] }))
    expect(second).toMatchObject({
      messages: [user('1'), assistant(CANNED_ANSWER), user('2')],
      turn: 2,
      turns: 2,
    })
  })

  test('each request of a conversation begins with all messages of the one before', () => {
    const message = fc.record({
      role: fc.constantFrom('user', 'assistant'),
      content: fc.string({ minLength: 1 }),
    })
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 12 }), (tail) => {
        const found = prompts(lines({ messages: [user('first'), ...tail] }))
        expect(found.length).toBe(1 + tail.filter(({ role }) => role === 'user').length)
        for (const [i, next] of found.slice(1).entries()) {
          const before = found[i]?.messages ?? []
          expect(next.messages.slice(0, before.length)).toEqual(before)
          expect(next.messages.at(-1)?.role).toBe('user')
        }
      }),
    )
  })
})

describe('a wrong line', () => {
  test.each([
    ['{"prompt": ', 'not JSON'],
    ['[1]', 'must be an object'],
    ['null', 'must be an object'],
    ['{}', 'either prompt or messages'],
    ['{"prompt":"a","messages":[]}', 'either prompt or messages'],
    ['{"prompt":""}', 'prompt must be a text that is not empty, got ""'],
    ['{"prompt":7}', 'got 7'],
    ['{"prompt":"a","output_tokens":5}', 'unknown key "output_tokens"'],
    ['{"prompt":"a","outputTokens":0}', 'whole number ≥ 1, got 0'],
    ['{"prompt":"a","outputTokens":"8k"}', 'whole number ≥ 1, got "8k"'],
    ['{"messages":{}}', 'messages must be a list'],
    ['{"messages":[]}', 'no user turn'],
    ['{"messages":[{"role":"assistant","content":"a"}]}', 'no user turn'],
    ['{"messages":["a"]}', 'messages[0] must be an object'],
    ['{"messages":[{"role":"tool","content":"a"}]}', 'messages[0].role must be'],
    ['{"messages":[{"role":"user"}]}', 'messages[0].content must be a text that is not empty, got nothing'],
    [
      '{"messages":[{"role":"user","content":"a"},{"role":"system","content":"b"}]}',
      'messages[1] is a system',
    ],
  ])('%s is refused by its line number with what to mend', (line, message) => {
    const found = errors(`{"prompt":"fine"}\n${line}\n`)
    expect(found).toHaveLength(1)
    expect(found[0]?.line).toBe(2)
    expect(found[0]?.message).toContain(message)
  })

  test('an empty file is refused as a whole', () => {
    expect(errors('\n \n')).toEqual([{ line: 0, message: expect.stringContaining('no prompt') }])
  })

  test('reading stops after 20 errors', () => {
    expect(errors('x\n'.repeat(50))).toHaveLength(20)
  })

  test('a quoted value is cut at 40 characters', () => {
    expect(errors(lines({ prompt: 'a', outputTokens: 'x'.repeat(1000) }))[0]?.message.length).toBeLessThan(
      100,
    )
  })

  test('any text is read without a throw', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(typeof parsePromptFile(text).ok).toBe('boolean')
      }),
    )
  })
})

describe('the limits', () => {
  test('a line above 4 MiB is refused and one of 4 MiB is read', () => {
    const around = '{"prompt":""}'.length
    const size = 4 * 1024 * 1024
    expect(prompts(`{"prompt":"${'a'.repeat(size - around)}"}`)).toHaveLength(1)
    expect(errors(`{"prompt":"${'a'.repeat(size - around + 1)}"}`)[0]?.message).toContain('4194304 bytes')
    expect(errors(`{"prompt":"${'é'.repeat(size / 2)}"}`)[0]?.message).toContain('4194304 bytes')
  })

  test('more requests or messages than the limit are refused', () => {
    const limits = { ...defaultPromptFileLimits, requests: 2, messages: 3 }
    const two = lines({ messages: [user('1'), user('2')] })
    expect(errors(two, limits)).toEqual([])
    expect(errors(`${two}\n${two}`, limits)[0]).toMatchObject({ line: 2 })
    expect(
      errors(lines({ messages: [user('1'), user('2'), user('3'), user('4')] }), limits)[0]?.message,
    ).toContain('more than 3')
  })
})
