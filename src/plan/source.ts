/** Where the blocks of a probe come from: its plan, its own decisions, or the user's prompts. */
import type { Random } from '../random/random.js'
import type { CellLoad, Condition } from './cell.js'
import { cellId } from './cell.js'
import { faultOfBlock } from './check-ask.js'
import type { Block, Next, Seen } from './probe.js'
import type { BlockSource, PlannedRequest, Visit } from './visit.js'
import { visitsOf } from './visit.js'

/** What all sources of a run share. */
export interface SourceOptions {
  probe: string
  targets: readonly string[]
  /** Load of cells that ask for none. */
  load: CellLoad
  random: Random
  /** Number of the first block: a probe that stands twice in a scenario counts on, so that no two blocks share a number. */
  firstBlock: number
  /** False for a cell that the target cannot show (a prefix below its cache's minimum): dropped from every block. */
  keep(target: string, condition: Condition): boolean
}

/** A design that is known beforehand. */
export function plannedSource(blocks: readonly Block[], options: SourceOptions): BlockSource {
  let at = 0
  return {
    probe: options.probe,
    total: blocks.length,
    next() {
      const asks = blocks[at]
      if (asks === undefined) return { done: 'all blocks run' }
      const block = options.firstBlock + at++
      return { probe: options.probe, block, visits: keptVisits(block, asks, options.targets, options) }
    },
  }
}

/** An adaptive probe that has not made up its mind by then never will; and so many numbers are set aside for its blocks. */
export const MOST_BLOCKS = 10_000

/** The target that is decided for, and the number of the block that would come next. */
interface At {
  target: string
  block: number
}

/**
 * A design that decides as it sees, for each target by itself; its targets' visits still share the block. It is shown
 * what the blocks before `end` have shown and nothing else, so that a run taken up again decides as it did before.
 */
export function adaptiveSource(
  decide: (seen: Seen, random: Random, at: At) => Next,
  seen: (target: string, end: number) => Seen,
  options: SourceOptions,
  left?: (seen: Seen, at: At) => string | null,
): BlockSource {
  let block = options.firstBlock
  let open = [...options.targets]
  const reasons = new Map<string, string>()
  const fruitless = fruitlessBlocks()
  return {
    probe: options.probe,
    total: null,
    next() {
      const visits: Visit[] = []
      const still: string[] = []
      for (const target of open) {
        const known = seen(target, block)
        const next = decision(() => decide(known, options.random, { target, block }))
        const kept = 'done' in next ? [] : keptVisits(block, next.ask, [target], options)
        if ('done' in next) reasons.set(target, next.done)
        else if (kept.length === 0)
          reasons.set(target, `stopped, since its probe asked for nothing that ${target} can show`)
        else if (fruitless(target, known) >= MOST_FRUITLESS)
          reasons.set(target, `stopped, since its last ${MOST_FRUITLESS} blocks brought no sample`)
        else if (block >= options.firstBlock + MOST_BLOCKS)
          reasons.set(target, `stopped after ${MOST_BLOCKS} blocks`)
        else {
          still.push(target)
          visits.push(...kept)
        }
      }
      open = still
      if (open.length === 0) return { done: together(reasons) }
      return { probe: options.probe, block: block++, visits: options.random.shuffle(visits) }
    },
    left() {
      const wanted = open.map((target) => [target, left?.(seen(target, block), { target, block })] as const)
      const texts = wanted.flatMap(([target, text]) => (text == null ? [] : [[target, text] as const]))
      return texts.length === 0 ? null : together(new Map(texts))
    },
  }
}

/** Of each target the reason that it ended with; one that all share stands alone. */
function together(reasons: ReadonlyMap<string, string>): string {
  const distinct = new Set(reasons.values())
  if (distinct.size <= 1) return [...distinct][0] ?? 'done'
  return [...reasons].map(([target, reason]) => `${target}: ${reason}`).join('; ')
}

// What cannot be built, or whose prime is refused, never becomes a sample that the probe could decide on.
const MOST_FRUITLESS = 3

