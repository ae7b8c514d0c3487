/** A YAML reader for files that people write: bounded before it is parsed, every value with its position. */
import { Composer, isAlias, isMap, isScalar, isSeq, Lexer, LineCounter, Parser } from 'yaml'
import type { Alias, CST, ParsedNode, YAMLError, YAMLMap } from 'yaml'
import type { PathPart, Position, Problem } from './problem.js'

export type YamlResult =
  | {
      ok: true
      value: unknown
      /** The position of a value; undefined where the document has none. */
      at(path: readonly PathPart[]): Position | undefined
      /** The position of the key that names a value; of the value itself in a list. */
      keyAt(path: readonly PathPart[]): Position | undefined
      /** The position of the value, or of the nearest thing around it that exists: for what is missing. */
      around(path: readonly PathPart[]): Position
    }
  | { ok: false; problems: Problem[] }

export interface YamlLimits {
  /** Size of the text, bytes in UTF-8. */
  maxBytes: number
  /** Collections within collections, also those that an alias brings in. */
  maxDepth: number
  /** Values after aliases are filled in. */
  maxValues: number
  /** Aliases filled in. */
  maxAliases: number
}

export const yamlLimits: YamlLimits = {
  maxBytes: 1 << 20,
  maxDepth: 64,
  maxValues: 100_000,
  maxAliases: 1_000,
}

const MAX_PROBLEMS = 20

/**
 * Reads one document. Mappings come as objects without a prototype, so no key can reach `Object.prototype`.
 * Refused: several documents, directives, own tags, merge keys, duplicate keys, `__proto__`, whole numbers that
 * a double cannot hold, and whatever passes the limits.
 */
export function readYaml(source: string, file: string, limits: YamlLimits = yamlLimits): YamlResult {
  const text = source.startsWith('\uFEFF') ? source.slice(1) : source
  const bytes = Buffer.byteLength(text)
  if (bytes > limits.maxBytes) {
    const message = `the file is ${bytes} bytes long; at most ${limits.maxBytes} are read`
    return { ok: false, problems: [{ file, line: 1, column: 1, path: [], message }] }
  }
  const lines = new LineCounter()
  const positionAt = (offset: number): Position => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const problems: Problem[] = []
  const report: Report = (offset, path, message) => {
    const { line, column } = positionAt(offset)
    // One place, one problem: the parser has followed up its first complaint with more.
    const told = problems.some((problem) => problem.line === line && problem.column === column)
    if (!told && problems.length < MAX_PROBLEMS) problems.push({ file, line, column, path, message })
  }
  const tokens = tokenize(text, lines, limits.maxDepth, report)
  if (tokens === null) return { ok: false, problems }
  const root = compose(tokens, text.length, report)
  if (problems.length > 0) return { ok: false, problems }
  const targets = new Map<Alias, ParsedNode>()
  const value = root === null ? null : toValue(root, targets, limits, report)
  if (problems.length > 0) return { ok: false, problems }
  const start = root?.range[0] ?? 0
  return {
    ok: true,
    value,
    at: (path) => mapDefined(find(root, path, targets)?.value, positionAt),
    keyAt: (path) => mapDefined(find(root, path, targets)?.key, positionAt),
    around(path) {
      for (let length = path.length; length > 0; length--) {
        const found = find(root, path.slice(0, length), targets)
        if (found !== undefined) return positionAt(length === path.length ? found.value : found.key)
      }
      return positionAt(start)
    },
  }
}

type Report = (offset: number, path: readonly PathPart[], message: string) => void

/**
 * The syntax tree, or null where it is nested too deep. The parser is fed one lexeme at a time and its stack is
 * watched: it holds no recursion, while composing a deep tree does, and near the end of the stack Node 20 and 22
 * abort in the regular-expression compiler, which nothing can catch.
 */
