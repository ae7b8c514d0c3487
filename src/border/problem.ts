/** Where a file is wrong, and the sentence that says so. */

export interface Position {
  /** From 1. */
  line: number
  /** From 1, in UTF-16 units, as editors count. */
  column: number
}

/** One step into a document: a key of a mapping or an index of a list. */
export type PathPart = string | number

export interface Problem extends Position {
  /** As the user named it. */
  file: string
  /** The value it concerns; empty for the file as a whole. */
  path: readonly PathPart[]
  /** Says what is wrong and how to mend it; without file, position and path. */
  message: string
}

const PLAIN_KEY = /^[\p{L}_$][\p{L}\p{N}_$-]*$/u

/** `['probes', 1, 'promptTokens', 2]` → `probes[1].promptTokens[2]`; keys that are no plain word are quoted. */
export function pathText(path: readonly PathPart[]): string {
  let text = ''
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`
    else if (!PLAIN_KEY.test(part)) text += `[${JSON.stringify(part)}]`
    else text += text === '' ? part : `.${part}`
  }
  return text
}

/** `scenarios/x.yaml:14:9: probes[1].promptTokens[2] must be a whole number ≥ 1` */
export function problemText({ file, line, column, path, message }: Problem): string {
  const where = path.length === 0 ? '' : `${pathText(path)} `
  return `${file}:${line}:${column}: ${where}${message}`
}

/** The position of a UTF-16 offset; LF, CRLF and a lone CR end a line. */
export function positionOf(text: string, offset: number): Position {
  let line = 1
  let lineStart = 0
  for (const { index, 0: end } of text.slice(0, offset).matchAll(/\r\n|\n|\r/g)) {
    line++
    lineStart = index + end.length
  }
  return { line, column: offset - lineStart + 1 }
}
