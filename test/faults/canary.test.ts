/** The spy that looks for secrets in all that a test's processes write: it finds a leak that was planted, in every form. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { CANARY, CANARY_NAME, takeLeaks } from '../support/canary.js'
import { runCli, workspace } from '../support/cli.js'
import { createSearch, formsOf } from '../support/secret-forms.js'

/** A program that does something with its own canary, as `key`. */
const planted = (code: string): string[] => ['-e', `const key = process.env.${CANARY_NAME}; ${code}`]

async function run(code: string, cwd?: string): Promise<string[]> {
  const child = spawn(process.execPath, planted(code), { cwd, env: {}, stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.resume()
  child.stderr.resume()
  await once(child, 'close')
  return takeLeaks().map(({ where, name }) => `${name} in ${where}`)
}

const inStdout = [`${CANARY_NAME} in stdout`]

test.each([
  ['as it is', 'key'],
  ['in base64', 'btoa(key)'],
  ['in base64, one byte on', "btoa('u' + key)"],
  ['in base64, two bytes on', "btoa('u:' + key)"],
  ['in base64 for addresses', "Buffer.from(key).toString('base64url')"],
  ['encoded for an address', 'encodeURIComponent(key)'],
  ['in JSON', 'JSON.stringify({ key })'],
  ['in hex', "Buffer.from(key).toString('hex')"],
])('a planted leak is found: the key %s', async (_, form) => {
  expect(await run(`process.stdout.write('a ' + ${form} + ' b')`)).toEqual(inStdout)
})

test('a planted leak is found: cut by the border of two writes, and on stderr', async () => {
  const cut =
    'process.stdout.write(key.slice(0, 9)); setTimeout(() => process.stdout.write(key.slice(9)), 100)'
  expect(await run(cut)).toEqual(inStdout)
  expect(await run('console.error(key)')).toEqual([`${CANARY_NAME} in stderr`])
})

test('a planted leak is found: in a file that is left in the folder of the process', async () => {
  const here = workspace()
  const code = "require('fs').mkdirSync('a'); require('fs').writeFileSync('a/b', 'x'.repeat(3e6) + key)"
  expect(await run(code, here.path)).toEqual([`${CANARY_NAME} in ${here.path}/a/b`])
})

test('a planted leak is found: of a process that is waited for', () => {
  spawnSync(process.execPath, planted('console.log(key)'), { env: {} })
  execFileSync(process.execPath, planted('console.log(key)'), { env: {} })
  expect(takeLeaks().map(({ name }) => name)).toEqual([CANARY_NAME, CANARY_NAME])
})

test('every process has the canary, those of the command line too, and a key that a test gives is looked for as well', async () => {
  const here = workspace()
  const spy = here.write('spy.cjs', 'process.stderr.write(process.env.MY_API_KEY)')
  const env = { NODE_OPTIONS: `--require ${spy}`, MY_API_KEY: 'k-0123456789abcdef' }
  await runCli(['--version'], { cwd: here.path, env })
  expect(takeLeaks().map(({ where, name }) => `${name} in ${where}`)).toEqual(['MY_API_KEY in stderr'])
})

test('what is no secret is not found: a process that says nothing of its keys leaks none', async () => {
  expect(await run(`console.log(key.length, '${CANARY_NAME}')`)).toEqual([])
})

test('a search over pieces of any size finds what stands across them, and nothing else', () => {
  const text = `before ${CANARY} after`
  for (let size = 1; size < 60; size += 7) {
    const search = createSearch(formsOf(CANARY))
    const found = new Set<string>()
    for (let at = 0; at < text.length; at += size)
      search(text.slice(at, at + size)).forEach((form) => found.add(form))
    expect([...found]).toEqual([CANARY])
  }
})
