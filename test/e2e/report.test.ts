import { statSync } from 'node:fs'
import { expect, test } from 'vitest'
import { encodeSnapshot } from '../../src/snapshot/format.js'
import { LAW } from '../compare/simulated-snapshot.js'
import { measured } from '../report/html-pages.js'
import { runCli, workspace } from '../support/cli.js'

const SPAN = {
  traceId: 't',
  spanId: 's',
  operation: 'chat',
  startedAt: '2026-11-23T09:10:02.000Z',
  durationMs: 2340,
  phases: { network: 42, prefillFresh: 1480, decode: 818 },
  causes: [{ cause: 'cold-cache', ms: 1093, evidence: ['cached tokens 0 where 29,952 were warm'] }],
  unknownMs: 17,
  verdict: 'cold-cache',
  confidence: 0.86,
  tier: 'B',
}

test('report writes one page, for its owner only: of one snapshot, of two, of a folder, of spans', async () => {
  const { path: cwd, write, read } = workspace()
  const base = encodeSnapshot(measured('20261123T090000Z-0001', LAW, 6))
  const slow = encodeSnapshot(measured('20261123T100000Z-0002', { ...LAW, fresh: 90 }, 6))
  write('base.json', base)
  write('slow.json', slow)
  write('spans.ndjson', `${JSON.stringify(SPAN)}\n\n`)
  const report = async (...args: string[]): Promise<string> => {
    const { code, stderr } = await runCli(['report', ...args, '-o', 'page.html'], { cwd })
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(statSync(`${cwd}/page.html`).mode & 0o777).toBe(0o600)
    return read('page.html')
  }
  expect(await report('base.json')).toContain('A first token takes')
  expect(await report('base.json', 'slow.json')).toContain('Regression: prefill is')
  expect(await report('slow.json', '--against', 'base.json')).toContain('Regression: prefill is')
  expect(await report('base.json', 'slow.json', 'base.json')).toContain('over time')
  const spans = await report('--attribution', 'spans.ndjson')
  expect(spans).toContain('1 production call read against the curve')
  expect(spans).toContain('cached tokens 0 where 29,952 were warm')
})

test('what cannot be shown is refused with its place: no argument, no such file, a line that is no attribution', async () => {
  const { path: cwd, write } = workspace()
  write('spans.ndjson', `${JSON.stringify(SPAN)}\n{"spanId": 3}\n`)
  const refused = async (...args: string[]): Promise<string> => {
    const { code, stderr } = await runCli(['report', ...args], { cwd })
    expect(code).toBe(2)
    return stderr
  }
  expect(await refused('-o', 'page.html')).toContain('name a snapshot')
  expect(await refused('none.json', '-o', 'page.html')).toContain('none.json')
  expect(await refused('--attribution', 'spans.ndjson', '-o', 'page.html')).toMatch(
    /spans\.ndjson:2: no attribution/,
  )
  expect(await refused('--attribution', 'spans.ndjson')).toContain('--output')
})
