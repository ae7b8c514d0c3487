/** Collects what is wrong with a scenario, each at its place in the file. */
import { pathText } from '../border/problem.js'
import type { PathPart, Problem } from '../border/problem.js'
import { REDACTED, looksLikeSecret } from '../border/redact.js'
import type { YamlDocument } from '../border/yaml.js'

/** `at`: point to the value (the default) or to the key that names it. What is missing is shown at what is around it. */
export type Complain = (path: readonly PathPart[], message: string, at?: 'value' | 'key') => void

export interface Report {
  problem: Complain
  warning: Complain
  /** A problem of a line that is no value: a comment. Left out where the line has one already. */
  lineProblem(line: number, message: string): void
  hasProblem(path: readonly PathPart[]): boolean
  lineOf(path: readonly PathPart[]): number | null
  /** In the order of the file, each said once. */
  problems(): Problem[]
  warnings(): Problem[]
}

/** `known`: what the reader of the document found wrong already. */
export function createReport(file: string, document: YamlDocument, known: readonly Problem[] = []): Report {
  const problems: Problem[] = [...known]
  const warnings: Problem[] = []
  const into =
    (list: Problem[]): Complain =>
    (path, message, at = 'value') => {
      const position = (at === 'key' ? document.keyAt(path) : document.at(path)) ?? document.around(path)
      // A secret may stand where a key belongs.
      const shown = path.map((part) => (looksLikeSecret(String(part)) === null ? part : REDACTED))
      list.push({ file, ...position, path: shown, message })
    }
  return {
    problem: into(problems),
    warning: into(warnings),
    lineProblem(line, message) {
      if (!problems.some((told) => told.line === line))
        problems.push({ file, line, column: 1, path: [], message })
    },
    hasProblem: (path) => problems.some((told) => pathText(told.path) === pathText(path)),
    lineOf: (path) => document.at(path)?.line ?? null,
    problems: () => inOrder(problems),
    warnings: () => inOrder(warnings),
  }
}

function inOrder(problems: readonly Problem[]): Problem[] {
  const seen = new Set<string>()
  return [...problems]
    .sort((a, b) => a.line - b.line || a.column - b.column)
    .filter(({ line, column, path, message }) => {
      const key = `${line}:${column}:${pathText(path)}:${message}`
      return seen.has(key) ? false : seen.add(key)
    })
}
