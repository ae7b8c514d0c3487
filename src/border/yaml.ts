/** A YAML reader for files that people write: bounded before it is parsed, every value with its position. */
import { Composer, isAlias, isMap, isScalar, isSeq, Lexer, LineCounter, Parser } from 'yaml'
import type { Alias, CST, ParsedNode, YAMLMap } from 'yaml'
import type { PathPart, Position, Problem } from './problem.js'
import { syntaxSentence, unclosed } from './yaml-syntax.js'

export interface YamlDocument {
  value: unknown
  /** The position of a value; undefined where the document has none. */
  at(path: readonly PathPart[]): Position | undefined
  /** The position of the key that names a value; of the value itself in a list. */
  keyAt(path: readonly PathPart[]): Position | undefined
  /** The position of the value, or of the nearest thing around it that exists: for what is missing. */
  around(path: readonly PathPart[]): Position
}

/** `rest`: what can still be read and checked beside the problems; absent where that would only mislead. */
export type YamlResult =
  ({ ok: true } & YamlDocument) | { ok: false; problems: Problem[]; rest?: YamlDocument }

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
  const root = compose(tokens, text, lines, report)
  if (problems.length > 0) return { ok: false, problems: firstOfEachLine(problems) }
  const targets = new Map<Alias, ParsedNode>()
  let isWhole = true
  const misled: Report = (...problem) => {
    isWhole = false
    report(...problem)
  }
  const value = root === null ? null : toValue(root, targets, limits, report, misled)
  const start = root?.range[0] ?? 0
  const document: YamlDocument = {
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
  if (problems.length === 0) return { ok: true, ...document }
  return { ok: false, problems, ...(isWhole && { rest: document }) }
}

/** The parser follows one mistake up with more on its line. */
function firstOfEachLine(problems: readonly Problem[]): Problem[] {
  return problems.filter(({ line }, index) => problems.findIndex((other) => other.line === line) === index)
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

function compose(tokens: CST.Token[], text: string, lines: LineCounter, report: Report): ParsedNode | null {
  for (const token of tokens) {
    if (token.type === 'directive')
      report(token.offset, [], 'directives (lines that start with %) are not supported')
  }
  // Its check of unique keys compares every pair of keys: ours, below, is linear.
  const options = { uniqueKeys: false, stringKeys: true, resolveKnownTags: false, prettyErrors: false }
  const documents = [...new Composer(options).compose(tokens, true, text.length)]
  const [first, second] = documents
  if (second !== undefined) {
    report(second.range[0], [], 'a second document starts here: keep one to a file')
  }
  const faults = [...(first?.errors ?? []), ...(first?.warnings ?? [])]
  const open = faults.length === 0 ? undefined : unclosed(tokens, faults)
  if (open !== undefined) report(open.offset, [], open.message)
  const lineAt = (line: number): string => {
    const [start, end] = [lines.lineStarts[line - 1], lines.lineStarts[line]]
    return start === undefined ? '' : text.slice(start, end)
  }
  for (const fault of faults) {
    const [offset] = fault.pos
    if (open !== undefined && offset >= open.offset) continue
    const { line } = lines.linePos(offset)
    report(offset, [], syntaxSentence(fault, lineAt(line), lineAt(line + 1)))
  }
  return first?.contents ?? null
}

/**
 * Values of our own making from the tree, with a budget: what an alias brings in is copied and counted. To `misled`
 * goes what leaves so much out that nothing can be said of the rest.
 */
function toValue(
  root: ParsedNode,
  targets: Map<Alias, ParsedNode>,
  limits: YamlLimits,
  report: Report,
  misled: Report,
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
      else if (key === '<<') misled(offset, path, 'merge keys (<<) are not supported: write the keys out')
      else object[key] = visit(pair.value, inside, inAlias)
    }
    return object
  }

  function follow(alias: Alias.Parsed, path: readonly PathPart[]): unknown {
    if (++aliases > limits.maxAliases) return stop(alias, path, `use more than ${limits.maxAliases} aliases`)
    const target = targets.get(alias) ?? anchors.get(alias.source)
    if (target === undefined) {
      misled(alias.range[0], path, `*${alias.source} names no anchor (&${alias.source}) above it`)
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
    if (!spent) misled(node.range[0], path, `makes the document ${what}`)
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
