/** Faults of the wire, met by the command line in one run: each server misbehaves in its own way, and each sample says how. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Outcome, Sample } from '../../src/sample/sample.js'
import type { Snapshot } from '../../src/snapshot/snapshot.js'
import type { CliResult, Workspace } from '../support/cli.js'
import { runCli, workspace } from '../support/cli.js'
import { makeCertificates } from '../wire/certificates.js'
import type { FaultServers } from './servers.js'
import { startFaultServers } from './servers.js'

/** Number in the list, server, outcome, what the sentence says. */
const ROWS: readonly (readonly [number, string, Outcome, RegExp])[] = [
  [1, 'reset-before-headers', 'reset', /reset/],
  [2, 'fin-before-headers', 'closed', /closed the connection before/],
  [3, 'fin-in-chunked', 'truncated', /without its terminal event .*after [34] events/],
  [3, 'reset-in-chunked', 'truncated', /without its terminal event .*after [34] events/],
  [4, 'reset-close-delimited', 'truncated', /without its terminal event .*after [34] events/],
  [5, 'h2-cancel', 'truncated', /without its terminal event .*after [34] events/],
  [5, 'h2-internal', 'truncated', /without its terminal event .*after [34] events/],
  [6, 'h2-goaway', 'goaway', /going away \(GOAWAY\)/],
  [7, 'length-too-long', 'truncated', /without its terminal event .*after [34] events/],
  [7, 'length-too-short', 'truncated', /without its terminal event .*after [34] events/],
  [8, 'chunk-size', 'malformed', /no valid HTTP/],
  [8, 'chunk-overflow', 'malformed', /no valid HTTP/],
  [8, 'chunk-no-crlf', 'malformed', /no valid HTTP/],
  [9, 'two-lengths', 'malformed', /contradict/],
  [9, 'length-and-chunked', 'malformed', /contradict/],
  [10, 'early-hints', 'ok', /^$/],
  [10, 'unasked-100', 'malformed', /100 or 101/],
  [12, 'drip', 'timeout', /within 5000 ms/],
  [13, 'no-headers', 'timeout', /no response headers within/],
  [13, 'no-hello', 'timeout', /TLS handshake within 1500 ms/],
  [14, 'huge-header', 'oversized', /16 KiB/],
  [14, 'chunk-extension', 'ok', /^$/],
  [15, 'bomb', 'malformed', /content-encoding/],
  [16, 'endless-line', 'oversized', /1 MiB/],
  [17, 'bad-text', 'ok', /2 NUL or bad UTF-8 bytes replaced/],
  [18, 'after-done', 'ok', /1 event behind the terminal event ignored/],
]
const SECURE = ['h2-cancel', 'h2-internal', 'h2-goaway', 'no-hello']
const DEADLINES = 'deadlines: { connectS: 1.5, firstByteS: 3, gapS: 2.5, totalS: 5 }'

let servers: FaultServers
let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-faults-'))
  const { ca, server } = makeCertificates()
  for (const [name, text] of Object.entries({ ca, cert: server.cert, key: server.key }))
    writeFileSync(join(folder, `${name}.pem`), text)
  servers = await startFaultServers({ cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') })
})
afterAll(() => {
  servers.close()
  rmSync(folder, { recursive: true, force: true })
})

function target(fault: string): string {
  const isSecure = SECURE.includes(fault)
  const address = `${isSecure ? 'https' : 'http'}://127.0.0.1:${servers.port(fault)}/v1`
  const more = isSecure ? `, tls: { caFile: ca.pem }${fault.startsWith('h2') ? ', http: 2' : ''}` : ''
  return `  - { name: ${fault}, baseUrl: '${address}', model: m, tokenizer: o200k_base${more} }\n`
}

function scenario(faults: readonly string[], rest: string): string {
  return `targets:
${faults.map(target).join('')}probes:
  - { probe: prompt-length, promptTokens: [64], outputTokens: 8, blocks: 1 }
warmup: { requests: 0 }
retries: { attempts: 1 }
${DEADLINES}
${rest}
`
}

/** Writes what the process took at most into a file, MB. */
function watchMemory(here: Workspace): Record<string, string> {
  const code = `process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(join(here.path, 'rss'))}, String(process.resourceUsage().maxRSS / 1024)))`
  const file = here.write('rss.cjs', code)
  return { NODE_OPTIONS: `--require ${file}` }
}

interface Met {
  result: CliResult
  snapshot: Snapshot
  rssMb: number
}
let met: Promise<Met> | undefined

/** The one run that all cases of this page read; the first case waits for it. */
async function meet(): Promise<Met> {
  const here = workspace()
  here.write('ca.pem', readFileSync(join(folder, 'ca.pem'), 'utf8'))
  const faults = ROWS.map(([, fault]) => fault)
  here.write('s.yaml', scenario(faults, 'errorLimit: 100%'))
  const result = await runCli(['run', 's.yaml'], { cwd: here.path, env: watchMemory(here) })
  return { result, snapshot: await here.snapshot('s'), rssMb: Number(here.read('rss')) }
}

test.each(ROWS)('%i: %s is %s', async (_number, fault, outcome, sentence) => {
  met ??= meet()
  const { snapshot } = await met
  const sample = snapshot.samples.find(({ target: name }) => name === fault)
  expect(sample).toMatchObject({ outcome })
  expect(sample?.detail ?? '').toMatch(sentence)
})

test('a run in which 26 servers misbehave ends 0 within the limit; no failure has a latency; memory stays below 400 MB', async () => {
  const { result, snapshot, rssMb } = await (met ??= meet())
  expect(result.stderr).not.toContain('    at ')
  expect(result.code).toBe(0)
  const failed = snapshot.samples.filter(({ outcome }) => outcome !== 'ok')
  expect(failed.length).toBeGreaterThan(18)
  expect(new Set(failed.map(({ target: name }) => name)).size).toBe(failed.length)
  const timed = snapshot.summary.filter(({ n }) => n > 0)
  expect(timed.map((cell) => cell.target).sort()).toEqual(
    ROWS.filter(([, , outcome]) => outcome === 'ok')
      .map(([, fault]) => fault)
      .sort(),
  )
  expect(rssMb).toBeLessThan(400)
})

test('E: above the error limit the same faults end the run with 3, what was measured saved', async () => {
  const here = workspace()
  const faults = ['good', 'reset-before-headers', 'fin-before-headers', 'fin-in-chunked']
  here.write('s.yaml', scenario(faults, 'errorLimit: 50%'))
  const result = await runCli(['run', 's.yaml'], { cwd: here.path })
  expect(result.code).toBe(3)
  expect(result.stderr).toContain('3 of 4 requests failed, above the limit of 50 %')
  const samples: readonly Sample[] = (await here.snapshot('s')).samples
  expect(samples.map(({ outcome }) => outcome).sort()).toEqual(['closed', 'ok', 'reset', 'truncated'])
})
