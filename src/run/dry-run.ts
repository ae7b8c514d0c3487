/** The plan of a scenario with its tokens and its cost at worst; nothing is sent. */
import { randomInt } from 'node:crypto'
import type { PlannedRequest } from '../plan/visit.js'
import { inOrder } from '../plan/visit.js'
import type { PromptBuilder } from '../prompt/builder.js'
import { createPromptBuilder } from '../prompt/builder.js'
import { createRandom } from '../random/random.js'
import type { Budget, Scenario } from '../scenario/scenario.js'
import { loadTokenizer } from '../tokens/load-tokenizer.js'
import { ceilingOf } from './ceiling.js'
import { faultOfBudget } from './check-budget.js'
import { checkLengths } from './check-lengths.js'
import type { Forecast, PlannedTokens } from './forecast.js'
import { forecast } from './forecast.js'
import type { OwnPrompts } from './own-prompts.js'
import { noPrompts, readOwnPrompts } from './own-prompts.js'
import type { Refused } from './contract.js'
import { nothingSeen, sourcesOf } from './sources.js'
import { protocols } from './tables.js'
import { withTrace } from './trace-file.js'
import { warmUpRequests } from './warm-up.js'

export interface PlannedCell extends PlannedTokens {
  cell: string
  requests: number
  /** Priming requests besides. */
  primes: number
}

/** What one probe will send and cost; warm-up under `warm-up`. */
export interface PlannedProbe {
  probe: string
  /** Priming included. */
  requests: number
  promptTokens: number
  outputTokens: number
  /** One a currency, empty where it costs nothing; null where a price is not known. */
  cost: Forecast[] | null
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
  probes: PlannedProbe[]
  /** Of all probes together: one a currency, empty where nothing costs money; null where a price is not known. */
  cost: Forecast[] | null
  /** The plan is a part only: a probe decides as it sees. */
  isOpen: boolean
  /** Some probe searches, and what that takes is not bounded here. */
  searches: boolean
  /** With what probes with a `precision` can take at worst; null without any. */
  atMost: Pick<PlannedProbe, 'requests' | 'promptTokens' | 'outputTokens' | 'cost'> | null
  /** What ends the run, whatever was planned. */
  budget: Budget
  /** Nothing is asked of a target that costs money. */
  isFree: boolean
  notes: string[]
}

export async function dryRun(asked: Scenario, seed: number | undefined): Promise<DryRun | Refused> {
  const fault = faultOfBudget(asked)
  if (fault !== null) return { kind: 'refused', exit: 2, message: fault }
  const traced = await withTrace(asked)
  if (!traced.ok) return { kind: 'refused', exit: 2, message: traced.message }
  const { scenario } = traced
  const own = await ownPrompts(scenario)
  if ('exit' in own) return own
  const random = createRandom(seed ?? scenario.seed ?? randomInt(2 ** 31))
  const plan = sourcesOf(scenario, { random, ...nothingSeen, ownRequests: own.conversations })
  const problem = plan.problem ?? (await lengthProblem(scenario, plan.conditions))
  if (problem !== null)
    return { kind: 'refused', exit: 2, message: `${scenario.file ?? scenario.name}: ${problem}` }

  const least = new Map(
    scenario.targets.map(({ name, protocol }) => [name, protocols[protocol].leastOutputTokens ?? 1]),
  )
  const cells = new Map<string, PlannedCell>()
  const add = ({ target, probe, cell, condition }: PlannedRequest, primes: number): void => {
    const sum = cells.get(`${target} ${cell}`) ?? {
      target,
      probe,
      cell,
      requests: 0,
      primes: 0,
      promptTokens: 0,
      cachedTokens: 0,
      primedTokens: 0,
      outputTokens: 0,
    }
    sum.requests++
    sum.primes += primes
    sum.promptTokens += condition.promptTokens + primes * condition.prefixTokens
    sum.cachedTokens += condition.prefixTokens
    sum.primedTokens += primes * condition.prefixTokens
    const leastOutput = least.get(target) ?? 1
    sum.outputTokens += Math.max(leastOutput, condition.outputTokens) + primes * leastOutput
    cells.set(`${target} ${cell}`, sum)
  }
  for (const { name, tokenizer } of scenario.targets) {
    if (!plan.targets.has(name)) continue
    const { exact } = await loadTokenizer(tokenizer)
    for (const one of warmUpRequests(name, plan.conditions, scenario.warmupRequests, exact)) add(one, 0)
  }
  const known = plan.sources.filter((source) => source.total !== null)
  for (const { visits } of inOrder(known, scenario.order, random.fork('order'))) {
    for (const visit of visits) {
      const isWarm = visit.chains[0]?.[0]?.condition.cache === 'warm'
      for (const [i, one] of visit.chains.flat().entries()) add(one, isWarm && i === 0 ? 1 : 0)
    }
  }
  const all = [...cells.values()].sort(
    (a, b) => a.target.localeCompare(b.target) || a.cell.localeCompare(b.cell, 'en', { numeric: true }),
  )
  const ceilings = plan.grids.map((grid) => ceilingOf(grid, least.get(grid.target) ?? 1))
  const planned = sumOf(all)
  const atMost = {
    requests: planned.requests + total(ceilings, ({ requests }) => requests),
    promptTokens: planned.promptTokens + total(ceilings, ({ promptTokens }) => promptTokens),
    outputTokens: planned.outputTokens + total(ceilings, ({ outputTokens }) => outputTokens),
    cost: forecast([...all, ...ceilings], scenario.targets),
  }
  return {
    kind: 'plan',
    scenario: scenario.name,
    cells: all,
    ...planned,
    probes: [...new Set(all.map(({ probe }) => probe))].sort().map((probe) => {
      const of = all.filter((cell) => cell.probe === probe)
      return { probe, ...sumOf(of), cost: forecast(of, scenario.targets) }
    }),
    cost: forecast(all, scenario.targets),
    isOpen: plan.planned === null,
    searches: plan.searches,
    atMost: ceilings.length === 0 ? null : atMost,
    budget: scenario.budget,
    isFree: scenario.targets.every((target) => target.simulate !== null),
    notes: plan.notes,
  }
}

function sumOf(
  cells: readonly PlannedCell[],
): Pick<PlannedProbe, 'requests' | 'promptTokens' | 'outputTokens'> {
  return {
    requests: total(cells, (cell) => cell.requests + cell.primes),
    promptTokens: total(cells, (cell) => cell.promptTokens),
    outputTokens: total(cells, (cell) => cell.outputTokens),
  }
}

const total = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((sum, item) => sum + of(item), 0)

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
