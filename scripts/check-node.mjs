// @ts-check
/**
 * Runs every test on the Node versions that package.json promises besides the one that is installed: `npm run check:node`,
 * or those that are named. With `--faults` only the files that the table of faults names, on the oldest of them as well.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = fileURLToPath(new URL('../', import.meta.url))
const VERSIONS = ['20', '22', '24']
const PROJECTS = ['rules', 'e2e', 'timing']

const { values, positionals } = parseArgs({
  options: { faults: { type: 'boolean', default: false } },
  allowPositionals: true,
})

const installed = process.versions.node.split('.')[0]
const usual = values.faults ? [oldest(), '22', '24'] : VERSIONS.filter((each) => each !== installed)
const versions = positionals.length > 0 ? positionals : usual
const projects = values.faults ? [...PROJECTS, 'long'] : PROJECTS
const files = values.faults ? filesOfFaults() : []

let failed = 0
for (const version of versions) {
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
  const tests = ['run', ...projects.flatMap((name) => ['--project', name]), ...files]
  const { status } = run(['node_modules/vitest/vitest.mjs', ...tests], 'inherit')
  if (status !== 0) {
    console.error(`Node ${version}: tests failed`)
    failed++
  }
}
console.log(`\n${versions.length - failed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

/** What package.json promises at least. */
function oldest() {
  const { engines } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'))
  return String(engines.node).replace('>=', '')
}

/** Files that the catalogue names, once each. */
function filesOfFaults() {
  const text = readFileSync(`${root}/test/faults/catalogue.ts`, 'utf8')
  const named = [...text.matchAll(/'([\w/.-]+\.test\.ts)'/g)].map(([, file]) => `test/${file}`)
  return [...new Set(named)].sort()
}
