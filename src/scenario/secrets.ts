/** Refuses secrets that are written into a scenario: a file is committed, sent and shown. */
import type { PathPart } from '../border/problem.js'
import { looksLikeSecret } from '../border/redact.js'
import type { Complain } from './report.js'

const SECRET_HEADER =
  /^(?:authorization|proxy-authorization|cookie|(?:.*-)?(?:api-?key|access-?key|[a-z]*token|subscription-key|secret|password))$/i

const SECRET_FIELD =
  /^(?:api[-_]?key|access[-_]?key|access[-_]?token|auth[-_]?token|authorization|secret|password|bearer)$/i

/** Headers that the wire writes itself; another value would break the stream or its measurement. */
const OWN_HEADER =
  /^(?:host|content-length|transfer-encoding|connection|keep-alive|upgrade|expect|te|trailer|accept-encoding|proxy-connection)$/i

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/** A long random run is no secret here: a commit, a digest or a path of a model cache holds one. */
const NAMES_OF_FILES = new Set(['model', 'description'])

/** Whether a header is secret by its name. */
function isSecretHeader(name: string): boolean {
  return SECRET_HEADER.test(name)
}

/** Every text and key of the document that has the shape of a key. */
export function reportSecrets(value: unknown, problem: Complain): void {
  const visit = (node: unknown, path: readonly PathPart[]): void => {
    if (typeof node === 'string') {
      const kind = looksLikeSecret(node)
      const innocent = kind === 'a long random token' && NAMES_OF_FILES.has(String(path.at(-1)))
      if (kind !== null && !innocent) {
        problem(
          path,
          `seems to hold ${kind}: export it as an environment variable and name that (apiKeyEnv, or a header { env: NAME })`,
        )
      }
    } else if (Array.isArray(node)) {
      for (const [index, item] of node.entries()) visit(item, [...path, index])
    } else if (typeof node === 'object' && node !== null) {
      for (const [key, item] of Object.entries(node)) {
        const kind = looksLikeSecret(key)
        if (kind !== null)
          problem(path, `has a key that seems to be ${kind}: a secret never stands in a file`)
        visit(item, [...path, key])
      }
    }
  }
  visit(value, [])
}

/** The line of a comment that holds an unmistakable key; the values have been looked at by then. */
export function secretLines(text: string): { line: number; kind: string }[] {
  return text.split(/\r\n|\n|\r/).flatMap((source, index) => {
    const comment = source.indexOf('#')
    const kind = comment < 0 ? null : looksLikeSecret(source.slice(comment))
    return kind === null || kind === 'a long random token' ? [] : [{ line: index + 1, kind }]
  })
}

/** What is wrong with a header on the wire, and whether it is the name or the value; the value is not repeated. */
export function headerFault(name: string, value: unknown): { at: 'key' | 'value'; message: string } | null {
  if (!HEADER_NAME.test(name))
    return { at: 'key', message: 'is no name of a header: letters, digits and dashes' }
  if (OWN_HEADER.test(name)) return { at: 'key', message: 'is set by Plumbline itself: leave it out' }
  if (typeof value !== 'string' || HEADER_VALUE.test(value)) return null
  return { at: 'value', message: 'holds a line end or another character that a header cannot carry' }
}

/** Headers that hold a secret as text, that the wire owns, or that are no headers at all. */
export function reportHeaders(
  headers: Readonly<Record<string, unknown>>,
  path: readonly PathPart[],
  problem: Complain,
): void {
  const seen = new Set<string>()
  for (const [name, value] of Object.entries(headers)) {
    const at = [...path, name]
    if (seen.has(name.toLowerCase())) problem(at, 'is given twice: header names know no capitals', 'key')
    seen.add(name.toLowerCase())
    const fault = headerFault(name, value)
    if (fault !== null) problem(at, fault.message, fault.at)
    else if (typeof value === 'string' && isSecretHeader(name)) {
      const also = /^authorization$/i.test(name)
        ? ' (the whole value, Bearer included; or apiKeyEnv: NAME for a bearer key)'
        : ''
      problem(at, `would hold a secret in the file: write { env: NAME } and export NAME${also}`)
    }
  }
}

/** With them the answer would be longer than asked: the cell's name would lie, and no budget could be kept. */
const SET_BY_US: ReadonlySet<string> = new Set([
  'model',
  'max_tokens',
  'max_completion_tokens',
  'max_output_tokens',
  'max_new_tokens',
  'n_predict',
  'num_predict',
  'maxOutputTokens',
  'maxTokens',
  'candidateCount',
  'n',
  'best_of',
])

/** Where Gemini, Bedrock and Ollama keep what others have at the top. */
const NESTED: ReadonlySet<string> = new Set(['generationConfig', 'inferenceConfig', 'options'])

const PROMPTS: ReadonlySet<string> = new Set(['messages', 'prompt', 'input', 'contents'])

/** Body fields that hold a secret as text, or that would undo the measurement. */
export function reportBody(
  body: Readonly<Record<string, unknown>>,
  path: readonly PathPart[],
  problem: Complain,
): void {
  for (const [key, value] of Object.entries(body)) {
    const at = [...path, key]
    if (SECRET_FIELD.test(key) && typeof value === 'string') {
      problem(
        at,
        'would hold a secret in the file: a body carries none; use apiKeyEnv, or a header { env: NAME }',
      )
    }
    const nested = NESTED.has(key) && typeof value === 'object' && value !== null ? Object.keys(value) : []
    for (const place of [at, ...nested.map((name) => [...at, name])]) {
      if (SET_BY_US.has(String(place.at(-1))))
        problem(place, "is set by Plumbline itself: the probe's outputTokens, the target's model", 'key')
    }
    if (key === 'stream') problem(at, 'is set by Plumbline itself: answers are always streamed', 'key')
    if (PROMPTS.has(key)) problem(at, 'is set by the probe: use prompts.file for prompts of your own', 'key')
  }
}
