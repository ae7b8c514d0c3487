/** Holds values of a scenario against schemas, knowing which texts the environment gave. */
import type { z } from 'zod'
import { pathText } from '../border/problem.js'
import type { PathPart } from '../border/problem.js'
import type { Complain, Report } from './report.js'
import { topLevel } from './schema.js'
import { findings } from './sentences.js'
import type { Telling } from './sentences.js'
import { SECRET_NAME, substitute } from './substitute.js'
import type { Environment } from './substitute.js'

/** The value as the schema returns it, or undefined where problems were reported. `path` is the value's own. */
export type Check = <S extends z.ZodType>(
  schema: S,
  value: unknown,
  path: readonly PathPart[],
) => z.output<S> | undefined

export interface Filled {
  /** The scenario with `${NAME}` filled in. */
  values: Readonly<Record<string, unknown>>
  check: Check
}

/** Checks the list `env`, then fills in every text that may use it. */
export function fillIn(document: object, env: Environment, { problem, warning, hasProblem }: Report): Filled {
  const listed = topLevel.env.safeParse('env' in document ? document.env : undefined)
  const names = listed.success ? listed.data : []
  for (const [index, name] of names.entries()) {
    if (!SECRET_NAME.test(name)) continue
    problem(
      ['env', index],
      `names a secret, and no secret enters a scenario: name ${name} by apiKeyEnv, or in a header as { env: ${name} }`,
    )
  }
  const values: Record<string, unknown> = {}
  const filled = substitute(document, new Set(names), env, problem, staysAsWritten)
  Object.assign(values, filled.value)
  for (const [index, name] of names.entries()) {
    if (!filled.used.has(name)) warning(['env', index], `is listed, but \${${name}} is used nowhere`)
  }
  return { values, check: createCheck(filled.fromEnv, problem, hasProblem) }
}

/** Names of probes decide which code is run: no variable chooses that. */
function staysAsWritten(path: readonly PathPart[]): boolean {
  return path[0] === 'env' || (path.length === 3 && path[0] === 'probes' && path[2] === 'probe')
}

function createCheck(
  fromEnv: ReadonlyMap<string, { name: string; whole: boolean }>,
  problem: Complain,
  hasProblem: Report['hasProblem'],
): Check {
  function tellingOf(path: readonly PathPart[]): Telling {
    const source = fromEnv.get(pathText(path))
    if (source !== undefined) return { kind: 'variable', name: source.name }
    return { kind: isSensitive(path) ? 'hidden' : 'shown' }
  }

  /** A key that asks for a number takes `${N}`, whose text is a number: only where text was refused, nowhere else. */
  function asNumbers(value: unknown, error: z.ZodError, base: readonly PathPart[]): unknown {
    let meant = value
    for (const issue of error.issues) {
      const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)))
      if (fromEnv.get(pathText([...base, ...path]))?.whole === true) meant = replaceAt(meant, path)
    }
    return meant
  }

  return (schema, value, path) => {
    let result = schema.safeParse(value)
    let tried = value
    if (!result.success) {
      tried = asNumbers(value, result.error, path)
      if (tried !== value) result = schema.safeParse(tried)
    }
    if (result.success) return result.data
    for (const found of findings(result.error, schema, tried, path, tellingOf)) {
      // What could not be filled in, or holds a secret, has been told already.
      if (!hasProblem(found.path)) problem(found.path, found.message, found.at)
    }
    return undefined
  }
}

/** Values here are never repeated in a message: they may be secrets of any shape. */
function isSensitive(path: readonly PathPart[]): boolean {
  return path.some(
    (part) => part === 'headers' || part === 'body' || part === 'apiKeyEnv' || part === 'proxy',
  )
}

function replaceAt(value: unknown, path: readonly PathPart[]): unknown {
  const [first, ...rest] = path
  if (first === undefined) {
    if (typeof value !== 'string') return value
    if (value === 'true' || value === 'false') return value === 'true'
    return /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(value.trim()) ? Number(value) : value
  }
  if (Array.isArray(value))
    return value.map((item, index) => (index === first ? replaceAt(item, rest) : item))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, key === first ? replaceAt(item, rest) : item]),
  )
}
