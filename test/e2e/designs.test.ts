/** What a scenario can ask for, seen from the server: prompts, probes, targets, connections, arrivals, cache states. */
import { expect, test } from 'vitest'
import type { Sample } from '../../src/sample/sample.js'
import type { CliResult, Workspace } from '../support/cli.js'
import { runCli, workspace } from '../support/cli.js'
import type { Asked } from '../support/fake-target.js'
import { countTokens, fakeTarget, stream } from '../support/fake-target.js'

const target = (url: string, name = 't', rest = ''): string =>
  `  - { name: ${name}, baseUrl: '${url}', model: m, tokenizer: o200k_base${rest} }\n`

async function run(here: Workspace, text: string, flags: readonly string[] = []): Promise<CliResult> {
  here.write('s.yaml', text)
  return runCli(['run', 's.yaml', '--quiet', ...flags], { cwd: here.path })
}

const measured = (samples: readonly Sample[]): Sample[] =>
  samples.filter(({ warmup }) => !warmup).sort((a, b) => a.atMs - b.atMs)

test("one's own prompts: conversations go turn by turn with a growing prefix, each turn a cell of its own", async () => {
  const server = await fakeTarget((asked, response) => stream(asked, response, { cachedTokens: 0 }))
  const here = workspace()
  const conversation = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'What is a plumb line?' },
    { role: 'assistant', content: 'A weight on a string.' },
    { role: 'user', content: 'What is it for?' },
  ]
  const lines = [{ prompt: 'Say something.', outputTokens: 9 }, { messages: conversation }]
  here.write('prompts.jsonl', lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  const prompts = 'prompts: { file: prompts.jsonl, blocks: 3, outputTokens: 12 }\n'
  const result = await run(here, `targets:\n${target(server.url)}${prompts}warmup: { requests: 0 }\n`)
  expect(result).toMatchObject({ code: 0 })
  const sent = server.asked.map(({ body, outputTokens }) => JSON.stringify([body.messages, outputTokens]))
  const turn = (messages: object[], outputTokens: number): string => JSON.stringify([messages, outputTokens])
  const wanted = [
    turn([{ role: 'user', content: 'Say something.' }], 9),
    turn(conversation.slice(0, 2), 12),
    turn(conversation, 12),
  ]
  expect(sent.toSorted()).toEqual([...wanted, ...wanted, ...wanted].sort())
  // The second turn follows the first, at once.
  for (const [i, text] of sent.entries()) if (text === wanted[1]) expect(sent[i + 1]).toBe(wanted[2])
  const { summary } = await here.snapshot('s')
  // A prompt that asks for no cache state contradicts none: a miss counts as well.
  expect(Object.fromEntries(summary.map(({ cell, n }) => [cell.split('/')[1], n]))).toEqual({
    '1.1': 3,
    '2.1': 3,
    '2.2': 3,
  })
})

test('a wrong line of the prompts file exits 2 with its number', async () => {
  const { url, asked } = await fakeTarget()
  const here = workspace()
  here.write('prompts.jsonl', '{"prompt": "good"}\n{"promt": "not"}\n')
  const result = await run(here, `targets:\n${target(url)}prompts: { file: prompts.jsonl }\n`)
  expect(result).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('prompts.jsonl:2: unknown key "promt"'),
  })
  expect(asked).toEqual([])
})

const planned = `
/** Two lengths that differ by a factor. */
export default {
  name: 'doubling',
  feeds: null,
  settings: (z) =>
    z.object({
      from: z.int().min(1).describe('Shorter length, tokens.'),
      factor: z.number().min(1).describe('Longer length over shorter.'),
      blocks: z.int().min(1).describe('Samples per length.'),
    }),
  defaults: { from: 64, factor: 2, blocks: 4 },
  plan({ from, factor, blocks }, random) {
    const cell = (promptTokens) => ({ promptTokens, prefixTokens: 0, outputTokens: 8, cache: 'fresh' })
    return Array.from({ length: blocks }, () => random.shuffle([cell(from), cell(from * factor)]))
  },
}
`

/** Asks for more until it has so many, and one length more each time. */
const adaptive = `
export default {
  name: 'growing',
  feeds: 'prefill',
  settings: (z) => z.object({ enough: z.int().min(1) }),
  defaults: { enough: 5 },
  next({ enough }, seen) {
    const good = seen.cells.reduce((sum, { n }) => sum + n, 0)
    if (good >= enough) return { done: good + ' samples, longest median ' + seen.cells.at(-1).ask.promptTokens }
    const promptTokens = 64 * (seen.blocks + 1)
    return { ask: [{ promptTokens, prefixTokens: 0, outputTokens: 8, cache: 'fresh' }] }
  },
}
`

