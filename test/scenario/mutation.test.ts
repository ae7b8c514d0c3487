/** Whatever becomes of a scenario, reading it gives an answer with places in the file, and never throws. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { problemText } from '../../src/border/problem.js'
import { scenarioContext } from '../../src/run/load-scenario.js'
import { parseScenario } from '../../src/scenario/parse.js'
import { probeFilesOf } from '../../src/scenario/probe-use.js'

const folder = new URL('../../scenarios/', import.meta.url)
const sources = ['quickstart', 'openai', 'llama-cpp', 'ci', 'openrouter'].map((name) =>
  readFileSync(new URL(`${name}.yaml`, folder), 'utf8'),
)
const documents = sources.map((source): unknown => parse(source))
const canary = 'hunter2-canary-hunter2'
const env = {
  LLAMA_URL: 'http://127.0.0.1:9/v1',
  LLAMA_MODEL: 'm',
  CANARY_KEY: canary,
  OPENAI_API_KEY: canary,
}
const context = scenarioContext(env)

/** Reads it and holds the answer to its promise. */
function judge(text: string): boolean {
  probeFilesOf(text, 'x.yaml')
  const parsed = parseScenario(text, 'x.yaml', context)
  if (!parsed.ok) {
    expect(parsed.problems.length).toBeGreaterThan(0)
    const lines = text.split(/\r\n|\n|\r/)
    for (const problem of parsed.problems) {
      expect(problem.line).toBeGreaterThanOrEqual(1)
      expect(problem.line).toBeLessThanOrEqual(lines.length)
      expect(problem.column).toBeGreaterThanOrEqual(1)
      expect(problem.message.length).toBeGreaterThan(5)
      expect(problemText(problem)).not.toContain(canary)
    }
  }
  return parsed.ok
}

/** What may stand where something else is asked. */
const anything = fc.oneof(
  fc.constantFrom<unknown>(
    ...[
      null,
      true,
      -1,
      0,
      1.5,
      1e21,
      Number.NaN,
      '',
      '8k',
      '30s',
      '5%',
      '$',
      '${',
      '${LLAMA_MODEL}',
      '${CANARY_KEY}',
    ],
    ...[
      [],
      {},
      [[]],
      [null],
      { env: 'CANARY_KEY' },
      'constructor',
      'toString',
      'a\u0000b',
      '\u202eevil',
      'sk-proj-aaaaaaaaaaaaaaaaaaaa1',
    ],
  ),
  fc.jsonValue({ maxDepth: 2 }),
)

/** Paths of all values, the root left out. */
function paths(node: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof node !== 'object' || node === null) return [path]
  const inner = Object.entries(node).flatMap(([key, item]) =>
    paths(item, [...path, Array.isArray(node) ? Number(key) : key]),
  )
  return path.length === 0 ? inner : [path, ...inner]
}

function changed(
  node: unknown,
  [first, ...rest]: (string | number)[],
  change: (held: unknown) => unknown,
): unknown {
  if (first === undefined) return change(node)
  if (Array.isArray(node))
    return node.map((item, index) => (index === first ? changed(item, rest, change) : item))
  const entries = Object.entries(node as object)
  return Object.fromEntries(
    entries.map(([key, item]) => [key, key === first ? changed(item, rest, change) : item]),
  )
}

describe('a scenario that was changed', () => {
  test('any value in the place of any other gives an answer with places, 300 times', () => {
    let accepted = 0
    fc.assert(
      fc.property(fc.constantFrom(...documents), fc.nat(), anything, (document, at, value) => {
        const all = paths(document)
        const path = all[at % all.length] ?? []
        if (judge(stringify(changed(document, path, () => value)))) accepted++
      }),
      { numRuns: 300 },
    )
    expect(accepted).toBeGreaterThan(0)
    expect(accepted).toBeLessThan(150)
  })

  test('any key renamed gives an answer with places, and a key that is not known is refused, 300 times', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...documents),
        fc.nat(),
        fc.string({ minLength: 1 }),
        (document, at, name) => {
          const all = paths(document).filter((path) => typeof path.at(-1) === 'string')
          const path = all[at % all.length] ?? []
          const key = path.at(-1)
          const renamed = changed(document, path.slice(0, -1), (held) =>
            Object.fromEntries(
              Object.entries(held as object).map(([own, item]) => [own === key ? `x${name}` : own, item]),
            ),
          )
          const accepted = judge(stringify(renamed))
          // Bodies and probes of the user's may hold any key; these files have such a place only under body.
          if (!path.slice(0, -1).includes('body')) expect(accepted).toBe(false)
        },
      ),
      { numRuns: 300 },
    )
  })

  test('any characters cut out or put in give an answer with places, 300 times', () => {
    const noise = fc.oneof(
      fc.string({ maxLength: 6 }),
      fc.constantFrom('\t', '\n', ': ', '- ', '{', '}', '[', ']', '&a', '*a', '!!x', '"', '#', '${'),
    )
    fc.assert(
      fc.property(
        fc.constantFrom(...sources),
        fc.nat(),
        fc.nat({ max: 12 }),
        noise,
        (source, at, length, put) => {
          const start = at % source.length
          judge(source.slice(0, start) + put + source.slice(start + length))
        },
      ),
      { numRuns: 300 },
    )
  })
})
