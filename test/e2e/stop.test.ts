/** A run that is killed, or asked to stop: nothing that was measured is lost. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { createRandom } from '../../src/random/random.js'
import type { Sample } from '../../src/sample/sample.js'
import type { Workspace } from '../support/cli.js'
import { runCli, startCli, workspace } from '../support/cli.js'
import { fakeTarget, stream } from '../support/fake-target.js'

const seed = process.env['PLUMBLINE_TEST_SEED'] ?? String(Date.now())
const random = createRandom(seed)

const BLOCKS = 10
const LENGTHS = [64, 128]
const STREAMS = 4

/** Two cells of one request and one of four; 6 samples a block. */
function planOf(here: Workspace, url: string): string {
  return here.write(
    'plan.yaml',
    `targets:
  - { name: t, baseUrl: '${url}', model: m, tokenizer: o200k_base }
probes:
  - { probe: prompt-length, promptTokens: [${LENGTHS.join(', ')}], outputTokens: 8, blocks: ${BLOCKS} }
  - { probe: concurrency, concurrency: [${STREAMS}], promptTokens: 64, outputTokens: 8, blocks: ${BLOCKS} }
warmup: { requests: 1 }
`,
  )
}
const PER_PLAN = BLOCKS * (LENGTHS.length + STREAMS)

const Line = z.looseObject({
  kind: z.string().optional(),
  sample: z.looseObject({ id: z.string() }).optional(),
})

/** Ids of the samples in whole lines of the only journal. */
function journalled(here: Workspace): string[] {
  const [path] = here.journals('plan')
  if (path === undefined) return []
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
  return lines.flatMap((line) => {
    const { kind, sample } = Line.parse(JSON.parse(line))
    return kind === 'sample' && sample !== undefined ? [sample.id] : []
  })
}

/** Answers as many requests as `left` says and leaves the rest waiting: so no run is over before it is killed, however slow we are. */
async function rationed() {
  const ration = { left: Infinity }
  const target = await fakeTarget((asked, response) =>
    ration.left-- > 0 ? stream(asked, response, { firstMs: 4 }) : undefined,
  )
  return { target, ration }
}

/**
 * Starts a run and kills it once its journal, no `known` one, holds `samples` more than `before`, or any moment later.
 * Answers with those it holds then.
 */
async function killAt(
  here: Workspace,
  args: readonly string[],
  { ration, samples, before = 0, known = [] }: Kill,
): Promise<string[]> {
  ration.left = samples + 2 * STREAMS
  const run = await startCli([...args, '--quiet'], { cwd: here.path })
  await run.until(() => {
    const [path, second] = here.journals('plan')
    if (path === undefined || second !== undefined || known.includes(path)) return false
    return journalled(here).length >= before + samples
  })
  await sleep(random.next() * 20)
  run.process.kill('SIGKILL')
  await run.ended
  ration.left = Infinity
  return journalled(here)
}

interface Kill {
  ration: { left: number }
  samples: number
  before?: number
  known?: readonly string[]
}

const ids = (samples: readonly Sample[]): string[] => samples.map(({ id }) => id)

test('SIGKILL in mid-run: the next run makes a partial snapshot of every journalled sample', async () => {
  const { target, ration } = await rationed()
  const here = workspace()
  const plan = planOf(here, target.url)
  const lefts: string[][] = []
  for (let kill = 0; kill < 2; kill++) {
    const known = here.journals('plan')
    lefts.push(await killAt(here, ['run', plan], { ration, samples: 1 + random.int(PER_PLAN - 20), known }))
  }
  const last = await runCli(['run', plan], { cwd: here.path })
  expect(last).toMatchObject({ code: 0, stderr: expect.stringContaining('broken off') })
  const snapshots = await here.snapshots('plan')
  expect(snapshots.map(({ partial }) => partial)).toEqual([true, true, false])
  for (const [i, left] of lefts.entries()) expect(ids(snapshots[i]!.samples), `seed ${seed}`).toEqual(left)
  expect(snapshots[2]!.samples.filter(({ warmup }) => !warmup)).toHaveLength(PER_PLAN)
  expect(here.journals('plan')).toEqual([])
})

