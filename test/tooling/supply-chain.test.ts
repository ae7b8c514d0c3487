/** What is installed with the package: licences that it may be used under, contents that are pinned, no script of theirs run. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { z } from 'zod'

const root = fileURLToPath(new URL('../../', import.meta.url))
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

const Entry = z.looseObject({
  version: z.string().optional(),
  license: z.string().optional(),
  dev: z.boolean().optional(),
  devOptional: z.boolean().optional(),
  hasInstallScript: z.boolean().optional(),
  integrity: z.string().optional(),
})
const Lock = z.object({ packages: z.record(z.string(), Entry) })
const Manifest = z.looseObject({ license: z.string() })

/** Each asks for no more than that its text goes along, which npm sees to. */
const ALLOWED = new Set(['MIT', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', 'BlueOak-1.0.0'])

const all = Object.entries(Lock.parse(JSON.parse(read('package-lock.json'))).packages).filter(
  ([path]) => path !== '',
)
/** What `npm install llm-plumbline` brings along. */
const production = all.filter(([, { dev, devOptional }]) => dev !== true && devOptional !== true)
const nameOf = (path: string): string =>
  path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)

const unlicensed = (entries: typeof all): string[] =>
  entries.filter(([, { license = 'none' }]) => !ALLOWED.has(license)).map(([path]) => nameOf(path))

test('every package that is installed along has a licence of the list, the same in package-lock.json and in the package', () => {
  expect(production.length).toBeGreaterThan(15)
  expect(unlicensed(production)).toEqual([])
  const other = production.filter(
    ([path, { license }]) => Manifest.parse(JSON.parse(read(`${path}/package.json`))).license !== license,
  )
  expect(other.map(([path]) => path)).toEqual([])
})

test('a licence that is not on the list is found out, and so is none', () => {
  expect(unlicensed([['node_modules/a', { license: 'AGPL-3.0' }]])).toEqual(['a'])
  expect(unlicensed([['node_modules/@a/b', {}]])).toEqual(['@a/b'])
})

test('SECURITY.md lists every package that is installed along, with its licence, and no other', () => {
  const listed = [...read('SECURITY.md').matchAll(/^\| `([^`]+)` \| ([\w.-]+) \|$/gm)].map((row) =>
    row.slice(1),
  )
  const expected = production.map(([path, { license = '' }]) => [nameOf(path), license])
  expect(listed).toEqual(expected.sort(([a = ''], [b = '']) => (a < b ? -1 : 1)))
})

test('nothing is run on install: no package that is installed along has a script, and npm is told to run none', () => {
  expect(production.filter(([, { hasInstallScript }]) => hasInstallScript === true)).toEqual([])
  const { scripts } = z
    .object({ scripts: z.record(z.string(), z.string()) })
    .parse(JSON.parse(read('package.json')))
  expect(Object.keys(scripts).filter((name) => /^(pre|post)?install$|^prepare$/.test(name))).toEqual([])
  // So `npm cit`, and all that .ci/run does after it, passes without any script of a package having run.
  expect(read('.npmrc').split('\n')).toContain('ignore-scripts=true')
})

test('every package is pinned by a hash of its contents', () => {
  expect(
    all.filter(([, { integrity = '' }]) => !integrity.startsWith('sha512-')).map(([path]) => path),
  ).toEqual([])
})
