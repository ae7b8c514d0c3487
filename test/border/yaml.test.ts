import fc from 'fast-check'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { pathText, problemText } from '../../src/border/problem.js'
import { readYaml, yamlLimits } from '../../src/border/yaml.js'

function read(text: string) {
  const result = readYaml(text, 'x.yaml')
  if (!result.ok) throw new Error(result.problems.map(problemText).join('\n'))
  return result
}

function problems(text: string): string[] {
  const result = readYaml(text, 'x.yaml')
  return result.ok ? [] : result.problems.map(problemText)
}

const scenario = `# a comment
targets:
  - name: local
    url: http://localhost:8000/v1
probes:
  - use: route
  - use: prompt-length
    promptTokens: [128, 512, 8k]
`

test('a value and its key have the line and column of an editor, from 1', () => {
  const { value, at, keyAt } = read(scenario)
  expect(value).toEqual({
    targets: [{ name: 'local', url: 'http://localhost:8000/v1' }],
    probes: [{ use: 'route' }, { use: 'prompt-length', promptTokens: [128, 512, '8k'] }],
  })
  expect(at(['probes', 1, 'promptTokens', 2])).toEqual({ line: 8, column: 30 })
  expect(keyAt(['probes', 1, 'promptTokens'])).toEqual({ line: 8, column: 5 })
  expect(at(['targets', 0])).toEqual({ line: 3, column: 5 })
  expect(at(['targets', 1])).toBeUndefined()
  expect(at([])).toEqual({ line: 2, column: 1 })
})

test('what is missing is placed at the nearest thing around it', () => {
  const { around } = read(scenario)
  expect(around(['probes', 1, 'blocks'])).toEqual({ line: 7, column: 5 })
  expect(around(['budget', 'requests'])).toEqual({ line: 2, column: 1 })
})

test('positions hold after a byte order mark, CRLF and characters of two units', () => {
  const { at } = read('\uFEFFa: 1\r\nb: ["🙂", x]\r\n')
  expect(at(['a'])).toEqual({ line: 1, column: 4 })
  expect(at(['b', 1])).toEqual({ line: 2, column: 11 })
})

test('whatever the library writes is read back, each leaf with a position inside the text', () => {
  const number = fc.double({ noNaN: true }).filter((n) => !Number.isInteger(n) || Number.isSafeInteger(n))
  const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), number)
  const key = fc.string({ minLength: 1 }).filter((name) => name !== '__proto__' && name !== '<<')
  const tree = fc.letrec((tie) => ({
    node: fc.oneof(
      { depthSize: 'small' },
      leaf,
      fc.array(tie('node'), { maxLength: 4 }),
      fc.dictionary(key, tie('node'), { maxKeys: 4 }),
    ),
  })).node
  fc.assert(
    fc.property(tree, (value) => {
      const text = stringify(value)
      const result = readYaml(text, 'x.yaml')
      if (!result.ok) throw new Error(result.problems.map(problemText).join('\n'))
      expect(result.value).toEqual(value)
      expect(result.at([])).toBeDefined()
    }),
    { numRuns: 300 },
  )
})

test('no text makes the reader throw: it answers with a value or with problems inside the text', () => {
  const pieces = fc.array(
    fc.oneof(
      fc.constantFrom(
        'a',
        ':',
        ' ',
        '\n',
        '- ',
        '[',
        ']',
        '{',
        '}',
        '"',
        "'",
        '&a ',
        '*a',
        '!',
        '|\n',
        '\t',
        '#',
      ),
      fc.constantFrom(
        '---\n',
        '...\n',
        '%YAML 1.1\n',
        '<<: ',
        '? ',
        '!!binary ',
        '__proto__: ',
        '\u0000',
        '\\',
      ),
      fc.string({ unit: 'binary', maxLength: 3 }),
    ),
    { maxLength: 30 },
  )
  fc.assert(
    fc.property(pieces, (parts) => {
      const text = parts.join('')
      const result = readYaml(text, 'x.yaml')
      if (result.ok) return
      expect(result.problems.length).toBeGreaterThan(0)
      const lines = text.split('\n').length
      for (const { line, column } of result.problems) {
        expect(line).toBeGreaterThanOrEqual(1)
        expect(line).toBeLessThanOrEqual(lines)
        expect(column).toBeGreaterThanOrEqual(1)
      }
    }),
    { numRuns: 2000 },
  )
})

test('fault 41: a file of laughs is refused by the count of its aliases and values', () => {
  const rows = ['a: &a [x,x,x,x,x,x,x,x,x]']
  for (let i = 1; i < 9; i++) {
    const [name, before] = [String.fromCharCode(97 + i), String.fromCharCode(96 + i)]
    rows.push(`${name}: &${name} [${Array(9).fill(`*${before}`).join(',')}]`)
  }
  expect(problems(rows.join('\n')).join()).toMatch(/more than 1000 aliases|longer than 100000 values/)
  const wide = `a: &a [${'x,'.repeat(2000)}]\nb: [${'*a,'.repeat(900)}]`
  expect(problems(wide).join()).toMatch(/longer than 100000 values/)
})

test('an alias takes the last anchor above it and comes as a copy', () => {
  const { value, at } = read('a: &n {k: 1}\nb: *n\nc: &n {k: 2}\nd: *n\n')
  expect(value).toEqual({ a: { k: 1 }, b: { k: 1 }, c: { k: 2 }, d: { k: 2 } })
  const { a, b } = value as Record<string, unknown>
  expect(a).not.toBe(b)
  expect(at(['d', 'k'])).toEqual({ line: 3, column: 11 })
})