test("a user's probe files run by path: one with a plan, one that decides as it sees", async () => {
  const { url } = await fakeTarget()
  const here = workspace()
  here.write('doubling.mjs', planned)
  here.write('growing.mjs', adaptive)
  const probes =
    'probes:\n  - { probe: ./doubling.mjs, factor: 3 }\n  - { probe: ./growing.mjs, enough: 3 }\n'
  const text = `targets:\n${target(url)}${probes}repeats: 2\n`
  expect(await run(here, text)).toMatchObject({ code: 0 })
  const { summary, notes } = await here.snapshot('s')
  expect(summary.map(({ probe, promptTokens, n }) => `${probe} ${promptTokens} ${n}`).sort()).toEqual([
    'doubling 192 2',
    'doubling 64 2',
    'growing 128 1',
    'growing 192 1',
    'growing 64 1',
  ])
  expect(notes).toEqual(expect.arrayContaining(['growing: 3 samples, longest median 192']))
  expect(await run(here, text, ['--no-code'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--no-code is set'),
  })
})

test("a wrong setting of a user's probe exits 2 with its place", async () => {
  const { url, asked } = await fakeTarget()
  const here = workspace()
  here.write('doubling.mjs', planned)
  const result = await run(here, `targets:\n${target(url)}probes:\n  - { probe: ./doubling.mjs, factr: 3 }\n`)
  expect(result).toMatchObject({ code: 2, stderr: expect.stringMatching(/s\.yaml:4:\d+: .*factr.*factor/) })
  expect(asked).toEqual([])
})

test('two targets are alternated: each cell of a block goes to both, one right after the other', async () => {
  const a = await fakeTarget()
  const b = await fakeTarget()
  const here = workspace()
  const rest = `probes:
  - { probe: prompt-length, promptTokens: [64, 96, 128], outputTokens: 8, blocks: 6 }
warmup: { requests: 1 }
`
  const one = target(a.url, 'a', ', headers: { x-team: blue }, body: { service_tier: flex, top_k: 7 }')
  expect(await run(here, `targets:\n${one}${target(b.url, 'b')}${rest}`)).toMatchObject({ code: 0 })
  const samples = measured((await here.snapshot('s')).samples)
  const pairs = samples.flatMap((sample, i) => (i % 2 === 0 ? [[sample, samples[i + 1]!] as const] : []))
  expect(pairs).toHaveLength(18)
  for (const [first, second] of pairs) {
    expect([second.cell, second.block]).toEqual([first.cell, first.block])
    expect([first.target, second.target].sort()).toEqual(['a', 'b'])
  }
  expect(new Set(pairs.map(([first]) => first.target)).size, 'the order is not always the same').toBe(2)
  expect(a.asked).toHaveLength(19)
  expect(b.asked).toHaveLength(19)
  const extra = ({ headers, body }: Asked) => [headers['x-team'], body['service_tier'], body['top_k']]
  expect(new Set(a.asked.map((asked) => JSON.stringify(extra(asked))))).toEqual(
    new Set(['["blue","flex",7]']),
  )
  expect(new Set(b.asked.map((asked) => JSON.stringify(extra(asked))))).toEqual(new Set(['[null,null,null]']))
})

test.each([
  { connection: 'reused', shared: true },
  { connection: 'new', shared: false },
])('connection: $connection, shared between requests: $shared', async ({ connection, shared }) => {
  const { url, asked } = await fakeTarget()
  const here = workspace()
  const probe = `{ probe: prompt-length, promptTokens: [64], outputTokens: 8, blocks: 6, connection: ${connection} }`
  expect(
    await run(here, `targets:\n${target(url)}probes:\n  - ${probe}\nwarmup: { requests: 1 }\n`),
  ).toMatchObject({
    code: 0,
  })
  const ports = asked.slice(1).map(({ port }) => port)
  expect(new Set(ports).size).toBe(shared ? 1 : ports.length)
  const samples = measured((await here.snapshot('s')).samples)
  expect(samples.map(({ reused, connect }) => reused === shared && connect > 0 === !shared)).toEqual(
    ports.map(() => true),
  )
})

/** Remembers every prompt; serves the longest prefix that it knows, in steps of 16 tokens. */
function cachingTarget() {
  const known: string[] = []
  return fakeTarget((asked, response) => {
    const common = known.reduce((longest, text) => Math.max(longest, commonLength(text, asked.prompt)), 0)
    known.push(asked.prompt)
    const cachedTokens = Math.floor(countTokens(asked.prompt.slice(0, common)) / 16) * 16
    return stream(asked, response, {
      cachedTokens,
      firstMs: 120 - 110 * (cachedTokens / countTokens(asked.prompt)),
    })
  })
}
function commonLength(a: string, b: string): number {
  let i = 0
  while (i < a.length && a[i] === b[i]) i++
  return i
}

const prefixCache =
  'probes:\n  - { probe: prefix-cache, promptTokens: [256, 1024], outputTokens: 8, blocks: 3 }\n'

test('prefix cache: fresh finds nothing, warm all but its suffix, and the server confirms both', async () => {
  const { url, asked } = await cachingTarget()
  const here = workspace()
  expect(await run(here, `targets:\n${target(url)}${prefixCache}warmup: { requests: 1 }\n`)).toMatchObject({
    code: 0,
  })
  const { samples, summary } = await here.snapshot('s')
  expect(summary.map(({ cacheStates }) => cacheStates)).toEqual(
    summary.map(() => ({ confirmed: 3, contradicted: 0, unverified: 0 })),
  )
  for (const { asked: ask, promptTokens, cachedTokens } of measured(samples)) {
    expect(promptTokens).toBe(ask.promptTokens)
    if (ask.cache === 'fresh') expect(cachedTokens).toBeLessThanOrEqual(16)
    else expect(cachedTokens).toBeGreaterThanOrEqual(ask.prefixTokens - 16)
  }
  const p50 = (cache: string): number =>
    summary.find((row) => row.cache === cache && row.promptTokens === 1024)?.ttft?.p50 ?? NaN
  expect(p50('warm')).toBeLessThan(p50('fresh'))
  // One warm-up, twelve samples, and a prime before each warm one; primes stand in no figure.
  expect(asked).toHaveLength(1 + 12 + 6)
  expect(summary.reduce((sum, { n }) => sum + n, 0)).toBe(12)
})

test('a server that contradicts the cache state is left out of the figures, and counted', async () => {
  const { url } = await fakeTarget((asked, response) =>
    stream(asked, response, { cachedTokens: countTokens(asked.prompt) - 20 }),
  )
  const here = workspace()
  const probe = '{ probe: prompt-length, promptTokens: [512, 2048], outputTokens: 8, blocks: 4 }'
  const { code, stdout } = await run(here, `targets:\n${target(url)}probes:\n  - ${probe}\n`)
  expect(code).toBe(0)
  expect(stdout).toMatch(/another cache state than asked/)
  const { summary, curves } = await here.snapshot('s')
  expect(summary.map(({ n, ttft, cacheStates }) => ({ n, ttft, ...cacheStates }))).toEqual(
    summary.map(() => ({ n: 0, ttft: null, confirmed: 0, contradicted: 4, unverified: 0 })),
  )
  expect(curves.filter(({ law }) => law === 'prefill')).toEqual([])
})

test("warm cells below the target's cache minimum are dropped from the plan, and it says so", async () => {
  const { url } = await cachingTarget()
  const here = workspace()
  const { code, stdout } = await run(
    here,
    `targets:\n${target(url, 't', ', cache: { minimumTokens: 512 }')}${prefixCache}`,
  )
  expect(code).toBe(0)
  expect(stdout).toMatch(/warm cells of 256 tokens dropped/)
  const { summary, notes } = await here.snapshot('s')
  expect(summary.map(({ promptTokens, cache }) => `${promptTokens} ${cache}`).sort()).toEqual([
    '1024 fresh',
    '1024 warm',
    '256 fresh',
  ])
  expect(notes.join(' ')).toContain('below the cache')
})

test('an unknown tokenizer is corrected by usage: the server counts the asked length within 5 %', async () => {
  // Its tokens are shorter than ours, and its chat template adds some.
  const { url } = await fakeTarget((asked, response) =>
    stream(asked, response, { promptTokens: Math.round(countTokens(asked.prompt) * 1.3) + 11 }),
  )
  const here = workspace()
  const probe = '{ probe: prompt-length, promptTokens: [128, 512, 2048], outputTokens: 8, blocks: 3 }'
  const text = `targets:\n${target(url).replace('o200k_base', 'approximate')}probes:\n  - ${probe}\nwarmup: { requests: 4 }\n`
  expect(await run(here, text)).toMatchObject({ code: 0 })
  const { samples, targets } = await here.snapshot('s')
  for (const { asked, promptTokens } of measured(samples))
    expect(Math.abs(promptTokens! / asked.promptTokens - 1), `asked ${asked.promptTokens}`).toBeLessThan(0.05)
  expect(targets[0]!.tokenCorrection).toMatchObject({ pairs: 4 })
})
