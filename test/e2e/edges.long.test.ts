/** Probes that decide as they see, against the simulated provider: edges of the cache, ages, answers, routes, goodput. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Sample } from '../../src/sample/sample.js'
import { runCli, startCli, startSimulate, workspace } from '../support/cli.js'

const measured = (samples: readonly Sample[]): Sample[] => samples.filter(({ warmup }) => !warmup)
const simulated = (profile: string, set = '{}'): string =>
  `targets: [{ name: sim, simulate: { profile: ${profile}, set: ${set} } }]\nwarmup: { requests: 1 }\n`

test.each([
  {
    profile: 'hosted-frontier',
    set: '{ base: 1, gateway: 0, queueMedian: 1, freshUs: 1, stallShare: 0, levelSigma: 0 }',
    minimum: 1024,
    step: 128,
  },
  { profile: '8b-h100', set: '{}', minimum: 16, step: 16 },
])(
  'prefix-cache finds minimum $minimum and step $step of $profile exactly',
  async ({ profile, set, minimum, step }) => {
    const here = workspace()
    here.write(
      's.yaml',
      `${simulated(profile, set)}probes: [{ probe: prefix-cache, promptTokens: [2048], blocks: 1, outputTokens: 2, edges: true }]\n`,
    )
    expect(await runCli(['run', 's.yaml', '--quiet'], { cwd: here.path })).toMatchObject({ code: 0 })
    const { curves, samples, notes } = await here.snapshot('s')
    const law = curves.find((curve) => curve.law === 'cache')
    expect(law?.parameters).toMatchObject({
      minimum: { value: minimum },
      step: { value: step, low: step, high: step },
    })
    expect(notes.join('\n')).toContain(`from ${minimum} tokens up`)
    expect(samples.filter(({ asked }) => asked.search).length).toBeLessThanOrEqual(45)
  },
)

test('prefixes age side by side, other blocks run meanwhile, and each age is the one that the prefix had', async () => {
  const here = workspace()
  const probes = `probes:
  - { probe: cache-lifetime, withinS: 6, shortestS: 0.3, ages: 5, prefixTokens: 256 }
  - { probe: prompt-length, promptTokens: [64], outputTokens: 2, blocks: 10 }
`
  here.write('s.yaml', simulated('exact', '{ cacheIdleMs: 1500 }') + probes)
  expect(await runCli(['run', 's.yaml', '--quiet'], { cwd: here.path })).toMatchObject({ code: 0 })
  const { samples, curves, notes, partial } = await here.snapshot('s')
  expect(partial).toBe(false)
  const aged = measured(samples).filter(({ probe }) => probe === 'cache-lifetime')
  const askedAge = ({ cell }: Sample): number => Number(/\+([\d.]+)s/.exec(cell)?.[1])
  for (const sample of aged) expect(sample.asked.ageS).toBeGreaterThanOrEqual(askedAge(sample))
  // Ten prefixes of .3 to 3 s would take some 12 s one after another.
  const first = aged.filter(({ block }) => block === 0)
  expect(first).toHaveLength(10)
  const primes = samples.filter(
    ({ probe, warmup, block }) => probe === 'cache-lifetime' && warmup && block === 0,
  )
  expect(
    Math.max(...first.map(({ atMs }) => atMs)) - Math.min(...primes.map(({ atMs }) => atMs)),
  ).toBeLessThan(9000)
  const others = measured(samples).filter(({ probe }) => probe === 'prompt-length')
  const lastAged = Math.max(...first.map(({ atMs }) => atMs))
  expect(others.filter(({ atMs }) => atMs < lastAged).length, 'nothing waits for the prefixes').toBe(10)
  const lifetime = curves.find(({ law }) => law === 'cache')?.parameters['lifetimeS']
  expect(lifetime?.low).toBeLessThanOrEqual(1.5)
  expect(lifetime?.high).toBeGreaterThanOrEqual(1.5)
  expect(notes.join('\n')).toMatch(/cache-lifetime: a prefix is still served after/)
})

test('an interrupt ends the wait for an age at once', async () => {
  const here = workspace()
  const ages =
    '{ probe: cache-lifetime, withinS: 120, shortestS: 60, ages: 2, prefixes: 1, prefixTokens: 256 }'
  const edges =
    '{ probe: prefix-cache, promptTokens: [64], blocks: 1, outputTokens: 2, edges: true, upToTokens: 512 }'
  here.write(
    's.yaml',
    `${simulated('exact', '{ cacheMinTokens: 128 }')}probes: [${edges}, ${ages}]\nseed: 7\n`,
  )
  const running = await startCli(['run', 's.yaml', '--quiet'], { cwd: here.path })
  await running.until(() => here.journals('s').length > 0)
  await sleep(6000)
  const startedMs = performance.now()
  running.process.kill('SIGINT')
  expect(await running.ended).toMatchObject({ code: 130 })
  expect(performance.now() - startedMs).toBeLessThan(10_000)
})

test('a 200 with a wrong answer is seen, with its question; right ones are counted', async () => {
  const right = await startSimulate(['--profile', 'exact'])
  const wrong = await startSimulate(['--profile', 'exact', '--fault', 'wrong-answer'])
  const here = workspace()
  const target = (name: string, url: string): string =>
    `  - { name: ${name}, baseUrl: '${url}', model: exact, tokenizer: o200k_base, quirks: { ignoreEos: true } }\n`
  const probes = 'probes: [{ probe: canary, promptTokens: 512, blocks: 2 }]\nwarmup: { requests: 1 }\n'
  here.write('s.yaml', `targets:\n${target('good', right)}${target('bad', wrong)}${probes}`)
  expect(await runCli(['run', 's.yaml', '--quiet'], { cwd: here.path })).toMatchObject({ code: 0 })
  const { samples, summary, notes } = await here.snapshot('s')
  const answers = (name: string): string[] =>
    measured(samples).flatMap(({ target: of, answer }) =>
      of === name && answer !== undefined ? [answer] : [],
    )
  expect(answers('good')).toEqual(Array.from({ length: 12 }, () => 'right'))
  expect(answers('bad')).toEqual(Array.from({ length: 12 }, () => 'wrong'))
  expect(new Set(summary.map(({ cell }) => cell.split('/')[6]))).toEqual(
    new Set(['recall@10%', 'recall@50%', 'recall@90%', 'arithmetic', 'echo', 'json']),
  )
  expect(notes.join('\n')).toMatch(/bad: 12 of 12 answers with one right value were WRONG/)
  for (const { detail } of measured(samples).filter(({ answer }) => answer === 'wrong'))
    expect(detail?.length).toBeLessThan(250)
})

test('route tells shares of what it met over new connections; goodput is a figure to expect', async () => {
  const here = workspace()
  const probes = `probes:
  - { probe: route, connections: 3, blocks: 2 }
  - { probe: concurrency, concurrency: [1, 2], blocks: 2, promptTokens: 64, outputTokens: 8, limits: { ttftMs: 5000 } }
expectations:
  - goodput{probe=concurrency} > 95%
  - goodput{concurrency=2} > 99%
`
  here.write('s.yaml', simulated('exact') + probes)
  expect(await runCli(['run', 's.yaml', '--quiet'], { cwd: here.path })).toMatchObject({ code: 0 })
  const { notes, summary } = await here.snapshot('s')
  expect(notes.join('\n')).toMatch(/sim: over 6 new connections .*connect [\d.]+ ms; .*fingerprint \S+ 100 %/)
  expect(summary.filter(({ probe }) => probe === 'concurrency').map(({ goodput }) => goodput)).toEqual([1, 1])
})
