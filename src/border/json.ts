/** A JSON reader for files and bodies that others write: depth, size and keys are checked before it is parsed. */
import { positionOf } from './problem.js'
import type { Problem } from './problem.js'

export interface JsonOptions {
  /** How problems name the text. @default 'JSON' */
  file?: string
  /** Objects and arrays within each other. @default 100 */
  maxDepth?: number
  /** Length of the text, UTF-16 units. @default 268435456: a longer one comes near the 512 MiB end of strings. */
  maxLength?: number
  /** `JSON.parse` silently takes the last of two equal keys. @default false */
  refuseDuplicateKeys?: boolean
}

export interface JsonProblem extends Problem {
  /** UTF-16 units from the start. */
  offset: number
}

export type JsonResult = { ok: true; value: unknown } | { ok: false; problem: JsonProblem }

export const jsonLimits = { maxDepth: 100, maxLength: 256 * 1024 * 1024 } as const

/**
 * Reads one JSON text (RFC 8259). The key `__proto__` is refused, so values may be copied by any means. Problems
 * never quote the text: it may hold a secret.
 */
export function readJson(text: string, options: JsonOptions = {}): JsonResult {
  const { file = 'JSON', maxLength = jsonLimits.maxLength } = options
  const { maxDepth = jsonLimits.maxDepth, refuseDuplicateKeys = false } = options
  const fault =
    text.length > maxLength
      ? { offset: 0, message: `longer than ${maxLength} characters` }
      : check(text, maxDepth, refuseDuplicateKeys)
  if (fault === null) return { ok: true, value: JSON.parse(text) as unknown }
  const { offset, message } = fault
  return { ok: false, problem: { file, ...positionOf(text, offset), path: [], message, offset } }
}

interface Fault {
  offset: number
  message: string
}

const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?/y
const WORD = /true|false|null/y
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y

/** What the next token may be. */
type Expect = 'value' | 'value-or-end' | 'key' | 'key-or-end' | 'colon' | 'comma-or-end'

const wanted: Record<Expect, string> = {
  value: 'a value',
  'value-or-end': 'a value or ]',
  key: 'a key in double quotes',
  'key-or-end': 'a key in double quotes or }',
  colon: 'a colon',
  'comma-or-end': 'a comma or the closing bracket',
}

/** The grammar without recursion: one pass over the text, one entry on a stack for each open bracket. */
function check(text: string, maxDepth: number, refuseDuplicateKeys: boolean): Fault | null {
  const open: number[] = [] // character codes of open brackets
  const seen: Set<string>[] = [] // keys of open objects, in step with `open`
  let expect: Expect = 'value'
  let offset = 0

  const unexpected = (at: number): Fault => {
    if (at >= text.length)
      return { offset: text.length, message: `the text ends where ${wanted[expect]} should stand` }
    return { offset: at, message: `expected ${wanted[expect]} here` }
  }

  for (;;) {
    offset = skipSpace(text, offset)
    if (expect === 'comma-or-end' && open.length === 0) {
      return offset === text.length ? null : { offset, message: 'the value has ended, but more text follows' }
    }
    if (offset >= text.length) return unexpected(offset)
    const code = text.charCodeAt(offset)
    switch (expect) {
      case 'value':
      case 'value-or-end': {
        if (code === CLOSE_BRACKET && expect === 'value-or-end') {
          open.pop()
          seen.pop()
          offset++
          expect = 'comma-or-end'
        } else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
          if (open.length === maxDepth) return { offset, message: `nested more than ${maxDepth} deep` }
          open.push(code)
          seen.push(new Set())
          offset++
          expect = code === OPEN_BRACE ? 'key-or-end' : 'value-or-end'
        } else {
          const end = scalarEnd(text, offset, code)
          if (typeof end !== 'number') return end ?? unexpected(offset)
          offset = end
          expect = 'comma-or-end'
        }
        break
      }
      case 'key':
      case 'key-or-end': {
        if (code === CLOSE_BRACE && expect === 'key-or-end') {
          open.pop()
          seen.pop()
          offset++
          expect = 'comma-or-end'
          break
        }
        if (code !== QUOTE) return unexpected(offset)
        const end = stringEnd(text, offset)
        if (typeof end !== 'number') return end
        const raw = text.slice(offset + 1, end - 1)
        const key = raw.includes('\\') ? String(JSON.parse(`"${raw}"`)) : raw
        if (key === '__proto__') return { offset, message: 'the key __proto__ is refused' }
        if (refuseDuplicateKeys) {
          const keys = seen.at(-1)
          if (keys?.has(key)) return { offset, message: 'this key stands twice in its object' }
          keys?.add(key)
        }
        offset = end
        expect = 'colon'
        break
      }
      case 'colon':
        if (code !== COLON) return unexpected(offset)
        offset++
        expect = 'value'
        break
      case 'comma-or-end': {
        const inObject = open.at(-1) === OPEN_BRACE
        if (code === COMMA) expect = inObject ? 'key' : 'value'
        else if (code === (inObject ? CLOSE_BRACE : CLOSE_BRACKET)) {
          open.pop()
          seen.pop()
        } else return unexpected(offset)
        offset++
        break
      }
      default:
        return expect satisfies never
    }
  }
}

function skipSpace(text: string, from: number): number {
  let offset = from
  for (;;) {
    const code = text.charCodeAt(offset)
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return offset
    offset++
  }
}

/** The end of a string, number or word; null where none starts here. */
function scalarEnd(text: string, offset: number, code: number): number | Fault | null {
  if (code === QUOTE) return stringEnd(text, offset)
  const pattern = code === 0x74 || code === 0x66 || code === 0x6e ? WORD : NUMBER
  pattern.lastIndex = offset
  return pattern.test(text) ? pattern.lastIndex : null
}

function stringEnd(text: string, start: number): number | Fault {
  let offset = start + 1
  for (;;) {
    const code = text.charCodeAt(offset)
    if (code === QUOTE) return offset + 1
    if (code === BACKSLASH) {
      ESCAPE.lastIndex = offset
      if (!ESCAPE.test(text)) return { offset, message: 'a backslash starts no known escape here' }
      offset = ESCAPE.lastIndex
    } else if (code < 0x20) return { offset, message: 'a control character in a string must be escaped' }
    else if (code !== code)
      return { offset: start, message: 'this string has no closing quote' } // NaN: past the end
    else offset++
  }
}
