import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { call } from './call.js'

/** A file of times by 30 ms and 20 µs a token. */
function sweep(lengths: readonly number[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'plumbline-fit-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'sweep.csv')
  writeFileSync(
    file,
    ['prompt_tokens,ttft_ms', ...lengths.map((n) => `${n},${30 + 0.02 * n}`), ''].join('\n'),
  )
  return file
}
const LENGTHS = [128, 256, 512, 1024, 2048, 4096, 8192]

test('plumbline fit tells the curve of a file and how well it foretells every third length', async () => {
  const { code, stdout } = await call(['fit', sweep(LENGTHS), '--hold-out', '3'])
  expect(code).toBe(0)
  expect(stdout).toMatch(/sweep, prefill: base 30\.0 .* ms; fresh 20\.0 .* µs\/token/)
  expect(stdout).toMatch(/sweep, held out: 2 lengths, predicted within \S+ % on average/)
})

test('--json is one document, with curves as in a snapshot, and the same twice', async () => {
  const file = sweep(LENGTHS)
  const [one, two] = await Promise.all([1, 2].map(() => call(['fit', file, '--json', '--hold-out', '3'])))
  expect(one?.stdout).toBe(two?.stdout)
  const { exit, curves, heldOut } = JSON.parse(one?.stdout ?? '') as Record<string, unknown>
  expect(exit).toBe(0)
  expect(curves).toEqual([expect.objectContaining({ target: 'sweep', law: 'prefill', samples: 7 })])
  expect(heldOut).toMatchObject({ lengths: [{ promptTokens: 512 }, { promptTokens: 4096 }] })
})

test('a file that gives no curve ends with 4 and says why; one that is none with 2', async () => {
  const alone = await call(['fit', sweep([512])])
  expect([alone.code, alone.stdout]).toEqual([4, expect.stringContaining('one prompt length cannot tell')])
  const every = await call(['fit', sweep(LENGTHS), '--hold-out', '1'])
  expect([every.code, every.stderr]).toEqual([2, expect.stringContaining('--hold-out 1: from 2 up')])
  const none = await call(['fit', '/nowhere/sweep.csv'])
  expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('/nowhere/sweep.csv: cannot be read')])
})
