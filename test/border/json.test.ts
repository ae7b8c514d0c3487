import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readJson } from '../../src/border/json.js'
import type { JsonOptions } from '../../src/border/json.js'
import { problemText } from '../../src/border/problem.js'

function problem(text: string, options?: JsonOptions): string | null {
  const result = readJson(text, options)
  return result.ok ? null : problemText(result.problem)
}

function accepted(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

test('whatever JSON.stringify writes is read back equal', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 5 }), fc.constantFrom(undefined, 2), (text, indent) => {
      fc.pre(!text.includes('__proto__'))
      const value: unknown = JSON.parse(text)
      expect(readJson(JSON.stringify(value, null, indent))).toEqual({ ok: true, value })
    }),
  )
})

test('it accepts exactly the texts that JSON.parse accepts', () => {
  const marks = ['{', '}', '[', ']', ',', ':', '\\', '-', '+', '/', "'", ' ', '\n', '\t', '\u00a0', '\u0001']
  const words = [
    '"',
    '"a"',
    '"\\u00e9"',
    '\\u12',
    '1',
    '0',
    '01',
    '.5',
    'e',
    '1.0e-3',
    'nul',
    'null',
    '{"k":',
    '[1,',
  ]
  const piece = fc.constantFrom(...marks, ...words)
  const broken = fc.tuple(fc.json({ maxDepth: 3 }), fc.nat(), piece).map(([text, at, insert]) => {
    const place = at % (text.length + 1)
    return text.slice(0, place) + insert + text.slice(place)
  })
  const texts = fc.oneof(
    fc.array(piece, { maxLength: 8 }).map((parts) => parts.join('')),
    broken,
  )
  fc.assert(
    fc.property(texts, (text) => {
      fc.pre(!text.includes('__proto__'))
      expect(readJson(text).ok).toBe(accepted(text))
    }),
    { numRuns: 5000 },
  )
})

test('every text cut short is refused at its end', () => {
  const text = '{"a":[1,{"b":"c\\n"}],"d":true}'
  for (let length = 0; length < text.length; length++) {
    const result = readJson(text.slice(0, length))
    expect(result.ok, text.slice(0, length)).toBe(false)
    if (!result.ok) expect(result.problem.offset).toBeGreaterThanOrEqual(Math.max(0, length - 4))
  }
})

test('fault 38: depth 100 is read, 101 and a million are refused, all without recursion', () => {
  const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
  expect(readJson(nested(100)).ok).toBe(true)
  expect(problem(nested(101))).toBe('JSON:1:101: nested more than 100 deep')
  expect(problem('{"a":'.repeat(1_000_000))).toBe('JSON:1:501: nested more than 100 deep')
  expect(readJson(nested(5), { maxDepth: 4 }).ok).toBe(false)
})

test('fault 39: a key that stands twice is refused where asked, however it is escaped', () => {
  const text = '{\n  "ttft": 1,\n  "other": {"ttft": 2},\n  "tt\\u0066t": 3\n}'
  expect(readJson(text)).toEqual({ ok: true, value: { ttft: 3, other: { ttft: 2 } } })
  expect(problem(text, { refuseDuplicateKeys: true, file: 'baseline.json' })).toBe(
    'baseline.json:4:3: this key stands twice in its object',
  )
  expect(readJson('[{"a":1},{"a":2}]', { refuseDuplicateKeys: true }).ok).toBe(true)
})

test('fault 40: the key __proto__ is refused, however it is escaped; as a value it passes', () => {
  expect(problem('{"a":{"__proto__":{"x":1}}}')).toMatch(/the key __proto__ is refused/)
  expect(problem('{"\\u005f_proto__":{"x":1}}')).toMatch(/the key __proto__ is refused/)
  expect(readJson('["__proto__"]').ok).toBe(true)
})

test('no problem quotes the text', () => {
  const secret = 'sk-proj-0123456789abcdefghij'
  for (const text of [`{"key": ${secret}}`, `{"key": "${secret}}`, secret, `{"a":1} ${secret}`]) {
    expect(problem(text)).not.toBeNull()
    expect(problem(text)).not.toContain(secret)
  }
})

test('a text over the length limit is refused unread', () => {
  expect(problem('[1,2,3]', { maxLength: 6 })).toBe('JSON:1:1: longer than 6 characters')
})

test('problems say what was expected', () => {
  expect(problem('{"a" 1}')).toBe('JSON:1:6: expected a colon here')
  expect(problem('[1 2]')).toBe('JSON:1:4: expected a comma or the closing bracket here')
  expect(problem('{"a":1,}')).toBe('JSON:1:8: expected a key in double quotes here')
  expect(problem('{"a":\n1')).toBe(
    'JSON:2:2: the text ends where a comma or the closing bracket should stand',
  )
  expect(problem('"a\tb"')).toBe('JSON:1:3: a control character in a string must be escaped')
})