function tokenize(text: string, lines: LineCounter, maxDepth: number, report: Report): CST.Token[] | null {
  const parser = new Parser(lines.addNewLine)
  const tokens: CST.Token[] = []
  lines.addNewLine(0)
  for (const lexeme of new Lexer().lex(text)) {
    tokens.push(...parser.next(lexeme))
    if (parser.stack.length <= maxDepth) continue
    const tooDeep = parser.stack.filter(isCollection)[maxDepth]
    if (tooDeep !== undefined) {
      report(tooDeep.offset, [], `lists and mappings are nested more than ${maxDepth} deep`)
      return null
    }
  }
  tokens.push(...parser.end())
  return tokens
}

function isCollection(token: CST.Token): token is CST.BlockMap | CST.BlockSequence | CST.FlowCollection {
  return token.type === 'block-map' || token.type === 'block-seq' || token.type === 'flow-collection'
}

function compose(tokens: CST.Token[], length: number, report: Report): ParsedNode | null {
  for (const token of tokens) {
    if (token.type === 'directive')
      report(token.offset, [], 'directives (lines that start with %) are not supported')
  }
  // Its check of unique keys compares every pair of keys: ours, below, is linear.
  const options = { uniqueKeys: false, stringKeys: true, resolveKnownTags: false, prettyErrors: false }
  const documents = [...new Composer(options).compose(tokens, true, length)]
  const [first, second] = documents
  if (second !== undefined) {
    report(second.range[0], [], 'a second document starts here: keep one to a file')
  }
  for (const error of first?.errors ?? []) report(error.pos[0], [], sentence(error))
  for (const warning of first?.warnings ?? []) report(warning.pos[0], [], sentence(warning))
  return first?.contents ?? null
}

/** Values of our own making from the tree, with a budget: what an alias brings in is copied and counted. */
function toValue(
  root: ParsedNode,
  targets: Map<Alias, ParsedNode>,
  limits: YamlLimits,
  report: Report,
): unknown {
  const anchors = new Map<string, ParsedNode>()
  let values = 0
  let aliases = 0
  let spent = false

  // `inAlias`: inside a copy, whose anchors and aliases have been read where they stand.
  function visit(node: ParsedNode | null, path: readonly PathPart[], inAlias: boolean): unknown {
    if (node === null || spent) return null
    if (++values > limits.maxValues) return stop(node, path, `longer than ${limits.maxValues} values`)
    if (isAlias(node)) return follow(node, path)
    if (!inAlias && node.anchor !== undefined) anchors.set(node.anchor, node)
    if (path.length > limits.maxDepth)
      return stop(node, path.slice(0, 3), `nested more than ${limits.maxDepth} deep`)
    if (isScalar(node)) return scalar(node, path)
    if (isSeq(node)) return node.items.map((item, index) => visit(item, [...path, index], inAlias))
    const object: Record<string, unknown> = Object.setPrototypeOf({}, null)
    for (const pair of node.items) {
      const key = keyOf(pair.key)
      const offset = pair.key.range[0]
      const inside = [...path, key]
      if (Object.hasOwn(object, key)) report(offset, inside, 'is given twice: keep one of them')
      else if (key === '__proto__') report(offset, inside, 'is no key that can be used')
      else if (key === '<<') report(offset, path, 'merge keys (<<) are not supported: write the keys out')
      else object[key] = visit(pair.value, inside, inAlias)
    }
    return object
  }

  function follow(alias: Alias.Parsed, path: readonly PathPart[]): unknown {
    if (++aliases > limits.maxAliases) return stop(alias, path, `use more than ${limits.maxAliases} aliases`)
    const target = targets.get(alias) ?? anchors.get(alias.source)
    if (target === undefined) {
      report(alias.range[0], path, `*${alias.source} names no anchor (&${alias.source}) above it`)
      return null
    }
    targets.set(alias, target)
    return visit(target, path, true)
  }

  function scalar(
    node: { value: unknown; source?: string; range: [number, number, number] },
    path: readonly PathPart[],
  ) {
    const { value, source = '' } = node
    if (Number.isInteger(value) && !Number.isSafeInteger(value) && /^[-+]?\d+$/.test(source)) {
      report(
        node.range[0],
        path,
        'is too large for an exact whole number: put it in quotes or write it as 1e20',
      )
    }
    return value
  }

  function stop(node: ParsedNode, path: readonly PathPart[], what: string): null {
    if (!spent) report(node.range[0], path, `makes the document ${what}`)
    spent = true
    return null
  }

  return visit(root, [], false)
}