test('SIGKILL twice, --resume twice: whole blocks, each sample once, none lost', async () => {
  const { target, ration } = await rationed()
  const here = workspace()
  const plan = planOf(here, target.url)
  const first = await killAt(here, ['run', plan], { ration, samples: 5 + random.int(15) })
  const more = { ration, samples: 3 + random.int(15), before: first.length }
  const second = await killAt(here, ['run', plan, '--resume'], more)
  expect(second.slice(0, first.length)).toEqual(first)
  const finished = await runCli(['run', plan, '--quiet', '--resume'], { cwd: here.path })
  expect(finished).toMatchObject({ code: 0 })
  const { samples, partial, spent } = await here.snapshot('plan')
  const all = ids(samples)
  expect(new Set(all).size, `doubled, seed ${seed}`).toBe(all.length)
  expect(
    second.filter((id) => !all.includes(id)),
    `lost, seed ${seed}`,
  ).toEqual([])
  expect(partial).toBe(false)
  const counted = samples.filter(({ warmup }) => !warmup)
  const perBlock = new Map<string, number>()
  for (const { cell, block } of counted) {
    const key = `${cell} ${block}`
    perBlock.set(key, (perBlock.get(key) ?? 0) + 1)
  }
  expect(
    [...perBlock].filter(([key, n]) => n !== (key.startsWith('concurrency') ? STREAMS : 1)),
    `seed ${seed}`,
  ).toEqual([])
  expect(counted).toHaveLength(PER_PLAN)
  // What was in flight when it was killed was asked of the server and is in no sample, but counts as spent.
  expect(spent.requests).toBeGreaterThanOrEqual(target.asked.length)
  expect(new Set(target.asked.map(({ prompt }) => prompt)).size, 'a prompt was sent twice').toBe(
    target.asked.length,
  )
})

test('--resume where nothing was broken off exits 2 and says so', async () => {
  const { url } = await fakeTarget()
  const here = workspace()
  const run = await runCli(['run', planOf(here, url), '--resume'], { cwd: here.path })
  expect(run).toMatchObject({ code: 2, stderr: expect.stringContaining('no journal to resume') })
})

test('--resume of a run that was killed in its last moment, its snapshot written: it is over, and named', async () => {
  const { url } = await fakeTarget()
  const here = workspace()
  const plan = planOf(here, url)
  expect(await runCli(['run', plan, '--quiet'], { cwd: here.path })).toMatchObject({ code: 0 })
  const { id: run } = await here.snapshot('plan')
  here.write(`results/plan/${run}.journal`, 'left behind')
  expect(await runCli(['run', plan, '--resume'], { cwd: here.path })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(`its newest run is saved in ${run}.json and over`),
  })
  expect(here.journals('plan')).toEqual([])
})

/** A server whose third and later answers take long. */
const slowTarget = (ms: number) =>
  fakeTarget((asked, response) => stream(asked, response, { firstMs: asked.number > 2 ? ms : 1 }))

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  '%s once: what is in flight is waited for and saved, nothing more is sent, exit 130',
  async (signal) => {
    const target = await slowTarget(700)
    const here = workspace()
    const run = await startCli(['run', planOf(here, target.url)], { cwd: here.path })
    await run.until(() => target.asked.length >= 3)
    run.process.kill(signal)
    const { code, stderr } = await run.ended
    expect({ code, stderr }).toEqual({ code: 130, stderr: expect.stringContaining('again to stop at once') })
    const { partial, partialReason, samples } = await here.snapshot('plan')
    expect({ partial, partialReason }).toEqual({
      partial: true,
      partialReason: expect.stringContaining('interrupted'),
    })
    expect(samples.map(({ outcome }) => outcome)).toEqual(target.asked.map(() => 'ok'))
    expect(here.journals('plan')).toEqual([])
  },
)

/** Longer than a slow machine takes for all else. */
const ANSWER_MS = 120_000

test('SIGINT twice: stops at once, exit 130, every finished sample kept', async () => {
  const target = await slowTarget(ANSWER_MS)
  const here = workspace()
  const run = await startCli(['run', planOf(here, target.url), '--quiet'], { cwd: here.path })
  await run.until(() => target.asked.length >= 3)
  await run.until(() => journalled(here).length >= 2)
  run.process.kill('SIGINT')
  await run.until(() => run.stderr().includes('interrupted'))
  const atMs = performance.now()
  run.process.kill('SIGINT')
  const { code, stderr } = await run.ended
  expect({ code, stderr }).toEqual({ code: 130, stderr: expect.any(String) })
  expect(performance.now() - atMs, 'it waited for the answers').toBeLessThan(ANSWER_MS)
  const { samples } = await here.snapshot('plan')
  const aborted = target.asked.slice(2).map(() => 'aborted')
  expect(samples.map(({ outcome }) => outcome).sort()).toEqual([...aborted, 'ok', 'ok'])
})

test('a finished request is in the journal while others of its visit still run', async () => {
  const target = await slowTarget(ANSWER_MS)
  const here = workspace()
  here.write(
    'plan.yaml',
    `targets: [{ name: t, baseUrl: '${target.url}', model: m, tokenizer: o200k_base }]
probes: [{ probe: concurrency, concurrency: [3], promptTokens: 64, outputTokens: 8, blocks: 2 }]
warmup: { requests: 0 }
`,
  )
  const run = await startCli(['run', 'plan.yaml', '--quiet'], { cwd: here.path })
  await run.until(() => target.asked.length >= 3 && journalled(here).length >= 2)
  run.process.kill('SIGKILL')
  await run.ended
  expect(journalled(here)).toHaveLength(2)
})
