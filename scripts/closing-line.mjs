// @ts-check
/** Prints `N passed, N failed, N skipped` from vitest's JSON report; fails on a failure or a skip that is not allowed. */
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'

const [reportPath, allowedPath] = process.argv.slice(2)
if (reportPath === undefined || allowedPath === undefined) {
  throw new Error('usage: closing-line.mjs <report.json> <allowed-skips.txt>')
}
const allowed = readFileSync(allowedPath, 'utf8')
  .split('\n')
  .map((line) => line.trim())
  .filter((line) => line !== '' && !line.startsWith('#'))

/** @type {{ success: boolean, testResults: { name: string, status: string, message?: string, assertionResults: { status: string, fullName: string, failureMessages?: string[] }[] }[] }} */
const report = JSON.parse(readReport(reportPath))

const tests = report.testResults.flatMap(({ name, assertionResults }) => {
  const file = relative(process.cwd(), name).replaceAll('\\', '/')
  return assertionResults.map(({ status, fullName, failureMessages = [] }) => ({
    status,
    name: `${file} > ${fullName}`,
    first: failureMessages[0],
  }))
})
const passed = tests.filter(({ status }) => status === 'passed')
const failed = tests.filter(({ status }) => status === 'failed')
const skipped = tests.filter(({ status }) => status !== 'passed' && status !== 'failed')
const unexpected = skipped.filter(({ name }) => !allowed.some((line) => covers(line, name)))
// A file that could not be loaded has no tests to count.
const broken = report.testResults.filter(
  ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
)

for (const { name, first } of passed)
  if (first !== undefined) console.log(`passed at the second try: ${name} (${first.split('\n')[0]})`)
for (const { name } of failed) console.log(`failed: ${name}`)
for (const { name } of broken) console.log(`failed to load: ${relative(process.cwd(), name)}`)
for (const { name } of unexpected) console.log(`skipped, and not in ${allowedPath}: ${name}`)
console.log(`${passed.length} passed, ${failed.length + broken.length} failed, ${skipped.length} skipped`)

if (!report.success || passed.length === 0 || failed.length + broken.length + unexpected.length > 0)
  process.exitCode = 1

/** @param {string} line @param {string} name */
function covers(line, name) {
  return line.endsWith('*') ? name.startsWith(line.slice(0, -1)) : name === line
}

/** @param {string} path */
function readReport(path) {
  const text = readFileSync(path, 'utf8')
  if (text !== '') return text
  console.log('0 passed, 0 failed: the tests did not come to an end')
  process.exit(1)
}
