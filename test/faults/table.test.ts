import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Shown } from './catalogue.js'
import { faults, pageTables, threats } from './catalogue.js'

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')

/** Tests that are named and are not there; a name stands in quotes, as a title or as the first cell of a row. */
function missing(shown: readonly Shown[]): string[] {
  return shown
    .filter(([file, name]) => {
      if (!existsSync(new URL(`../${file}`, import.meta.url))) return true
      const text = read(file)
      return !['"', "'", '`'].some((quote) => text.includes(quote + name))
    })
    .map(([file, name]) => `${file} has no test "${name}…"`)
}

test('there are 60 faults and 15 threats, and each is shown by a test that exists', () => {
  expect([faults.length, threats.length]).toEqual([60, 15])
  expect([...faults, ...threats].filter(({ shown }) => shown.length === 0)).toEqual([])
  expect([...faults, ...threats].flatMap(({ shown }) => missing(shown))).toEqual([])
})

test('a test that is not there is found out', () => {
  expect(missing([['faults/table.test.ts', ['no', 'such', 'test'].join(' ')]])).toHaveLength(1)
  expect(missing([['faults/none.test.ts', 'x']])).toHaveLength(1)
})

test('docs/faults.md holds the tables of the catalogue, row by row', () => {
  const page = read('../docs/faults.md').replaceAll(/ +\|/g, ' |').replaceAll(/-{3,}/g, '---')
  for (const row of pageTables().split('\n'))
    expect(
      page,
      'docs/faults.md is behind test/faults/catalogue.ts: put the row there that is expected here',
    ).toContain(row.trim())
})
