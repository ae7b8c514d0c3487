/** The plan of a scenario with its tokens and its cost at worst; nothing is sent. */
import { randomInt } from 'node:crypto'
import type { PlannedRequest } from '../plan/visit.js'
import { inOrder } from '../plan/visit.js'
import type { PromptBuilder } from '../prompt/builder.js'
import { createPromptBuilder } from '../prompt/builder.js'
import { createRandom } from '../random/random.js'
import type { Scenario } from '../scenario/scenario.js'
import { loadTokenizer } from '../tokens/load-tokenizer.js'
import { faultOfBudget } from './check-budget.js'
import { checkLengths } from './check-lengths.js'
import type { OwnPrompts } from './own-prompts.js'
import { noPrompts, readOwnPrompts } from './own-prompts.js'
import type { Refused } from './contract.js'
import { sourcesOf } from './sources.js'
import { warmUpRequests } from './warm-up.js'

export interface PlannedCell {
  target: string
  cell: string
  requests: number
  /** Priming requests besides. */
  primes: number
  promptTokens: number
  outputTokens: number
}

export interface DryRun {
  kind: 'plan'
  scenario: string
  /** Warm-up among them. */
  cells: PlannedCell[]
  /** Requests, warm-up and priming included. */
  requests: number
  promptTokens: number
  outputTokens: number
  /** At list price with nothing from the cache, simulated targets free; null where a price is not known. */
  cost: { currency: string; amount: number } | null
  /** The plan is a part only: a probe decides as it sees. */
  isOpen: boolean
  /** Nothing is asked of a target that costs money. */
  isFree: boolean
  notes: string[]
}

export async function dryRun(scenario: Scenario, seed: number | undefined): Promise<DryRun | Refused> {
  const fault = faultOfBudget(scenario)
  if (fault !== null) return { kind: 'refused', exit: 2, message: fault }
  const own = await ownPrompts(scenario)
  if ('exit' in own) return own
  const random = createRandom(seed ?? scenario.seed ?? randomInt(2 ** 31))
  const seen = () => ({ blocks: 0, cells: [], halfWidths: {} })
  const plan = sourcesOf(scenario, { random, seen, ownRequests: own.conversations })
  const problem = plan.problem ?? (await lengthProblem(scenario, plan.conditions))
  if (problem !== null)
    return { kind: 'refused', exit: 2, message: `${scenario.file ?? scenario.name}: ${problem}` }

  const cells = new Map<string, PlannedCell>()
  const add = ({ target, cell, condition }: PlannedRequest, primes: number): void => {
    const sum = cells.get(`${target} ${cell}`) ?? {
      target,
      cell,
      requests: 0,
      primes: 0,
      promptTokens: 0,
      outputTokens: 0,
    }
    sum.requests++
    sum.primes += primes
    sum.promptTokens += condition.promptTokens + primes * condition.prefixTokens
    sum.outputTokens += condition.outputTokens + primes
    cells.set(`${target} ${cell}`, sum)
  }
  for (const { name, tokenizer } of scenario.targets) {
    if (!plan.targets.has(name)) continue
    const { exact } = await loadTokenizer(tokenizer)
    for (const one of warmUpRequests(name, plan.conditions, scenario.warmupRequests, exact)) add(one, 0)
  }
  const planned = plan.sources.filter((source) => source.total !== null)
  for (const { visits } of inOrder(planned, scenario.order, random.fork('order'))) {
    for (const visit of visits) {
      const isWarm = visit.chains[0]?.[0]?.condition.cache === 'warm'
      for (const [i, one] of visit.chains.flat().entries()) add(one, isWarm && i === 0 ? 1 : 0)
    }
  }
  const all = [...cells.values()].sort(
    (a, b) => a.target.localeCompare(b.target) || a.cell.localeCompare(b.cell, 'en', { numeric: true }),
  )
  const total = (of: (cell: PlannedCell) => number): number => all.reduce((sum, cell) => sum + of(cell), 0)
  return {
    kind: 'plan',
    scenario: scenario.name,
    cells: all,
    requests: total((cell) => cell.requests + cell.primes),
    promptTokens: total((cell) => cell.promptTokens),
    outputTokens: total((cell) => cell.outputTokens),
    cost: costOf(scenario, all),
    isOpen: plan.planned === null,
    isFree: scenario.targets.every((target) => target.simulate !== null),
    notes: plan.notes,
  }
}

function costOf(scenario: Scenario, cells: readonly PlannedCell[]): DryRun['cost'] {
  const prices = new Map(scenario.targets.map((target) => [target.name, target.price]))
  let amount = 0
  let currency: string | null = null
  const simulated = new Set(
    scenario.targets.filter((each) => each.simulate !== null).map((each) => each.name),
  )
  for (const { target, promptTokens, outputTokens } of cells) {
    if (simulated.has(target)) continue
    const price = prices.get(target) ?? null
    if (price === null) return null
    currency = price.currency
    amount += (promptTokens * price.inputPerM + outputTokens * price.outputPerM) / 1e6
  }
  return currency === null ? null : { currency, amount }
}

async function ownPrompts(scenario: Scenario): Promise<OwnPrompts | Refused> {
  const { prompts, targets } = scenario
  if (prompts === null) return noPrompts
  const first = targets.find((target) => target.name === prompts.targets[0])
  const tokenizer = await loadTokenizer(first?.tokenizer ?? 'approximate')
  const read = await readOwnPrompts(prompts, (text) => tokenizer.count(text))
  return read.ok ? read.prompts : { kind: 'refused', exit: 2, message: read.message }
}

async function lengthProblem(
  { targets }: Scenario,
  conditions: ReturnType<typeof sourcesOf>['conditions'],
): Promise<string | null> {
  const builders = new Map<string, PromptBuilder>()
  for (const { name, tokenizer } of targets)
    builders.set(name, createPromptBuilder(await loadTokenizer(tokenizer)))
  return checkLengths(conditions, (target) => {
    const builder = builders.get(target)
    if (builder === undefined) throw new Error(`no such target: ${target}`)
    return builder
  })
}
