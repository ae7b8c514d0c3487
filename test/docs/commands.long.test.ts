/**
 * Runs the commands that stand in the shell blocks of README and docs, as they stand there: against simulated providers, in
 * a folder where the files and results that they name were made before.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { blocksOf, pages } from './pages.js'
import { openDesk, type Desk } from './desk.js'

/** What is not run, and why. Each must still stand in a page. */
const NOT_RUN: readonly (readonly [RegExp, string])[] = [
  [
    /^npm start$/,
    'installs and builds in this very tree; what it then runs is the quickstart, which is run here',
  ],
  [/^npm cit$/, 'is this very suite, behind a clean install'],
]

/** What is put in another's place, and why. Each must still be needed. */
const REPLACED: readonly (readonly [RegExp, (desk: Desk) => string, string])[] = [
  [/http:\/\/localhost:8000\/v1/g, ({ url }) => url, 'a server of ours stands where the reader has one'],
  [/http:\/\/tempo:4318/, () => 'http://127.0.0.1:9', 'nothing is sent, so nobody need listen'],
  [/--port (?:8080|9464)\b/, () => '--port 0', 'the port may be taken'],
  [/--listen 4318\b/, () => '--listen 0', 'the port may be taken'],
  [/--requests 100000\b/, () => '--requests 1000', 'takes half a minute by itself'],
  [/--spans - /, () => '--spans - --requests 500 ', 'the same'],
  [
    /accept results\/ci\b/,
    () => 'accept results/ci --force',
    'what a busy machine measured is refused without',
  ],
  [/^\d+ \d+ \* \* \*\s+/, () => '', 'the time of a line of a crontab'],
  [/\/srv\/plumbline|\/(?=run\/secrets)/g, ({ path }) => `${path}/`, 'folders of the reader'],
]

/** Commands that serve until they are stopped, and what they print when they are ready. */
const SERVES: readonly (readonly [RegExp, RegExp])[] = [
  [/^\S*plumbline simulate (?!.*--spans)/, /simulated provider .* at http/],
  [/plumbline schedule /, /serving http/],
  [/ --listen /, /listening on http/],
]

/**
 * Exit codes that are a right answer, where 0 is not the only one. A verdict is what the machine of the moment made of it:
 * a comparison may find a shift (1), too few blocks (4) or an instrument that was disturbed (5), an expectation may not be
 * met (1). What no command of a page may be is wrong (2) or broken off (3).
 */
const ANSWERS: readonly (readonly [RegExp, readonly number[]])[] = [
  [/plumbline validate my\.yaml/, [2]], // shown with what it finds
  [/plumbline compare /, [0, 1, 4, 5]],
  [/plumbline trend /, [0, 1, 4]],
  [/plumbline (?:run|probe) /, [0, 1]],
]

/** Lines of a block, those that end in a backslash joined; of a console only what is typed. */
function linesOf(language: string, text: string): string[] {
  const joined = text.replaceAll(/\\\n\s*/g, ' ').split('\n')
  const typed = language === 'console' ? joined.flatMap((line) => /^\$ (.*)$/.exec(line)?.[1] ?? []) : joined
  return typed
    .map((line) => line.replace(/\s+#\s.*$/, '').trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
}

const blocks = pages()
  .filter((page) => page === 'README.md' || page.startsWith('docs/'))
  .flatMap(blocksOf)
  .filter(({ language }) => language === 'sh' || language === 'console')
  .map(({ page, line, language, text }) => ({ at: `${page}:${line}`, lines: linesOf(language, text) }))
const all = blocks.flatMap(({ lines }) => lines)

describe('commands of the pages', () => {
  let desk: Desk
  beforeAll(async () => {
    desk = await openDesk()
  }, 600_000)
  afterAll(() => desk?.close())

  it('there are some, and every exception is one that is needed', () => {
    expect(all.filter((line) => /plumbline/.test(line)).length).toBeGreaterThan(40)
    const patterns = [NOT_RUN, REPLACED, SERVES, ANSWERS].flatMap((rules) =>
      rules.map(([pattern]) => pattern),
    )
    expect(patterns.filter((pattern) => !all.some((line) => line.search(pattern) >= 0))).toEqual([])
  })

  it.each(blocks.map(({ at, lines }) => [at, lines] as const))(
    '%s: each works',
    async (_, lines) => {
      for (const line of lines.filter((each) => !NOT_RUN.some(([pattern]) => pattern.test(each)))) {
        const here = REPLACED.reduce((text, [pattern, by]) => text.replace(pattern, by(desk)), line)
        const ready = SERVES.find(([pattern]) => pattern.test(here))?.[1]
        const { code, stderr } = await desk.sh(here, ready)
        const right = ANSWERS.find(([pattern]) => pattern.test(here))?.[1] ?? [0]
        expect(right, `${line}\nended with ${code}\n${stderr.slice(-2000)}`).toContain(code)
      }
    },
    600_000, // a quiet machine takes a minute for the longest of them
  )

  it('what docs/scenarios.md shows of a wrong file is what is said of it, with line and column', async () => {
    const { stderr, stdout } = await desk.sh('plumbline validate my.yaml')
    const page = blocksOf('docs/scenarios.md').find(({ text }) =>
      text.startsWith('$ plumbline validate my.yaml'),
    )
    const shown = (page?.text ?? '').split('\n').filter((line) => line.startsWith('my.yaml:'))
    expect(shown.length).toBe(2)
    for (const line of shown) expect(stdout + stderr).toContain(line)
  })
})
