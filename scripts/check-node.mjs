// @ts-check
/** Runs every test on the Node versions that package.json promises besides the one that is installed. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../', import.meta.url))
const VERSIONS = ['20', '22', '24']

const installed = process.versions.node.split('.')[0]
const others = process.argv.length > 2 ? process.argv.slice(2) : VERSIONS.filter((each) => each !== installed)

let failed = 0
for (const version of others) {
  console.log(`\nNode ${version}`)
  // The npm package `node` holds the binary; npx puts it in front on the PATH, so child processes use it as well.
  const tests = ['run', ...['rules', 'e2e', 'timing'].flatMap((name) => ['--project', name])]
  const { status } = spawnSync(
    'npx',
    ['--yes', `node@${version}`, 'node_modules/vitest/vitest.mjs', ...tests],
    {
      cwd: root,
      stdio: 'inherit',
    },
  )
  if (status !== 0) {
    console.error(`Node ${version}: tests failed`)
    failed++
  }
}
console.log(`\n${others.length - failed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
