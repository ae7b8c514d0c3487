/** What a schema found wrong, in sentences that say how to mend it. */
import { z } from 'zod'
import { didYouMean } from '../border/nearest.js'
import { looksLikeSecret } from '../border/redact.js'
import { terminalText } from '../border/escape.js'
import type { PathPart } from '../border/problem.js'
import { hint } from './hints.js'
import type { Wanted } from './hints.js'

export interface Finding {
  path: PathPart[]
  message: string
  /** Where to point: at the value, or at the key when the key itself is wrong. */
  at: 'value' | 'key'
}

type Node = z.core.JSONSchema.JSONSchema

/** Keys under which people write a secret. */
const SECRET_KEY = /^(?:api[-_]?key|key|token|api[-_]?token|secret|password|authorization|bearer)$/i

/** What a message may say of a value: repeat it, or only that the environment gave it, or nothing. */
export type Telling = { kind: 'shown' } | { kind: 'variable'; name: string } | { kind: 'hidden' }

/** One sentence a problem; `base` is the path of `value` in the document. */
export function findings(
  error: z.ZodError,
  schema: z.ZodType,
  value: unknown,
  base: readonly PathPart[],
  tellingOf: (path: readonly PathPart[]) => Telling,
): Finding[] {
  const root = nodeOf(schema)
  return error.issues.flatMap((issue): Finding[] => {
    const inside = issue.path.map((part) => (typeof part === 'number' ? part : String(part)))
    const path = [...base, ...inside]
    const node = inside.reduce<Node | undefined>(child, root)
    if (issue.code === 'unrecognized_keys') {
      const known = keysOf(node)
      const others = inside.length === 0 && base.length === 0 ? groupsOf(node) : []
      return issue.keys.map((key) => ({
        path: [...path, key],
        message: unknownKey(key, known, others),
        at: 'key',
      }))
    }
    if (issue.code === 'invalid_key') return [{ path, message: 'is no key that fits here', at: 'key' }]
    if (issue.code === 'custom') return [{ path, message: issue.message, at: 'value' }]
    const found = inside.reduce<unknown>(valueAt, value)
    if (found === undefined)
      return [{ path, message: `is missing: it must be ${phrase(node)}${meaning(node)}`, at: 'value' }]
    if (node === undefined) return [{ path, message: `does not fit: ${issue.message}`, at: 'value' }]
    const wanted = `must be ${phrase(node, found)}`
    const telling = tellingOf(path)
    if (telling.kind === 'hidden') return [{ path, message: wanted, at: 'value' }]
    if (telling.kind === 'variable') {
      return [{ path, message: `${wanted}, and ${telling.name} holds something else`, at: 'value' }]
    }
    const got = `${show(found)}${hint(found, wantedBy(node), path)}`
    return [{ path, message: `${wanted}, got ${got}`, at: 'value' }]
  })
}

function unknownKey(key: string, known: readonly string[], groups: readonly Group[]): string {
  if (/^\d+$/.test(key)) return 'is no key: a number is written without commas, such as 10000'
  if (SECRET_KEY.test(key) && known.includes('apiKeyEnv')) {
    return 'is not known: a key is never written into a file; apiKeyEnv names the environment variable that holds it'
  }
  const meant = didYouMean(key, known)
  if (meant !== '') return `is not known${meant}`
  const group = groups.find(({ keys }) => keys.some((other) => other.toLowerCase() === key.toLowerCase()))
  if (group !== undefined) return `is not known here: it stands under ${group.name}`
  return known.length === 0
    ? 'is not known: nothing is set here'
    : `is not known: the keys here are ${known.join(', ')}`
}

/** A key of the top level with the keys under it. */
interface Group {
  name: string
  keys: readonly string[]
}

function groupsOf(node: Node | undefined): Group[] {
  return Object.entries(node?.properties ?? {}).map(([name, group]) => ({
    name,
    keys: typeof group === 'object' ? keysOf(group) : [],
  }))
}

/** The value as a message repeats it: short, harmless for a terminal, never a secret. */
function show(value: unknown): string {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'object') return 'a mapping'
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (typeof value !== 'string') return 'something else'
  const secret = looksLikeSecret(value)
  return secret === null ? `'${terminalText(value, 60)}'` : `what seems to be ${secret}`
}

function valueAt(value: unknown, part: PathPart): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
  const held: unknown = Reflect.get(value, part)
  return held
}

const nodes = new WeakMap<z.ZodType, Node>()

/** The JSON Schema of what a schema reads: the one description of it that zod keeps stable. */
function nodeOf(schema: z.ZodType): Node {
  const known = nodes.get(schema)
  if (known !== undefined) return known
  let node: Node = {}
  try {
    node = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  } catch {
    // A probe's own schema may hold what has no JSON form; its messages are then less exact.
  }
  nodes.set(schema, node)
  return node
}

/** The alternatives of a node; zod writes those of plain types as a list of types. */
function options(node: Node): Node[] {
  const types: unknown = node.type
  if (Array.isArray(types)) return types.map((type: NonNullable<Node['type']>) => ({ type }))
  return (node.anyOf ?? node.oneOf ?? []).filter((option): option is Node => typeof option === 'object')
}

