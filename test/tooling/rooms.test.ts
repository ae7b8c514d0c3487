import { execFileSync, spawnSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { BORDER, EDGE, PROBES, rooms } from '../../scripts/rooms.mjs'

const root = fileURLToPath(new URL('../../', import.meta.url))
const oxlint = join(root, 'node_modules', 'oxlint', 'bin', 'oxlint')

const names = Object.keys(rooms)
const inSrc = names.filter((name) => name !== PROBES)

/** What the table says, read anew: the generator is under test here. */
function allows(from: string, to: string, types: boolean): boolean {
  const room = rooms[from]
  if (room === undefined) return false
  if (from === to || to === BORDER || room.uses.includes(to)) return true
  return types && (room.types ?? []).includes(to)
}

test('every folder in src is a room of the table, and rooms are flat', () => {
  const entries = readdirSync(join(root, 'src'), { withFileTypes: true })
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  expect(folders.filter((name) => !inSrc.includes(name))).toEqual([])
  const files = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name)
  expect(files.filter((name) => name !== 'index.ts')).toEqual([])
  for (const folder of folders) {
    const inside = readdirSync(join(root, 'src', folder), { withFileTypes: true })
    expect(
      inside.filter((entry) => entry.isDirectory()),
      folder,
    ).toEqual([])
  }
})

test('the table knows only its own rooms, and value imports run one way', () => {
  for (const [name, { uses, types = [] }] of Object.entries(rooms)) {
    for (const used of [...uses, ...types]) {
      if (used !== EDGE) expect(names, `${name} uses ${used}`).toContain(used)
    }
  }
  const done = new Set<string>()
  const visit = (name: string, above: readonly string[]): void => {
    expect(above, 'a circle of rooms').not.toContain(name)
    if (done.has(name)) return
    for (const used of rooms[name]?.uses ?? []) if (used !== EDGE) visit(used, [...above, name])
    done.add(name)
  }
  for (const name of names) visit(name, [])
})

test('.oxlintrc.json is what the table makes', () => {
  const script = join(root, 'scripts', 'lint-config.mjs')
  expect(spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' })).toMatchObject({ status: 0 })
})

let house = ''
/** Files that `no-restricted-imports` complained about, with what it said. */
const complaints = new Map<string, string>()

const Report = z.object({
  diagnostics: z.array(
    z.object({
      code: z.nullish(z.string()),
      filename: z.string(),
      message: z.string(),
      help: z.nullish(z.string()),
    }),
  ),
})

const importer = (from: string, to: string, kind: string): string =>
  from === PROBES ? `probes/${to}-${kind}.ts` : `src/${from}/${to}-${kind}.ts`

const specifier = (from: string, to: string): string => {
  if (to === PROBES) return from === PROBES ? './target.js' : '../../probes/target.js'
  if (to === EDGE) return from === PROBES ? '../src/index.js' : '../index.js'
  return from === PROBES ? `../src/${to}/target.js` : `../${to}/target.js`
}

/** One house with an import of every room by every room, in every form, and one run of the linter over it. */
beforeAll(() => {
  house = mkdtempSync(join(tmpdir(), 'plumbline-house-'))
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(house, path)), { recursive: true })
    writeFileSync(join(house, path), text)
  }
  write('.oxlintrc.json', readFileSync(join(root, '.oxlintrc.json'), 'utf8'))
  symlinkSync(join(root, 'node_modules'), join(house, 'node_modules'))
  for (const name of [...inSrc, PROBES]) {
    write(
      name === PROBES ? 'probes/target.ts' : `src/${name}/target.ts`,
      'export const value = 1\nexport type Kind = 1\n',
    )
  }
  write('src/index.ts', 'export const value = 1\nexport type Kind = 1\n')
  for (const from of names) {
    for (const to of [...names, EDGE]) {
      const of = `'${specifier(from, to)}'`
      write(importer(from, to, 'value'), `import { value } from ${of}\nexport const here = value + 1\n`)
      write(importer(from, to, 'types'), `import type { Kind } from ${of}\nexport type Here = Kind | 2\n`)
      write(importer(from, to, 'dynamic'), `export const here = async () => (await import(${of})).value\n`)
      write(importer(from, to, 're-export'), `export { value } from ${of}\n`)
    }
  }
  write('src/stats/deep.ts', `import { value } from './inner/target.js'\nexport const here = value + 1\n`)
  write('src/stats/tests.ts', `import { value } from '../../test/target.js'\nexport const here = value + 1\n`)
  write('probes/tests.ts', `import { value } from '../test/target.js'\nexport const here = value + 1\n`)
  const run = spawnSync(process.execPath, [oxlint, '--format=json', 'src', 'probes'], {
    cwd: house,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  for (const { code, filename, message, help } of Report.parse(JSON.parse(run.stdout)).diagnostics) {
    if (code?.includes('no-restricted-imports')) {
      complaints.set(filename.replaceAll('\\', '/').replace(/^\.\//, ''), `${message} ${help ?? ''}`)
    }
  }
})

afterAll(() => rmSync(house, { recursive: true, force: true }))

test.each(names)(
  '%s: a planted import fails unless the table allows it, types where it allows types',
  (from) => {
    for (const to of [...names, EDGE]) {
      const told = (kind: string): boolean => complaints.has(importer(from, to, kind))
      expect(told('value'), `${from} imports ${to}`).toBe(!allows(from, to, false))
      expect(told('re-export'), `${from} hands ${to} on`).toBe(!allows(from, to, false))
      expect(told('dynamic'), `${from} loads ${to}`).toBe(!allows(from, to, false))
      expect(told('types'), `${from} imports types of ${to}`).toBe(!allows(from, to, true))
    }
  },
)

test('probes import types of plan, and nothing else of ours', () => {
  expect(complaints.has('probes/plan-types.ts')).toBe(false)
  expect(complaints.get('probes/plan-value.ts')).toContain(
    'probes may import border; types of plan (scripts/rooms.mjs)',
  )
  expect(complaints.has('probes/tests.ts')).toBe(true)
})

test('no room imports tests or a folder below a room', () => {
  expect(complaints.has('src/stats/tests.ts')).toBe(true)
  expect(complaints.get('src/stats/deep.ts')).toContain('Rooms are flat')
})

test('the linter ends with an error on a planted violation, and without one ends well', () => {
  const lint = (path: string) => spawnSync(process.execPath, [oxlint, path], { cwd: house }).status
  expect(lint('src/plan/wire-value.ts')).toBe(1)
  expect(lint('src/plan/stats-value.ts')).toBe(0)
})

test('the instruction for a mended table is the command that writes the file', () => {
  const stale = join(house, 'stale')
  mkdirSync(join(stale, 'scripts'), { recursive: true })
  for (const name of ['rooms.mjs', 'lint-config.mjs']) {
    writeFileSync(join(stale, 'scripts', name), readFileSync(join(root, 'scripts', name)))
  }
  writeFileSync(join(stale, '.oxlintrc.json'), '{}')
  const check = spawnSync(process.execPath, ['scripts/lint-config.mjs', '--check'], {
    cwd: stale,
    encoding: 'utf8',
  })
  expect(check.status).toBe(1)
  expect(check.stderr).toContain('run `node scripts/lint-config.mjs`')
  execFileSync(process.execPath, ['scripts/lint-config.mjs'], { cwd: stale })
  expect(readFileSync(join(stale, '.oxlintrc.json'), 'utf8')).toBe(
    readFileSync(join(root, '.oxlintrc.json'), 'utf8'),
  )
})