/** Offsets of the value at a path, and of its key. */
function find(
  root: ParsedNode | null,
  path: readonly PathPart[],
  targets: ReadonlyMap<Alias, ParsedNode>,
): { key: number; value: number } | undefined {
  let node: ParsedNode | null = root
  let key = root?.range[0] ?? 0
  for (const part of path) {
    if (isAlias(node)) node = targets.get(node) ?? null
    if (isSeq(node) && typeof part === 'number') {
      const item: ParsedNode | undefined = node.items[part]
      if (item === undefined) return undefined
      node = item
      key = item.range[0]
    } else if (isMap(node)) {
      const pair = pairOf(node, String(part))
      if (pair === undefined) return undefined
      node = pair.value
      key = pair.key.range[0]
    } else return undefined
  }
  return { key, value: node?.range[0] ?? key }
}

function pairOf(map: YAMLMap.Parsed, name: string) {
  return map.items.find(({ key }) => keyOf(key) === name)
}

/** `stringKeys` has refused every other kind of key by now. */
function keyOf(key: ParsedNode): string {
  return isScalar(key) ? String(key.value) : ''
}

function mapDefined<T, U>(value: T | undefined, map: (value: T) => U): U | undefined {
  return value === undefined ? undefined : map(value)
}

/** What the parser found, in words that say how to mend it. Its own words may quote the file: only two codes pass. */
function sentence(error: YAMLError): string {
  switch (error.code) {
    case 'TAB_AS_INDENT':
      return 'a tab indents this line: use spaces'
    case 'BAD_INDENT':
      return 'the indentation of this line fits none of the lines above'
    case 'MULTILINE_IMPLICIT_KEY':
    case 'KEY_OVER_1024_CHARS':
      return 'a key must stand on one line and end with ": ": is a colon, a space after it or a quote missing?'
    case 'BLOCK_AS_IMPLICIT_KEY':
      return 'a mapping cannot start on this line: put quotes around a text that holds ": "'
    case 'BLOCK_IN_FLOW':
      return 'inside [ ] and { } lists and mappings are written with [ ] and { } too'
    case 'TAG_RESOLVE_FAILED':
    case 'MULTIPLE_TAGS':
    case 'BAD_COLLECTION_TYPE':
      return 'tags (!name) are not supported, or this one does not fit its value'
    case 'NON_STRING_KEY':
      return 'a key must be a plain word or a text in quotes'
    case 'BAD_ALIAS':
    case 'ALIAS_PROPS':
    case 'MULTIPLE_ANCHORS':
    case 'BAD_PROP_ORDER':
      return 'an anchor (&name) or alias (*name) is not well formed: put quotes around a text that starts with & or *'
    case 'BAD_DQ_ESCAPE':
      return 'a backslash in a text in double quotes starts no known escape: write \\\\ or use single quotes'
    case 'BAD_SCALAR_START':
      return 'a text cannot start with this character: put it in quotes'
    case 'MISSING_CHAR':
    case 'UNEXPECTED_TOKEN':
      return `not well formed: ${firstWords(error.message)}`
    default:
      return 'this is not well-formed YAML'
  }
}

function firstWords(message: string): string {
  const line = message.split('\n', 1)[0] ?? ''
  // A token is quoted after a colon; it may be a secret that stands at the wrong place.
  return line.replace(/: ".*$|: '.*$/, '').slice(0, 100)
}
