/** The command line is built on the public API: what it takes from a room, `src/index.ts` offers. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const src = fileURLToPath(new URL('../../src/', import.meta.url))

/** Of each import or re-export of a text: the file that it names, and the names that it takes there. */
function takenFrom(text: string, kind: 'import' | 'export'): { file: string; names: string[] }[] {
  const statements = text.matchAll(
    new RegExp(`^${kind} (?:type )?\\{([^}]*)\\} from '\\.\\.?/([^']+)'`, 'gm'),
  )
  return [...statements].map(([, list = '', file = '']) => ({
    file,
    names: list.split(',').flatMap((entry) => /^\s*(?:type )?(\w+)/.exec(entry)?.[1] ?? []),
  }))
}

const keys = (taken: readonly { file: string; names: string[] }[]): string[] =>
  taken.flatMap(({ file, names }) => names.map((name) => `${name} of ${file}`))

const offered = new Set(keys(takenFrom(readFileSync(`${src}index.ts`, 'utf8'), 'export')))
const OWN = /^(?:report|border)\//

test('what the command line takes from a room the package edge offers; report and border are its own', () => {
  const commands = readdirSync(`${src}cli`).map((name) => readFileSync(`${src}cli/${name}`, 'utf8'))
  const taken = keys(commands.flatMap((text) => takenFrom(text, 'import'))).filter((key) => key.includes('/'))
  const ofRooms = taken.filter((key) => !OWN.test(key.split(' of ')[1] ?? ''))
  expect(ofRooms.length).toBeGreaterThan(50)
  expect(ofRooms.filter((key) => !offered.has(key))).toEqual([])
})
