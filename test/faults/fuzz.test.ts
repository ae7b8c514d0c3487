import { beforeAll, expect, test } from 'vitest'
import { examples } from '../../scripts/faults/fuzz-examples.mjs'
import { readers } from '../../scripts/faults/fuzz-readers.mjs'
import { fuzz } from '../../scripts/faults/fuzz.mjs'
import { ensureBuilt } from '../support/build.js'

beforeAll(async () => {
  await ensureBuilt()
})

test('every reader has examples, and is content with each as it stands', async () => {
  expect(Object.keys(readers)).toEqual(Object.keys(examples))
  for (const [name, make] of Object.entries(readers)) {
    const read = await make()
    for (const example of examples[name] ?? [])
      expect(await read(Buffer.from(example), () => 0), name).toBeNull()
  }
})

test('2,000 changed examples from one seed: no exception, none slower than a second, memory below 1 GB', async () => {
  const { line, broken } = await fuzz({ inputs: 2000, seed: 20_261_124 })
  expect(broken).toEqual([])
  expect(line).toContain('9 kinds')
})
