import { PassThrough, Writable } from 'node:stream'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createRandom } from '../../src/random/random.js'
import { parseIncidents } from '../../src/simulate/incidents.js'
import { SPAN_DIALECTS } from '../../src/simulate/emit-dialects.js'
import { PHASE_NAMES } from '../../src/simulate/job.js'
import { parseSpansOptions, type SpansOptions } from '../../src/simulate/spans-options.js'
import { CARRIES } from '../../src/simulate/spans-seen.js'
import { SPAN_PHASES } from '../../src/simulate/spans-truth.js'
import { writeLabelledSpans } from '../../src/simulate/spans-write.js'
import { labelledSpans, type LabelledCall, type SpansSetup } from '../../src/simulate/spans.js'
import { planVisits, WorkloadSchema } from '../../src/simulate/workload.js'

function setupOf(options: SpansOptions): SpansSetup {
  const parsed = parseSpansOptions(options)
  if (!parsed.ok) throw new Error(parsed.problems.join('; '))
  return parsed.setup
}

function callsOf(options: SpansOptions): LabelledCall[] {
  return [...labelledSpans(setupOf(options))]
}

const TROUBLE =
  'prefill-surge:3 share=.1, cold-cache share=.1, queueing share=.1, route-change share=.1, retry share=.1, ' +
  'long-output share=.1, reasoning share=.1, client-stall share=.1, network share=.1, slow-replica from=30s to=60s, noisy-neighbour from=60s to=90s'

const both = ['hosted-reasoning', '8b-h100'].map((profile) => [profile] as const)

describe('labelled spans', () => {
  it('the same seed gives the same bytes, another seed others', () => {
    const options = {
      requests: 60,
      dialects: ['all'],
      carries: ['all'],
      fault: TROUBLE,
    } satisfies SpansOptions
    const text = (seed: number): string => JSON.stringify(callsOf({ ...options, seed }))
    expect(text(1)).toBe(text(1))
    expect(text(1)).not.toBe(text(2))
  })

  it.each(both)('%s: both sets of phases add up to the call in whole nanoseconds', (profile) => {
    const calls = callsOf({ profile, requests: 200, dialects: ['all'], carries: ['all'], fault: TROUBLE })
    const ns = (ms: number): number => Math.round(ms * 1e6)
    for (const { truth } of calls) {
      const { phases, enginePhases, durationMs } = truth
      const eight = SPAN_PHASES.reduce((sum, name) => sum + ns(phases[name]), 0)
      const ten = PHASE_NAMES.reduce((sum, name) => sum + ns(enginePhases[name]), 0)
      expect(eight).toBe(ns(durationMs))
      expect(ten).toBe(ns(durationMs))
      for (const name of SPAN_PHASES) expect(phases[name]).toBeGreaterThanOrEqual(0)
    }
    const labels = new Set(calls.flatMap(({ truth }) => truth.labels))
    expect(labels.size).toBe(11)
    for (const { truth } of calls)
      expect(Object.keys(truth.causesMs).sort()).toEqual([...truth.labels].sort())
  })

  it('gateway counts as network, and what sharing cost as the phase that it lengthened', () => {
    const calls = callsOf({ profile: '8b-h100', requests: 200 })
    const crowded = calls.filter(({ truth }) => truth.enginePhases.interference > 10)
    expect(crowded.length).toBeGreaterThan(5)
    for (const { truth } of crowded) {
      const { phases, enginePhases, ttftMs, durationMs } = truth
      expect(phases.network).toBeCloseTo(enginePhases.network + enginePhases.gateway, 5)
      const untilFirst = phases.network + phases.queue + phases.prefillFresh + phases.prefillCached
      expect(untilFirst).toBeCloseTo(ttftMs ?? NaN, 4)
      expect(phases.decode).toBeCloseTo(durationMs - untilFirst, 4)
    }
  })

  it('a cause that waits costs what its phase grew by: retry', () => {
    const calls = callsOf({ profile: 'exact', requests: 400, fault: 'retry share=.2' })
    const retried = calls.filter(({ truth }) => truth.statuses.length > 1)
    expect(retried.length).toBeGreaterThan(50)
    for (const { truth } of retried) {
      // What the retry delayed met another cache by itself at most.
      expect(Math.abs((truth.causesMs.retry ?? 0) - truth.phases.retry)).toBeLessThan(300)
      expect(truth.phases.retry).toBeGreaterThan(375)
    }
  })

  it('calls come out in the order of their ends', () => {
    const ends = callsOf({ requests: 200 }).map(({ truth }) => Date.parse(truth.startedAt) + truth.durationMs)
    for (let i = 1; i < ends.length; i++) expect(ends[i]! - ends[i - 1]!).toBeGreaterThan(-1)
  })
})

