/** A folder that the disk refuses to list: found by the campaign, in commands that read a folder of results or of spans. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { runCli, workspace } from '../support/cli.js'

const HOOK = fileURLToPath(new URL('../../scripts/faults/fail-call.cjs', import.meta.url))

test.each([
  [['trend', 'folder']],
  [['attribute', 'folder', 'spans.ndjson']],
  [['attribute', '--suggest', 'folder']],
])('%j: exit 2, the folder and the reason are named, and no stack is printed', async (args) => {
  const here = workspace()
  mkdirSync(join(here.path, 'folder'))
  here.write('spans.ndjson', '{}\n')
  const { code, stderr } = await runCli(args, {
    cwd: here.path,
    env: {
      NODE_OPTIONS: `--require ${HOOK}`,
      PLUMBLINE_TORTURE_ROOT: here.path,
      PLUMBLINE_TORTURE_CALL: 'readdir folder #1',
      PLUMBLINE_TORTURE_CODE: 'EIO',
    },
  })
  expect(stderr).toMatch(/folder: cannot be read: .*EIO/)
  expect(stderr).not.toMatch(/^ +at /m)
  expect(code).toBe(2)
})
