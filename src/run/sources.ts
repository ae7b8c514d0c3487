/** The block sources of a scenario, and what has to be known of its plan before the first request. */
import type { CellLoad, Condition } from '../plan/cell.js'
import type { Block, CellAsk, Law, Probe, Seen } from '../plan/probe.js'
import type { OwnRequest } from '../plan/source.js'
import type { SourceOptions } from '../plan/source.js'
import {
  adaptiveSource,
  chainedSource,
  MOST_BLOCKS,
  ownPromptsSource,
  plannedSource,
} from '../plan/source.js'
import type { Known, Precision } from '../plan/precision.js'
import { MOST_SPENT_BLOCKS, spend, stillWide, type Spending } from '../plan/spend.js'
import type { BlockSource } from '../plan/visit.js'
import { toCondition } from '../plan/cell.js'
import { faultOfBlock } from '../plan/check-ask.js'
import type { Random } from '../random/random.js'
import type { Scenario, Target } from '../scenario/scenario.js'
import type { Grid } from './ceiling.js'

const OWN_PROMPTS = 'prompts'

export interface Sources {
  sources: BlockSource[]
  /** Requests planned, priming included; null where a probe decides as it sees. */
  planned: number | null
  /** The most requests in flight that any cell is likely to have; what an adaptive probe will ask is not known. */
  mostInFlight: number
  /** Every planned condition with the target it is for, each once. */
  conditions: { target: string; condition: Condition }[]
  /** What probes with a precision choose from. */
  grids: readonly Grid[]
  /** A probe searches, and asks for as much as it takes. */
  searches: boolean
  /** Names of the targets that anything is asked of. */
  targets: ReadonlySet<string>
  /** Cells that were dropped, and why. */
  notes: string[]
  /** A probe of the user's asked for what cannot be asked; nothing may be sent. */
  problem: string | null
}

export interface SourcesOptions {
  random: Random
  /** What is known of a probe's blocks from `first` up to, not with, `end`. */
  seen(probe: string, target: string, feeds: Law | null, blocks: readonly [first: number, end: number]): Seen
  /** The parameters of the law as fitted to those blocks; empty where it cannot be fitted. */
  fit(
    probe: string,
    target: string,
    feeds: Law,
    blocks: readonly [first: number, end: number],
    /** With the quadratic, whether or not it earns its place. */
    curved?: true,
  ): Readonly<Record<string, Known>>
  ownRequests: readonly (readonly OwnRequest[])[]
}

/** For a look at the plan before anything was sent. */
export const nothingSeen: Pick<SourcesOptions, 'seen' | 'fit'> = {
  seen: () => ({ blocks: 0, cells: [], halfWidths: {} }),
  fit: () => ({}),
}

