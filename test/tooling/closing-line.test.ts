import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'

const script = fileURLToPath(new URL('../../scripts/closing-line.mjs', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'plumbline-closing-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function close(statuses: Record<string, string>, allowed = '', success = true) {
  const assertionResults = Object.entries(statuses).map(([fullName, status]) => ({ fullName, status }))
  const testResults = [{ name: join(folder, 'test', 'a.test.ts'), status: 'passed', assertionResults }]
  writeFileSync(join(folder, 'report.json'), JSON.stringify({ success, testResults }))
  writeFileSync(join(folder, 'allowed.txt'), allowed)
  return spawnSync(process.execPath, [script, 'report.json', 'allowed.txt'], {
    cwd: folder,
    encoding: 'utf8',
  })
}

test('all passed: one line, exit 0', () => {
  expect(close({ a: 'passed', b: 'passed' })).toMatchObject({
    status: 0,
    stdout: '2 passed, 0 failed, 0 skipped\n',
  })
})

test('a failure is named and exits 1', () => {
  const { status, stdout } = close({ a: 'passed', b: 'failed' })
  expect(stdout).toBe('failed: test/a.test.ts > b\n1 passed, 1 failed, 0 skipped\n')
  expect(status).toBe(1)
})

test('a skip exits 1 unless a line of the list names it or its beginning', () => {
  const { status, stdout } = close({ a: 'passed', 'b one': 'skipped' }, '# test/a.test.ts > b one\n')
  expect(stdout).toContain('skipped, and not in allowed.txt: test/a.test.ts > b one\n')
  expect(status).toBe(1)
  expect(close({ a: 'passed', 'b one': 'skipped' }, 'test/a.test.ts > b one\n').status).toBe(0)
  expect(close({ a: 'passed', 'b one': 'todo' }, 'test/a.test.ts > b*\n').status).toBe(0)
  expect(close({ a: 'passed', 'b one': 'skipped' }, 'test/a.test.ts > b\n').status).toBe(1)
})

test('no test at all, an unsuccessful run and an empty report exit 1', () => {
  expect(close({}).status).toBe(1)
  expect(close({ a: 'passed' }, '', false).status).toBe(1)
  writeFileSync(join(folder, 'report.json'), '')
  const { status, stdout } = spawnSync(process.execPath, [script, 'report.json', 'allowed.txt'], {
    cwd: folder,
    encoding: 'utf8',
  })
  expect(stdout).toBe('0 passed, 0 failed: the tests did not come to an end\n')
  expect(status).toBe(1)
})
