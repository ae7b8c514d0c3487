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
  // The package of this platform holds the binary itself, so no install script is needed, which .npmrc forbids; npx puts
  // it in front on the PATH, so child processes use it as well.
  const node = `node-${process.platform}-${process.arch}@${version}`
  /** @param {string[]} args @param {import('node:child_process').StdioOptions} stdio */
  const run = (args, stdio) =>
    spawnSync('npx', ['--yes', `--package=${node}`, '--', 'node', ...args], { cwd: root, stdio })
  const used = String(run(['--version'], ['ignore', 'pipe', 'inherit']).stdout).trim()
  console.log(`\nNode ${version}: ${used}`)
  if (!`${used}.`.startsWith(`v${version}.`)) {
    console.error(`${node} could not be had`)
    failed++
    continue
  }
  const tests = ['run', ...['rules', 'e2e', 'timing'].flatMap((name) => ['--project', name])]
  const { status } = run(['node_modules/vitest/vitest.mjs', ...tests], 'inherit')
  if (status !== 0) {
    console.error(`Node ${version}: tests failed`)
    failed++
  }
}
console.log(`\n${others.length - failed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