export function sourcesOf(scenario: Scenario, { random, seen, fit, ownRequests }: SourcesOptions): Sources {
  const targets = new Map(scenario.targets.map((target) => [target.name, target]))
  const load: CellLoad = scenario.load
  const notes = new Set<string>()
  const conditions = new Map<string, { target: string; condition: Condition }>()
  let planned: number | null = 0
  const grids: Grid[] = []
  let searches = false
  let mostInFlight = 1
  let problem: string | null = null

  const keep = (name: string, condition: Condition): boolean => {
    const target = targets.get(name)
    if (target === undefined) return false
    const reason = cannotShow(target, condition)
    if (reason !== null) notes.add(reason)
    return reason === null
  }
  const note = (target: string, ask: CellAsk): void => {
    const condition = toCondition(ask, load)
    if (!keep(target, condition)) return
    mostInFlight = Math.max(mostInFlight, likelyInFlight(condition.load))
    conditions.set(`${target} ${JSON.stringify(condition)}`, { target, condition })
    if (planned !== null) planned += condition.requests + (condition.cache === 'warm' ? 1 : 0)
  }

  /** Chooses from one block of the plan, its grid, until its law is known as closely as asked. */
  const spendingSource = (
    grid: Block,
    precision: Precision,
    law: Law,
    options: SourceOptions,
  ): BlockSource => {
    const { probe, firstBlock } = options
    planned = null
    firstBlocks.set(probe, firstBlock + MOST_BLOCKS)
    for (const target of options.targets) {
      const asked = grid.map((ask) => toCondition(ask, load))
      grids.push({ target, probe, conditions: asked.filter((each) => options.keep(target, each)) })
    }
    const on = (target: string, block: number): Spending => ({
      law,
      precision,
      grid: grid.filter((ask) => options.keep(target, toCondition(ask, load))),
      fit: (curved) => fit(probe, target, law, [firstBlock, block], curved),
    })
    return adaptiveSource(
      (soFar, by, { target, block }) => spend(soFar, by, on(target, block)),
      (target, end) => seen(probe, target, law, [firstBlock, end]),
      options,
      (soFar, { target, block }) => stillWide(soFar, on(target, block)),
    )
  }

  const firstBlocks = new Map<string, number>()
  const sources = scenario.probes.map((use, index): BlockSource => {
    const { probe, settings, targets: on, precision = null } = use
    const { name } = probe
    const firstBlock = firstBlocks.get(name) ?? 0
    const options = {
      probe: name,
      targets: on,
      load,
      random: random.fork(`visits/${index}`),
      firstBlock,
      keep,
    }
    const decisions = random.fork(`probe/${index}`)
    const expect = (asks: Block): void => {
      for (const ask of asks) for (const target of on) note(target, ask)
    }
    /** Decides from block `begin` on; it is shown all blocks of this entry. */
    const deciding = (next: Extract<Probe, { next: unknown }>['next'], begin: number): BlockSource => {
      planned = null
      searches = true
      firstBlocks.set(name, firstBlock + MOST_BLOCKS)
      return adaptiveSource(
        (soFar, by) => next(settings, soFar, by),
        (target, end) => seen(name, target, probe.feeds, [firstBlock, end]),
        { ...options, firstBlock: begin },
      )
    }
    if (!('plan' in probe)) {
      expect(probe.likely?.(settings) ?? [])
      return deciding(probe.next, firstBlock)
    }
    const made = planOf(probe, settings, decisions)
    if (!made.ok) {
      problem ??= `probe ${name}${made.fault}`
      return plannedSource([], options)
    }
    const { blocks } = made
    const spentOn = precision === null ? null : probe.feeds
    firstBlocks.set(name, firstBlock + blocks.length)
    expect(spentOn === null ? blocks.flat() : (blocks[0] ?? []))
    const [grid] = blocks
    const first =
      spentOn === null || precision === null || grid === undefined
        ? plannedSource(blocks, options)
        : spendingSource(grid, precision, spentOn, options)
    if (!('next' in probe) || !probe.goesOn(settings)) return first
    return chainedSource(
      first,
      deciding(probe.next, firstBlock + (spentOn === null ? blocks.length : MOST_SPENT_BLOCKS)),
    )
  })
  if (scenario.prompts !== null) {
    const { blocks, targets: on } = scenario.prompts
    const perBlock = ownRequests.reduce((sum, turns) => sum + turns.length, 0)
    if (planned !== null) planned += blocks * on.length * perBlock
    mostInFlight = Math.max(mostInFlight, likelyInFlight(load))
    const options = {
      probe: OWN_PROMPTS,
      targets: on,
      load,
      random: random.fork('prompts'),
      firstBlock: 0,
      keep: () => true,
    }
    sources.push(ownPromptsSource(ownRequests, blocks, options))
  }
  const used = [...scenario.probes, ...(scenario.prompts === null ? [] : [scenario.prompts])]
  return {
    sources,
    planned,
    mostInFlight,
    conditions: [...conditions.values()],
    grids,
    searches,
    targets: new Set(used.flatMap((use) => use.targets)),
    notes: [...notes],
    problem,
  }
}

type Planned = { ok: true; blocks: readonly Block[] } | { ok: false; fault: string }

/** A probe may be the user's own: what it throws or answers is theirs to mend, not a fault of ours. */
function planOf(probe: Extract<Probe, { plan: unknown }>, settings: unknown, random: Random): Planned {
  let blocks: readonly Block[]
  try {
    blocks = probe.plan(settings, random)
  } catch (error) {
    return { ok: false, fault: `.plan() failed: ${error instanceof Error ? error.message : String(error)}` }
  }
  if (!Array.isArray(blocks)) return { ok: false, fault: '.plan() answered no list of blocks' }
  const fault = blocks.map(faultOfBlock).find((each) => each !== null)
  return fault ? { ok: false, fault: ` asks for ${fault}` } : { ok: true, blocks }
}

// An answer takes some seconds; Little's law makes in-flight requests of a rate by it (Little 1961, Oper. Res. 9).
const ANSWER_S = 4
const FEWEST_OPEN = 8

/** How many requests a load will have in flight, for the calibration: the bound of an open loop is seldom reached. */
function likelyInFlight(load: CellLoad): number {
  if (load.kind === 'closed') return load.concurrency
  return Math.min(
    load.maxInFlight,
    Math.max(FEWEST_OPEN, Math.ceil(Math.max(load.rate, load.rateTo ?? 0) * ANSWER_S)),
  )
}

/** Why a target cannot show this condition, or null. */
function cannotShow(target: Target, condition: Condition): string | null {
  const { cache, prefixTokens, promptTokens } = condition
  const { minimumTokens } = target.cache
  if (cache !== 'warm' || condition.search === true || prefixTokens >= minimumTokens) return null
  return (
    `${target.name}: warm cells of ${promptTokens} tokens dropped: their prefix of ${prefixTokens} tokens is below ` +
    `the cache's minimum of ${minimumTokens}`
  )
}