function child(node: Node | undefined, part: PathPart): Node | undefined {
  if (node === undefined) return undefined
  const { properties, additionalProperties, items } = node
  const own =
    properties !== undefined && Object.hasOwn(properties, part) ? properties[String(part)] : undefined
  const found = typeof part === 'number' ? items : (own ?? additionalProperties)
  if (typeof found === 'object' && !Array.isArray(found)) return found
  for (const option of options(node)) {
    const inside = child(option, part)
    if (inside !== undefined) return inside
  }
  return undefined
}

function keysOf(node: Node | undefined): string[] {
  if (node === undefined) return []
  const names = typeof node.propertyNames === 'object' ? (node.propertyNames.enum ?? []).map(String) : []
  return [...Object.keys(node.properties ?? {}), ...names, ...options(node).flatMap(keysOf)]
}

/** The first sentence of a key's description, in brackets. */
function meaning(node: Node | undefined): string {
  const [first = ''] = (node?.description ?? '').split(/\.(?:\s|$)/)
  return first === '' ? '' : ` (${first})`
}

/** `a whole number ≥ 1`, `one of closed, open`, `a list of at least 1 entry`; sizes only where a text or list was given. */
function phrase(node: Node | undefined, found?: unknown): string {
  if (node === undefined) return 'given'
  if (typeof node['phrase'] === 'string') return node['phrase']
  const several = options(node)
  if (several.length > 0) return [...new Set(several.map((option) => phrase(option, found)))].join(' or ')
  if (node.const !== undefined) return String(node.const)
  if (node.enum !== undefined) {
    const words = node.enum.map(String)
    return words.length === 1 ? (words[0] ?? '') : `one of ${words.join(', ')}`
  }
  switch (node.type) {
    case 'integer':
      return `a whole number${range(node)}`
    case 'number':
      return `a number${range(node)}`
    case 'string':
      return `a text${typeof found === 'string' ? size(node, found) : ''}`
    case 'boolean':
      return 'true or false'
    case 'array':
      return `a list${Array.isArray(found) ? count(node) : ''}`
    case 'null':
      return 'null'
    default: {
      const keys = Object.keys(node.properties ?? {})
      return keys.length === 0
        ? 'a mapping'
        : `a mapping with the key${keys.length === 1 ? '' : 's'} ${keys.join(', ')}`
    }
  }
}

function range({ minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf }: Node): string {
  const low = minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER ? minimum : undefined
  const high = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER ? maximum : undefined
  const parts: string[] = []
  if (low !== undefined && high !== undefined) parts.push(` from ${low} to ${high}`)
  else if (low !== undefined) parts.push(` ≥ ${low}`)
  else if (high !== undefined && typeof exclusiveMinimum !== 'number') parts.push(` ≤ ${high}`)
  if (typeof exclusiveMinimum === 'number')
    parts.push(` > ${exclusiveMinimum}${high === undefined ? '' : ` and ≤ ${high}`}`)
  if (typeof exclusiveMaximum === 'number') parts.push(` and < ${exclusiveMaximum}`)
  if (multipleOf !== undefined) parts.push(`, a multiple of ${multipleOf}`)
  return parts.join('')
}

function size({ minLength = 0, maxLength }: Node, found: string): string {
  if (found.length < minLength)
    return minLength === 1 ? ' that is not empty' : ` of at least ${minLength} characters`
  return maxLength !== undefined && found.length > maxLength ? ` of at most ${maxLength} characters` : ''
}

function count({ minItems, maxItems }: Node): string {
  const entries = (n: number): string => (n === 1 ? '1 entry' : `${n} entries`)
  if (minItems !== undefined && maxItems !== undefined) return ` of ${minItems} to ${entries(maxItems)}`
  if (minItems !== undefined) return ` of at least ${entries(minItems)}`
  return maxItems === undefined ? '' : ` of at most ${entries(maxItems)}`
}

function entryOf(alternatives: readonly Node[]): Wanted | null {
  const list = alternatives.find(({ type }) => type === 'array')
  if (list === undefined) return null
  const { items } = list
  return wantedBy(typeof items === 'object' && !Array.isArray(items) ? items : {})
}

function wantedBy(node: Node): Wanted {
  const all = [node, ...options(node)]
  const types = new Set(all.map(({ type }) => type))
  const words = all.flatMap((option) => option.enum ?? (option.const === undefined ? [] : [option.const]))
  const texts = words.filter((word) => typeof word === 'string')
  const plainText = all.some(
    (option) => option.type === 'string' && option.enum === undefined && option.const === undefined,
  )
  const number = types.has('number') || types.has('integer')
  const bounds = all.filter(({ type }) => type === 'number' || type === 'integer')
  return {
    number,
    fits: (value) =>
      bounds.some(
        ({ minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity }) =>
          value >= minimum && value <= maximum && value > Number(exclusiveMinimum),
      ),
    whole: types.has('integer') && !types.has('number'),
    boolean: types.has('boolean'),
    entry: entryOf(all),
    words: texts,
    text: plainText && !number,
    share: number && plainText,
  }
}