test('an alias of itself or of nothing is refused', () => {
  expect(problems('a: &a [*a]').join()).toMatch(/nested more than 64 deep/)
  expect(problems('a: *b').join()).toMatch(/x.yaml:1:4: a \*b names no anchor/)
})

test.each([
  ['[', ''],
  ['{a: ', ''],
  ['- ', ''],
  ['[', ']'],
])('fault 42: %j nested 65 deep and 100,000 deep is refused, 64 deep is read', (open, close) => {
  const nested = (depth: number): string => open.repeat(depth) + 'x' + close.repeat(depth)
  expect(problems(nested(65)).join()).toMatch(/nested more than 64 deep/)
  expect(problems(nested(100_000)).join()).toMatch(/nested more than 64 deep/)
  expect(problems(nested(64)).join()).not.toMatch(/nested/)
})

test('fault 42: blocks indented 900 deep are refused', () => {
  const text = Array.from({ length: 900 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')
  expect(problems(text)).toEqual(['x.yaml:65:65: lists and mappings are nested more than 64 deep'])
})

test('brackets in texts and comments are no nesting', () => {
  const many = '['.repeat(200)
  expect(read(`# ${many}\na: |\n  ${many}\nb: "${many}"\nc: x${many}\n`).value).toMatchObject({
    c: `x${many}`,
  })
})

test('a text of more than 1 MiB is refused by its bytes', () => {
  const text = `a: "${'é'.repeat(yamlLimits.maxBytes / 2)}"`
  expect(problems(text).join()).toMatch(/x.yaml:1:1: the file is 1048581 bytes long; at most 1048576/)
})

test('a file of 100,000 different keys is read in linear time', () => {
  const text = Array.from({ length: 99_000 }, (_, i) => `k${i}: 1`).join('\n')
  expect(Object.keys(read(text).value as object)).toHaveLength(99_000)
})

test('fault 40: no key reaches Object.prototype', () => {
  expect(problems('a:\n  __proto__: {polluted: 1}')).toEqual([
    'x.yaml:2:3: a.__proto__ is no key that can be used',
  ])
  const { value } = read('constructor: {prototype: {polluted: 1}}')
  expect(Object.getPrototypeOf(value)).toBeNull()
  expect(value).toEqual({ constructor: { prototype: { polluted: 1 } } })
  expect('polluted' in {}).toBe(false)
})

test.each([
  [
    'fault 43: merge keys',
    'a: &a {k: 1}\nb:\n  <<: *a\n',
    'x.yaml:3:3: b merge keys (<<) are not supported: write the keys out',
  ],
  ['a key given twice', 'a: 1\nb: 2\na: 3\n', 'x.yaml:3:1: a is given twice: keep one of them'],
  [
    'a key given twice, once in quotes',
    '1: x\n"1": y\n',
    'x.yaml:2:1: ["1"] is given twice: keep one of them',
  ],
  ['two documents', 'a: 1\n---\nb: 2\n', 'x.yaml:2:1: a second document starts here: keep one to a file'],
  ['a tab', 'a:\n\tb: 1\n', 'x.yaml:2:1: a tab indents this line: use spaces'],
  ['a list as a key', '? [a]\n: b\n', 'x.yaml:1:3: a key must be a plain word or a text in quotes'],
  [
    'a tag of its own',
    'a: !env KEY\n',
    'x.yaml:1:4: tags (!name) are not supported, or this one does not fit its value',
  ],
  [
    'a YAML 1.1 tag',
    'a: !!binary aGk=\n',
    'x.yaml:1:4: tags (!name) are not supported, or this one does not fit its value',
  ],
  [
    'a directive',
    '%YAML 1.1\n---\na: yes\n',
    'x.yaml:1:1: directives (lines that start with %) are not supported',
  ],
  [
    'a whole number that a double rounds',
    'seed: 12345678901234567890\n',
    'x.yaml:1:7: seed is too large for an exact whole number: put it in quotes or write it as 1e20',
  ],
])('%s: refused with position and remedy', (_, text, problem) => {
  expect(problems(text)).toEqual([problem])
})

test('wrong indentation is placed on its line', () => {
  expect(problems('a:\n    b: 1\n  c: 2\n')[0]).toMatch(/^x.yaml:3:\d+: /)
})

test('no problem quotes the file: a key at the wrong place stays unprinted', () => {
  const secret = 'sk-proj-0123456789abcdefghij'
  for (const text of [
    `a: [1\nb: "${secret}`,
    `a: "x" ${secret}`,
    `"a" ${secret}: [`,
    `a: @${secret}`,
    `- ]${secret}`,
  ]) {
    expect(problems(text).join()).not.toBe('')
    expect(problems(text).join()).not.toContain(secret)
  }
})

test('an empty file is null, and yes, no and on stay texts', () => {
  expect(read('').value).toBeNull()
  expect(read('# nothing\n').value).toBeNull()
  expect(read('a: yes\nb: on\nc: .inf\n').value).toEqual({ a: 'yes', b: 'on', c: Infinity })
})

test('a path is written as people write it in code', () => {
  expect(pathText(['probes', 1, 'promptTokens', 2])).toBe('probes[1].promptTokens[2]')
  expect(pathText(['headers', 'X-Org', 'a b'])).toBe('headers.X-Org["a b"]')
})
