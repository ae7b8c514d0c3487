/** `plumbline attribute` called in this process: what it prints, and what it refuses. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Attribution } from '../../src/attribute/attribution.js'
import { attributeCommand } from '../../src/cli/attribute.js'
import type { OtlpAttributes } from '../../src/span/otlp-envelope.js'
import { encodeSnapshot } from '../../src/snapshot/format.js'
import { LAW, simulatedSnapshot } from '../compare/simulated-snapshot.js'
import { requestOf } from '../span/one-span.js'
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

const otlpOf = (attributes: OtlpAttributes): string => JSON.stringify(requestOf([[attributes, {}]]))

function parsed(stdout: string): Attribution[] {
  return stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Attribution]))
}

/** Without its line breaks. */
const unbroken = (text: string): string => text.replace(/\s+/g, ' ')

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
    for (const { verdict, baseline: used, tier } of parsed(stdout))
      expect([verdict, used, tier]).toEqual(['unknown', null, 'B'])
    expect(unbroken(stderr)).toContain(
      'no baseline for model other (20 calls): plumbline attribute --suggest',
    )
  })

  it('--json holds the notes that a terminal shows', async () => {
    const { write, baseline } = place()
    const other = traceLines({ model: 'other', spans: 20, seed: 'o', startMs: 1.79e12, law })
    const { stdout } = await run([baseline, write('o.jsonl', other.join('\n')), '--json'])
    const { notes } = JSON.parse(stdout) as { notes: string[] }
    expect(notes.join('\n')).toContain('no baseline for model other (20 calls)')
  })

  it('on a pipe no line of the closing words is wider than 80 columns', async () => {
    const { baseline, spans } = place()
    const { stderr } = await run([baseline, spans])
    expect(stderr.split('\n').filter((line) => line.length > 80)).toEqual([])
    expect(unbroken(stderr)).toMatch(/of \d\d spans above p95 \(.*\) on 23 November/)
  })

  it('--no-baseline takes every path for spans and tells what they time themselves: 30 calls, 45 s of queueing', async () => {
    const { write } = place()
    const call = (i: number): string =>
      JSON.stringify({
        model: 'm',
        timestamp: 1_790_000_000 + i,
        duration_s: 4,
        ttft_s: 2,
        queue_time: 1.5,
        prefill_ms: 400,
        input_tokens: 900,
        output_tokens: 90,
      })
    const file = write('log.jsonl', Array.from({ length: 30 }, (_, i) => call(i)).join('\n'))
    const { code, stdout, stderr } = await run(['--no-baseline', file])
    expect([code, parsed(stdout).length]).toEqual([0, 30])
    for (const each of parsed(stdout)) {
      expect(each).toMatchObject({
        verdict: 'queueing',
        tier: 'A',
        phases: { network: 100, queue: 1500, prefillFresh: 400, decode: 2000 },
      })
    }
    expect(unbroken(stderr)).toContain('30 calls without a baseline tell of 45 s of queueing themselves')
  })

  it('calls of probes are left out and counted', async () => {
    const { write, baseline } = place()
    const probes = lines
      .slice(0, 20)
      .map((line) =>
        line.replace(
          '"attributes":[{"key":"gen_ai',
          '"attributes":[{"key":"user_agent.synthetic.type","value":{"stringValue":"test"}},{"key":"gen_ai',
        ),
      )
    const file = write('mixed.jsonl', [...probes, ...lines.slice(20, 60)].join('\n'))
    const { code, stdout, stderr } = await run([baseline, file])
    expect([code, parsed(stdout).length]).toEqual([0, 40])
    expect(stderr).toContain('40 calls attributed; 20 probes left out')
  })
})

describe('what is wrong with a command exits 2 and says what to do', () => {
  const cases: readonly [string, (at: ReturnType<typeof place>) => string[], string][] = [
    ['no baseline', () => [], 'a baseline is needed'],
    ['a baseline that is not there', ({ spans }) => ['nowhere.json', spans], 'nowhere.json'],
    ['a baseline that is none', ({ spans }) => [spans, spans], 'spans.jsonl'],
    ['no spans', ({ baseline }) => [baseline], 'spans are needed'],
    ['spans that are not there', ({ baseline }) => [baseline, 'nowhere.jsonl'], 'nowhere.jsonl'],
    [
      'a file without a span',
      ({ write, baseline }) => [baseline, write('empty.jsonl', '')],
      'empty.jsonl: it is empty',
    ],
    [
      'a file of something else',
      ({ write, baseline }) => [baseline, write('notes.txt', 'to do: buy milk\n')],
      'notes.txt: unreadable: 1 × a file that is neither JSON nor OTLP protobuf, gzip or zstd',
    ],
    [
      'spans of no model',
      ({ write, baseline }) => [
        baseline,
        write('tools.jsonl', otlpOf({ 'gen_ai.operation.name': 'execute_tool' })),
      ],
      'tools.jsonl: 1 of something else',
    ],
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

it.skipIf(!existsSync(DATA))(
  'recorded spans of others go through with no configuration: each call’s model is known, and nothing is unreadable but the report of the recording',
  async () => {
    const { baseline } = place()
    const { code, stdout } = await run([baseline, DATA, '--json'])
    expect(code).toBe(0)
    const { attributions, counts } = JSON.parse(stdout) as {
      attributions: Attribution[]
      counts: { spans: number; faults: object }
    }
    expect(attributions.length).toBeGreaterThan(5)
    expect(attributions.filter(({ model }) => model === undefined)).toEqual([])
    // Streams of the Vercel AI SDK tell their first output and their cache; all others their tokens, or nothing.
    const ofTier = (tier: string): number => attributions.filter((each) => each.tier === tier).length
    expect(ofTier('B')).toBeGreaterThanOrEqual(1)
    expect(ofTier('B') + ofTier('D') + ofTier('E')).toBe(counts.spans)
    expect(ofTier('E')).toBeLessThanOrEqual(1)
    expect(counts.faults).toEqual({
      'an object of no known shape': 1,
      'a file that is neither JSON nor OTLP protobuf, gzip or zstd': 2,
    })
  },
)