describe('the service', () => {
  const setup = setupOf({ profile: 'hosted-frontier', seed: 3 })
  const visits = planVisits(setup.workload, setup, 5000, createRandom(3))

  it('a conversation keeps its prefix and lets it grow', () => {
    const byConversation = new Map<number, typeof visits>()
    for (const visit of visits) {
      const calls = byConversation.get(visit.conversation)
      if (calls) calls.push(visit)
      else byConversation.set(visit.conversation, [visit])
    }
    const long = [...byConversation.values()].filter((calls) => calls.length > 2)
    expect(long.length).toBeGreaterThan(100)
    for (const calls of long) {
      for (let i = 1; i < calls.length; i++) {
        const [before, after] = [calls[i - 1]!.request, calls[i]!.request]
        expect(after.promptTokens).toBeGreaterThan(before.promptTokens)
        expect(Array.from(after.hashes!).slice(0, before.hashes!.length)).toEqual(Array.from(before.hashes!))
      }
    }
  })

  it('2 calls a second with gaps of CV 1, or as bursty as asked: CV 3', () => {
    const cvOf = (cv: number): [number, number] => {
      const planned = planVisits({ ...setup.workload, cv }, setup, 20_000, createRandom(5))
      const gaps = planned.slice(1).map(({ request }, i) => request.arrivalMs - planned[i]!.request.arrivalMs)
      const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length
      const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length
      return [1000 / mean, Math.sqrt(variance) / mean]
    }
    const [rate, cv] = cvOf(1)
    expect(rate).toBeCloseTo(2, 1)
    expect(cv).toBeGreaterThan(0.97)
    expect(cv).toBeLessThan(1.03)
    expect(cvOf(3)[1]).toBeGreaterThan(2.7)
    expect(cvOf(3)[1]).toBeLessThan(3.3)
  })

  it.each([
    ['no incident', '', 0.1],
    ['4 calls in 100 three times as long', 'long-output:3 share=.04', 0.0625],
  ])('usual answers end at the 90th percentile of what is sent: %s', (_, fault, share) => {
    const parsed = parseIncidents(fault)
    if (!parsed.ok) throw new Error(parsed.problem)
    const planned = planVisits(
      setup.workload,
      { ...setup, incidents: parsed.incidents },
      20_000,
      createRandom(4),
    )
    const longer = planned.filter(({ request }) => request.usual!.visibleTokens! < request.outputTokens)
    // With a share s of surges beyond it, (1 - .9) - s of the 1 - s others are above: (.1 - .04)/.96.
    expect(longer.length / planned.length).toBeGreaterThan(share - 0.005)
    expect(longer.length / planned.length).toBeLessThan(share + 0.005)
  })
})

describe('writing', () => {
  const setup = setupOf({ requests: 400 })

  it('a line a call, the truth in step with it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'plumbline-spans-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const [spans, truth] = [join(folder, 's.jsonl'), join(folder, 't.jsonl')]
    expect(await writeLabelledSpans(setup, { spans, truth })).toEqual({ ok: true, written: 400 })
    const lines = readFileSync(spans, 'utf8').trimEnd().split('\n')
    const truths = readFileSync(truth, 'utf8').trimEnd().split('\n')
    expect([lines.length, truths.length]).toEqual([400, 400])
    lines.forEach((line, i) => {
      const { traceId } = JSON.parse(truths[i]!) as { traceId: string }
      expect(line).toContain(traceId)
    })
  })

  it('a reader that goes away ends it without an error, and early', async () => {
    let writes = 0
    const pipe = new Writable({
      write(_, __, done) {
        writes++
        done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
      },
    })
    const result = await writeLabelledSpans(setupOf({ requests: 1200 }), { spans: pipe })
    expect(result.ok && result.written).toBeLessThan(400)
    expect(writes).toBe(1)
  })

  it('a disk that is full is said, and how far it came', async () => {
    const full = new Writable({
      write: (_, __, done) => done(Object.assign(new Error('no space'), { code: 'ENOSPC' })),
    })
    const result = await writeLabelledSpans(setup, { spans: full })
    expect(result).toMatchObject({ ok: false, reason: 'broken', problem: expect.stringMatching(/ENOSPC/) })
  })

  it('a file that cannot be written is said before anything is run', async () => {
    const result = await writeLabelledSpans(setup, { spans: new PassThrough(), truth: '/nowhere/t.jsonl' })
    expect(result).toMatchObject({
      ok: false,
      reason: 'unwritable',
      problem: expect.stringMatching(/nowhere/),
    })
  })

  it.each([
    [{ dialects: ['otlp'] }, /dialects.*otel-genai/],
    [{ fault: 'crlf' }, /crlf.*virtual time/],
    [{ profile: 'gpt' }, /profile 'gpt' is unknown/],
    [{ requests: 0 }, /requests/],
    [{ start: 'noon' }, /start/],
    [{ workload: '/nowhere/w.yaml' }, /workload file.*nowhere/],
    [{ fault: 'retry', set: { replicas: 2 }, extra: 1 }, /extra/],
  ])('%j is refused with what would do', (options, problem) => {
    const parsed = parseSpansOptions(options)
    expect(parsed.ok ? '' : parsed.problems.join('; ')).toMatch(problem)
  })
})

describe('docs/simulator.md', () => {
  const page = readFileSync('docs/simulator.md', 'utf8')

  it('names every dialect, every way of carrying and every constant of the service with its default', () => {
    const names = [...SPAN_DIALECTS, ...CARRIES, ...Object.keys(WorkloadSchema.shape)]
    expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([])
    const { tenants, systemTokens, turnTokens, answerTokens, turns } = WorkloadSchema.parse({})
    expect(page).toContain(`| \`tenants\` | ${tenants} |`)
    expect(page).toContain(`| ${systemTokens}, ${turnTokens}, ${answerTokens} |`)
    expect(page).toContain(`| \`turns\` | ${turns} |`)
  })
})
