/** A plan as text: within 80 columns, with what each probe costs as expected and at worst. */
import { expect, it } from 'vitest'
import { prefixCache } from '../../probes/prefix-cache.js'
import { promptLength } from '../../probes/prompt-length.js'
import { planText } from '../../src/report/plan.js'
import { dryRun } from '../../src/run/dry-run.js'
import { forecast } from '../../src/run/forecast.js'
import { loadScenario } from '../../src/run/load-scenario.js'
import type { Target } from '../../src/scenario/scenario.js'

async function targetsOf(file: string): Promise<readonly Target[]> {
  const loaded = await loadScenario(file, { env: {}, allowCode: false })
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'))
  return loaded.scenario.targets
}

it.each(['quickstart', 'openai', 'ci'])('the plan of scenarios/%s.yaml fits 80 columns', async (name) => {
  const loaded = await loadScenario(`scenarios/${name}.yaml`, { env: {}, allowCode: false })
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'))
  const plan = await dryRun(loaded.scenario, 1)
  if (plan.kind === 'refused') throw new Error(plan.message)
  const lines = planText(plan).split('\n')
  expect(lines.filter((line) => line.length > 80)).toEqual([])
  expect(plan.probes.reduce((sum, { requests }) => sum + requests, 0)).toBe(plan.requests)
})

const PRICE = { currency: 'USD', inputPerM: 3, cachedPerM: 0.3, cacheWritePerM: 3.75, outputPerM: 15 }

it('expected is by the cache that is asked for, worst with every token at the dearest price: 1 M read, 1 M written, 1 M plain', async () => {
  const [target] = await targetsOf('scenarios/openai.yaml')
  if (target === undefined) throw new Error('no target')
  const cell = { probe: 'p', promptTokens: 3e6, cachedTokens: 1e6, primedTokens: 1e6, outputTokens: 1e6 }
  const of = (name: string, price: Target['price']): Target => ({ ...target, name, price })
  const euro = { ...PRICE, currency: 'EUR' }
  const cells = ['a', 'b'].map((name) => ({ ...cell, target: name }))
  const one = { expected: 0.3 + 3.75 + 3 + 15, worst: 3 * 3.75 + 15 }
  expect(forecast(cells, [of('a', PRICE), of('b', euro)])).toEqual([
    { currency: 'USD', expected: expect.closeTo(one.expected, 9), worst: expect.closeTo(one.worst, 9) },
    { currency: 'EUR', expected: expect.closeTo(one.expected, 9), worst: expect.closeTo(one.worst, 9) },
  ])
  expect(forecast(cells, [of('a', PRICE), of('b', null)])).toBeNull()
  const [simulated] = await targetsOf('scenarios/quickstart.yaml')
  expect(forecast([{ ...cell, target: simulated!.name }], [simulated!])).toEqual([])
})

it('a plan counts what is sent: answers of 1 and 2 tokens are asked as 16 where the API takes no less', async () => {
  const loaded = await loadScenario('scenarios/openai.yaml', { env: {}, allowCode: false })
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'))
  const { scenario } = loaded
  const [target] = scenario.targets
  const [use] = scenario.probes
  if (target === undefined || use === undefined) throw new Error('no target or probe')
  const settings = { promptTokens: [2048], suffixTokens: 64, outputTokens: 2, blocks: 1, edges: false }
  const warm = { ...use, probe: prefixCache, settings, targets: [target.name], precision: null }
  const outputTokensOf = async (protocol: Target['protocol']): Promise<number | undefined> => {
    const targets = [{ ...target, protocol }]
    const plan = await dryRun({ ...scenario, targets, probes: [warm], prompts: null }, 1)
    if (plan.kind === 'refused') throw new Error(plan.message)
    return plan.probes.find(({ probe }) => probe === 'prefix-cache')?.outputTokens
  }
  // One fresh request, one that primes and one that hits.
  expect(await outputTokensOf('openai-chat')).toBe(2 + 1 + 2)
  expect(await outputTokensOf('openai-responses')).toBe(3 * 16)
})

it('with a precision a plan tells the most that it can take: 240 blocks, each chosen visit as dear as the dearest', async () => {
  const loaded = await loadScenario('scenarios/openai.yaml', { env: {}, allowCode: false })
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'))
  const { scenario } = loaded
  const [target] = scenario.targets
  const [use] = scenario.probes
  if (target === undefined || use === undefined) throw new Error('no target or probe')
  const settings = { promptTokens: [100, 400, 1600, 6400], outputTokens: 16, blocks: 1, connection: 'reused' }
  const probe = { ...use, probe: promptLength, settings, targets: [target.name], precision: 0.05 }
  const budget = { requests: 300, tokens: null, cost: null }
  const own = { ...scenario, targets: [{ ...target, price: PRICE }], probes: [probe], prompts: null, budget }
  const plan = await dryRun({ ...own, warmupRequests: 0 }, 1)
  if (plan.kind === 'refused') throw new Error(plan.message)
  // Two whole grids of 4, then 238 blocks of 3.
  const chosen = 238 * 3
  expect(plan.atMost).toMatchObject({
    requests: 8 + chosen,
    promptTokens: 2 * 8500 + chosen * 6400,
    outputTokens: (8 + chosen) * 16,
  })
  expect(plan.atMost?.cost?.[0]?.worst).toBeCloseTo(
    ((2 * 8500 + chosen * 6400) * 3.75 + (8 + chosen) * 16 * 15) / 1e6,
    9,
  )
  const text = planText(plan)
  expect(text).toContain('at most 722 requests in all')
  expect(text).toContain('the budget ends it at 300 requests')
  expect(text.split('\n').filter((line) => line.length > 80)).toEqual([])
  expect(planText({ ...plan, isOpen: false })).not.toContain('at most 722')
})
