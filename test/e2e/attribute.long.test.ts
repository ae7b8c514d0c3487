/** Runs, spans and attribution end to end, the simulated provider's truth as the judge. */
import { expect, it } from 'vitest'
import type { Attribution } from '../../src/attribute/attribution.js'
import { runCli, workspace } from '../support/cli.js'

it('a run of the simulated provider is the baseline of spans that it writes: 500 calls, long outputs named as the truth has them', async () => {
  const folder = workspace()
  const scenario = folder.write(
    'law.yaml',
    'name: law\ntargets: [{ name: sim, simulate: { profile: exact } }]\nprobes:\n' +
      '  - { probe: prefix-cache, promptTokens: [256, 1024, 4096], outputTokens: 2, blocks: 4 }\n' +
      '  - { probe: output-length, promptTokens: [256], outputTokens: [32], blocks: 4 }\n',
  )
  expect((await runCli(['run', scenario, '--quiet'], { cwd: folder.path })).code).toBe(0)
  const spans = [
    'simulate',
    '--spans',
    'spans.jsonl',
    '--truth',
    'truth.jsonl',
    '--requests',
    '500',
    '--seed',
    '1',
  ]
  const fault = ['--profile', 'exact', '--model', 'sim', '--fault', 'long-output:12 share=.03']
  expect((await runCli([...spans, ...fault], { cwd: folder.path })).code).toBe(0)
  const { code, stdout } = await runCli(['attribute', 'results/law', 'spans.jsonl', '--quiet'], {
    cwd: folder.path,
  })
  const truth = new Map(
    folder
      .read('truth.jsonl')
      .trim()
      .split('\n')
      .map(
        (line) =>
          JSON.parse(line) as { spanId: string; causesMs: Record<string, number>; durationMs: number },
      )
      .map((each) => [each.spanId, each] as const),
  )
  const found = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Attribution)
  expect([code, found.length]).toEqual([0, 500])
  const long = found.filter(({ spanId, durationMs }) => {
    const ms = truth.get(spanId)?.causesMs['long-output'] ?? 0
    return ms > Math.max(100, 0.3 * durationMs)
  })
  expect(long.length).toBeGreaterThan(5)
  const named = long.filter(({ verdict }) => verdict === 'long-output').length
  expect(named / long.length).toBeGreaterThanOrEqual(0.9)
}, 120_000)