/** How many blocks in a row brought nothing new to decide on; to be asked once a block. */
function fruitlessBlocks(): (target: string, seen: Seen) => number {
  const last = new Map<string, { samples: number; blocks: number }>()
  return (target, { cells }) => {
    const samples = cells.reduce((sum, { n, contradicted, errors }) => sum + n + contradicted + errors, 0)
    const before = last.get(target)
    const blocks = before?.samples === samples ? before.blocks + 1 : 0
    last.set(target, { samples, blocks })
    return blocks
  }
}

/** One after another under one name: what is known beforehand, then what depends on it; what was decided is told of both. */
export function chainedSource(first: BlockSource, then: BlockSource): BlockSource {
  let at = first
  let before = ''
  return {
    probe: first.probe,
    total: null,
    next() {
      let next = at.next()
      if ('done' in next && at !== then) {
        if (first.total === null) before = `${next.done}; `
        at = then
        next = at.next()
      }
      return 'done' in next ? { done: before + next.done } : next
    },
    left: () => at.left?.() ?? null,
  }
}

/** A probe may be the user's own: what it throws or answers ends it, with its reason, and not the run. */
function decision(decide: () => Next): Next {
  let next: unknown
  try {
    next = decide()
  } catch (error) {
    return {
      done: `stopped, since its next() failed: ${error instanceof Error ? error.message : String(error)}`,
    }
  }
  if (!isNext(next)) return { done: 'stopped, since its next() answered neither { ask } nor { done }' }
  if ('done' in next) return next
  const fault = faultOfBlock(next.ask)
  return fault === null ? next : { done: `stopped, since its probe asked for ${fault}` }
}

function isNext(value: unknown): value is Next {
  return (
    typeof value === 'object' &&
    value !== null &&
    ('ask' in value || ('done' in value && typeof value.done === 'string'))
  )
}

function keptVisits(block: number, asks: Block, targets: readonly string[], options: SourceOptions): Visit[] {
  const visits = visitsOf(options.probe, block, asks, targets, options.load, options.random)
  return visits.filter((visit) => {
    const condition = visit.chains[0]?.[0]?.condition
    return condition !== undefined && options.keep(visit.target, condition)
  })
}

/** One request of the user's file: a turn, with the messages so far already counted. */
export interface OwnRequest {
  conversation: number
  turn: number
  promptTokens: number
  outputTokens: number
}

/**
 * The user's own prompts: each block sends every conversation once, in random order; its turns one after another, as
 * a person would, so that a later turn may find its prefix warm. Each turn is a cell of its own.
 */
export function ownPromptsSource(
  conversations: readonly (readonly OwnRequest[])[],
  blocks: number,
  options: SourceOptions,
): BlockSource {
  let block = 0
  const { targets, random, load } = options
  return {
    probe: options.probe,
    total: blocks,
    next() {
      if (block >= blocks) return { done: 'all blocks run' }
      const chainsOf = (target: string): PlannedRequest[][] =>
        random
          .shuffle(conversations)
          .map((turns) => turns.map((turn) => ownRequest(turn, target, block, options)))
      const visits = random.shuffle(targets).map((target) => {
        const cell = `${options.probe}/*`
        return { target, probe: options.probe, cell, block, load, chains: chainsOf(target) }
      })
      return { probe: options.probe, block: block++, visits }
    },
  }
}

function ownRequest(turn: OwnRequest, target: string, block: number, options: SourceOptions): PlannedRequest {
  const condition: Condition = {
    promptTokens: turn.promptTokens,
    prefixTokens: 0,
    outputTokens: turn.outputTokens,
    cache: 'any',
    connection: 'reused',
    load: options.load,
    requests: 1,
  }
  const probe = `${options.probe}/${turn.conversation + 1}.${turn.turn + 1}`
  const own = { conversation: turn.conversation, turn: turn.turn }
  return { target, probe: options.probe, cell: cellId(probe, condition), block, condition, own }
}
