/** The pages that a reader sees, and what stands in them: code blocks, commands, links, headings. */
import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

const TOP = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md', 'ARCHITECTURE.md']

export interface CodeBlock {
  page: string
  /** Line of its fence, from 1. */
  line: number
  language: string
  /** What an HTML comment right above says: `fragment`, `file: NAME`, `paste: NAME`; '' without one. */
  mark: string
  text: string
}

export function pages(): string[] {
  const docs = readdirSync(`${ROOT}docs`).filter((name) => name.endsWith('.md'))
  return [...TOP, ...docs.map((name) => `docs/${name}`)]
}

export const read = (path: string): string => readFileSync(ROOT + path, 'utf8')

export function blocksOf(page: string): CodeBlock[] {
  const found: CodeBlock[] = []
  const lines = read(page).split('\n')
  for (let i = 0; i < lines.length; i++) {
    const language = /^```(\w*)/.exec(lines[i] ?? '')?.[1]
    if (language === undefined) continue
    const end = lines.indexOf('```', i + 1)
    const mark = /^<!-- (.+) -->$/.exec(lines[i - 1] ?? '')?.[1] ?? ''
    found.push({ page, line: i + 1, language, mark, text: `${lines.slice(i + 1, end).join('\n')}\n` })
    i = end
  }
  return found
}

/** A page without its code blocks: what is prose, tables and links. */
export function proseOf(page: string): string {
  return read(page).replaceAll(/^```[\s\S]*?^```$/gm, '')
}

export interface Command {
  page: string
  /** Words after the name of the program, up to the next shell operator. */
  words: string[]
}

/** Every `plumbline …` and `npx llm-plumbline …` in shell blocks, in code within a line, and in comments of YAML files. */
export function commandsOf(page: string): Command[] {
  const shell = page.endsWith('.md')
    ? [
        ...blocksOf(page)
          .filter(({ language }) => language === 'sh' || language === 'console')
          .flatMap(({ text }) => text.split('\n')),
        ...[...proseOf(page).matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? ''),
      ]
    : read(page)
        .split('\n')
        .flatMap((line) => /^\s*#\s+(.*)$/.exec(line)?.[1] ?? [])
  return shell
    .flatMap((line) => line.replace(/\s#\s.*$/, '').split(/&&|\|\||[|;]|>>?/))
    .flatMap((part) => {
      const called =
        /^\s*(?:\d[\d*/ ]+\s)?(?:\$ )?(?:[A-Z_]+=\S+ +)*(?:npx llm-plumbline|plumbline)(?: (.*))?$/.exec(
          part.replaceAll(/'[^']*'|"[^"]*"/g, 'quoted'),
        )
      return called === null ? [] : [{ page, words: (called[1] ?? '').trim().split(/\s+/).filter(Boolean) }]
    })
}

/** As GitHub makes anchors of headings. */
export function anchorsOf(page: string): Set<string> {
  const headings = [...proseOf(page).matchAll(/^#+ (.+)$/gm)].map((match) => match[1] ?? '')
  return new Set(
    headings.map((text) =>
      text
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

/** Targets of Markdown links and pictures, without addresses of the web. */
export function linksOf(page: string): string[] {
  const targets = [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '')
  return targets.filter((target) => !/^[a-z]+:/.test(target))
}
