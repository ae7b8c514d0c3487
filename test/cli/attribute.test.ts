/** `plumbline attribute` called in this process: what it prints, and what it refuses. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Attribution } from '../../src/attribute/attribution.js'
import { attributeCommand } from '../../src/cli/attribute.js'
import { encodeSnapshot } from '../../src/snapshot/format.js'
import { LAW, simulatedSnapshot } from '../compare/simulated-snapshot.js'
import { traceLines } from '../support/trace-lines.js'

const law = { baseMs: LAW.base, freshUs: LAW.fresh, hitUs: LAW.hit, tpotMs: LAW.step + 3 }
const lines = traceLines({
  model: 'm',
  spans: 600,
  seed: 'e2e',
  startMs: Date.UTC(2026, 10, 23, 10),
  law,
  fault: (i) => (i >= 100 && i % 20 === 7 ? 'cold-cache' : undefined),
})
const baselineText = encodeSnapshot(simulatedSnapshot('20261123T090000Z-9c1e'))

function place() {
  const path = mkdtempSync(join(tmpdir(), 'plumbline-attribute-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  const write = (name: string, text: string): string => {
    writeFileSync(join(path, name), text)
    return join(path, name)
  }
  const baseline = write('20261123T090000Z-9c1e.json', baselineText)
  return { path, write, baseline, spans: write('spans.jsonl', `${lines.join('\n')}\n`) }
}

async function run(args: readonly string[], cwd = '.') {
  let [stdout, stderr] = ['', '']
  let code: number | undefined
  const io = {
    out: (text: string) => void (stdout += text),
    err: (text: string) => void (stderr += text),
    isLive: false,
    isTerminal: false,
    drained: () => Promise.resolve(true),
    env: {},
    cwd,
  }
  const command = new Command()
  attributeCommand(command, io, (exit) => (code = exit))
  await command.parseAsync([...args], { from: 'user' })
  return { code, stdout, stderr }
}

function parsed(stdout: string): Attribution[] {
  return stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Attribution]))
}

describe('what comes out', () => {
  it('--json is one document that holds all attributions, the groups and the counts', async () => {
    const { baseline, spans } = place()
    const { code, stdout } = await run([baseline, spans, '--json', '--by', 'hour'])
    const document = JSON.parse(stdout) as {
      attributions: Attribution[]
      summary: { all: { spans: number }; groups: { key: { hour: string } }[] }
      counts: { seen: number }
    }
    expect(code).toBe(0)
    expect([document.attributions.length, document.summary.all.spans, document.counts.seen]).toEqual([
      600, 600, 600,
    ])
    expect(document.summary.groups[0]?.key.hour).toBe('2026-11-23T10:00Z')
  })

  it.each(['terminal', 'markdown', 'html'])('--format %s says what slowed the slow ones', async (format) => {
    const { baseline, spans } = place()
    const { code, stdout } = await run([baseline, spans, '--format', format])
    expect(code).toBe(0)
    expect(stdout.replace(/\s+/g, ' ')).toMatch(
      /of \d\d spans above p95 \(.*\) on 23 November: .* % cold cache/,
    )
    expect(stdout.replace(/\s+/g, ' ')).toContain('by keeping prefixes warm')
  })

  it('broken lines among good ones are counted and named, and the exit is 0', async () => {
    const { write, baseline } = place()
    const spans = write(
      'broken.jsonl',
      [...lines.slice(0, 50), '{"resourceSpans":', '[1,2', ...lines.slice(50, 99)].join('\n'),
    )
    const { code, stdout, stderr } = await run([baseline, spans])
    expect([code, parsed(stdout).length]).toEqual([0, 99])
    expect(stderr).toContain('unreadable: 2 × malformed JSON')
  })

  it('of a folder the baseline nearest in time is taken', async () => {
    const { path, write, spans } = place()
    const late = '2026-11-23T09:55:00.000Z'
    const change = { startedAt: late, endedAt: late }
    write(
      '20261123T095500Z-aaaa.json',
      encodeSnapshot({ ...simulatedSnapshot('20261123T095500Z-aaaa', {}, { change }) }),
    )
    const { stdout } = await run([path, spans, '--quiet'])
    expect(new Set(parsed(stdout).map(({ baseline }) => baseline?.id))).toEqual(
      new Set(['20261123T095500Z-aaaa']),
    )
  })

  it('a model without a baseline is unknown, and the scenario to get is named', async () => {
    const { write, baseline } = place()
    const other = traceLines({ model: 'other', spans: 20, seed: 'o', startMs: 1.79e12, law })
    const { code, stdout, stderr } = await run([baseline, write('o.jsonl', other.join('\n'))])
    expect(code).toBe(0)
    for (const { verdict, baseline: used } of parsed(stdout))
      expect([verdict, used]).toEqual(['unknown', null])
    expect(stderr).toContain('no baseline for model other (20 calls): plumbline attribute --suggest')
  })
})

describe('what is wrong with a command exits 2 and says what to do', () => {
  const cases: readonly [string, (at: ReturnType<typeof place>) => string[], string][] = [
    ['no baseline', () => [], 'a baseline is needed'],
    ['a baseline that is not there', ({ spans }) => ['nowhere.json', spans], 'nowhere.json'],
    ['a baseline that is none', ({ spans }) => [spans, spans], 'spans.jsonl'],
    ['no spans', ({ baseline }) => [baseline], 'spans are needed'],
    ['spans that are not there', ({ baseline }) => [baseline, 'nowhere.jsonl'], 'nowhere.jsonl'],
    ['an unknown group', ({ baseline, spans }) => [baseline, spans, '--by', 'planet'], '--by planet'],
    ['an unknown format', ({ baseline, spans }) => [baseline, spans, '--format', 'xls'], '--format xls'],
    [
      '--forward without --listen',
      ({ baseline, spans }) => [baseline, spans, '--forward', 'http://x'],
      '--listen',
    ],
    ['a token that is not set', ({ baseline }) => [baseline, '--listen', '0', '--token-env', 'NOPE'], 'NOPE'],
    [
      'an open door without a token',
      ({ baseline }) => [baseline, '--listen', '0', '--host', '0.0.0.0'],
      'token',
    ],
    [
      'an OTLP file in no folder',
      ({ baseline, spans }) => [baseline, spans, '--otlp', 'no/such/file'],
      '--otlp',
    ],
  ]
  it.each(cases)('%s', async (_, args, words) => {
    const at = place()
    const { code, stderr } = await run(args(at), at.path)
    expect(code).toBe(2)
    expect(stderr).toContain(words)
  })
})

const DATA = join(import.meta.dirname, '../../../shared/data/spans')

it.skipIf(!existsSync(DATA))('recorded spans of others go through with no configuration', async () => {
  const { baseline } = place()
  const { code, stdout } = await run([baseline, DATA, '--quiet'])
  expect(code).toBe(0)
  expect(parsed(stdout).length).toBeGreaterThan(5)
})
