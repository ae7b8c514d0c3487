import { describe, expect, test } from 'vitest'
import { substitute } from '../../src/scenario/substitute.js'
import { parseScenario } from '../../src/scenario/parse.js'
import type { ScenarioContext } from '../../src/scenario/context.js'
import { context } from './context.js'

function fill(value: unknown, env: Record<string, string> = {}, names = ['A', 'B']) {
  const problems: string[] = []
  const filled = substitute(
    value,
    new Set(names),
    env,
    (_, message) => problems.push(message),
    () => false,
  )
  return { value: filled.value, problems }
}

describe('variables in texts', () => {
  test.each([
    ['${A}', 'one', 'the whole of a text'],
    ['x-${A}-${B}', 'x-one-two', 'several parts of a text'],
    ['${A:-other}', 'one', 'a default is not used where there is a value'],
    ['${EMPTY:-other}', 'other', 'a default stands in for an empty value, as in a shell'],
    ['${EMPTY}', '', 'an empty value is a value'],
    [
      '${NONE:-a default: with $ and spaces}',
      'a default: with $ and spaces',
      'a default holds anything but braces',
    ],
    ['${NONE:-}', '', 'a default may be empty'],
    ['$$', '$', 'two dollar signs are one'],
    ['$${A}', '${A}', 'an escaped variable stays text'],
    ['$$${A}', '$one', 'an escaped dollar before a variable'],
    ['cost $5, $A, $', 'cost $5, $A, $', 'a dollar without a brace is text'],
  ])('%s becomes %s: %s', (source, expected) => {
    const names = ['A', 'B', 'EMPTY', 'NONE']
    expect(fill(source, { A: 'one', B: 'two', EMPTY: '' }, names)).toEqual({ value: expected, problems: [] })
  })

  test.each(['${', '${}', '${A', '${A B}', '${1A}', '${A:=x}', '${A:-${B}}'])(
    '%s is not well formed',
    (source) => {
      expect(fill(source, { A: '1', B: '2' }).problems).toContainEqual(
        expect.stringContaining('not well formed'),
      )
    },
  )

  test('what a variable gives is neither read as YAML nor filled in again', () => {
    expect(fill({ k: ['${A}'] }, { A: '[1, 2]\n${B}' }).value).toEqual({ k: ['[1, 2]\n${B}'] })
  })

  test('keys and numbers stay as they are', () => {
    expect(fill({ '${A}': 3, b: true, c: null }, { A: 'one' }).value).toEqual({ '${A}': 3, b: true, c: null })
  })

  test('a name that only Object has is not set', () => {
    expect(fill('${constructor}', {}, ['constructor']).problems).toHaveLength(1)
  })
})

function scenario(text: string, env: Record<string, string>) {
  const parsed = parseScenario(text, 's.yaml', { ...context, env } satisfies ScenarioContext)
  if (!parsed.ok) throw new Error(parsed.problems.map(({ message }) => message).join('\n'))
  return parsed
}

const base = 'targets: [{ simulate: { profile: exact } }]\n'

describe('variables in a scenario', () => {
  test('a number may come from a variable where a number is asked, in lists and settings too', () => {
    const text = `${base}env: [N, S, T]\nseed: \${S}\nprobes: [{ probe: prompt-length, promptTokens: ["\${N}", 8], connection: "\${T}" }]\n`
    const { scenario: read } = scenario(text, { N: '128', S: '7', T: 'new' })
    expect(read.seed).toBe(7)
    expect(read.probes[0]?.settings).toMatchObject({ promptTokens: [128, 8], connection: 'new' })
  })

  test('a text of digits stays a text where a text is asked', () => {
    const text = `${base.replace('{ simulate', '{ model: "${M}", simulate')}env: [M]\nprobes: [{ probe: prompt-length }]\n`
    expect(scenario(text, { M: '4' }).scenario.targets[0]?.model).toBe('4')
  })

  test('part of a text is never taken for a number', () => {
    const text = `${base}env: [N]\nseed: "1\${N}"\nprobes: [{ probe: prompt-length }]\n`
    const parsed = parseScenario(text, 's.yaml', { ...context, env: { N: '2' } })
    expect(parsed.ok).toBe(false)
  })

  test('the text that is kept is the one before variables were filled in', () => {
    const text = `${base.replace('{ simulate', '{ region: "${R}", simulate')}env: [R]\nprobes: [{ probe: prompt-length }]\n`
    const { scenario: read } = scenario(text, { R: 'eu-private-name' })
    expect(read.targets[0]?.region).toBe('eu-private-name')
    expect(read.text).toBe(text)
    expect(read.text).not.toContain('eu-private-name')
  })

  test('a listed variable that is used nowhere is warned of', () => {
    const { warnings } = scenario(`env: [R]\n${base}probes: [{ probe: prompt-length }]\n`, { R: 'x' })
    expect(warnings).toMatchObject([{ line: 1, column: 7, path: ['env', 0] }])
  })
})
