/** From what a probe asks to the requests that are made: cells, targets and blocks in the order to run. */
import type { Random } from '../random/random.js'
import type { CellLoad, Condition } from './cell.js'
import { cellId, toCondition } from './cell.js'
import type { Block } from './probe.js'

export interface PlannedRequest {
  target: string
  probe: string
  cell: string
  block: number
  condition: Condition
  /** The user's own prompt: which conversation of the file, and how many of its turns are sent. */
  own?: { conversation: number; turn: number } | undefined
}

/**
 * One stay at a cell. Chains run side by side as the load allows; the requests of one chain run one after another
 * (the turns of a conversation). A warm cell's prefix is primed once, before the visit.
 */
export interface Visit {
  target: string
  probe: string
  cell: string
  block: number
  load: CellLoad
  chains: readonly (readonly PlannedRequest[])[]
}

/** All the visits of one block of one probe. */
export interface VisitBlock {
  probe: string
  block: number
  visits: readonly Visit[]
}

/** Where blocks come from: a list known beforehand, or a probe that decides as it sees. */
export interface BlockSource {
  probe: string
  /** Blocks in all, or null where that depends on what is seen. */
  total: number | null
  /** The next block, or why there is none. */
  next(): VisitBlock | { done: string }
  /** What is still wanted, where the run is broken off here. */
  left?(): string | null
}

/**
 * The visits of one block. Every target is visited at every cell before the next cell, in random order: two targets
 * compared this way share the minute, not only the day.
 */
export function visitsOf(
  probe: string,
  block: number,
  asks: Block,
  targets: readonly string[],
  load: CellLoad,
  random: Random,
): Visit[] {
  return asks.flatMap((ask) => {
    const condition = toCondition(ask, load)
    const cell = cellId(probe, condition)
    return random.shuffle(targets).map((target) => {
      const request: PlannedRequest = { target, probe, cell, block, condition }
      return {
        target,
        probe,
        cell,
        block,
        load: condition.load,
        chains: Array.from({ length: condition.requests }, () => [request]),
      }
    })
  })
}

/** `interleaved`: block g of every source before block g + 1 of any. */
export type Order = 'interleaved' | 'sequential'

/**
 * The blocks of all sources in running order; a source is asked for its next block only when its turn comes, and not
 * while it is busy with its last one. Null: all that are left are busy, so there is nothing to do but wait.
 */
export function inOrder(
  sources: readonly BlockSource[],
  order: Order,
  random: Random,
): Generator<VisitBlock, void>
export function inOrder(
  sources: readonly BlockSource[],
  order: Order,
  random: Random,
  isBusy: (source: BlockSource) => boolean,
): Generator<VisitBlock | null, void>
export function* inOrder(
  sources: readonly BlockSource[],
  order: Order,
  random: Random,
  isBusy: (source: BlockSource) => boolean = () => false,
): Generator<VisitBlock | null, void> {
  if (order === 'sequential') {
    for (const source of sources) yield* drain(source, isBusy)
    return
  }
  let open = [...sources]
  while (open.length > 0) {
    const still = new Set(open)
    const free = random.shuffle(open).filter((source) => !isBusy(source))
    if (free.length === 0) yield null
    for (const source of free) {
      const next = source.next()
      if ('done' in next) still.delete(source)
      else yield next
    }
    open = open.filter((source) => still.has(source))
  }
}

function* drain(
  source: BlockSource,
  isBusy: (source: BlockSource) => boolean,
): Generator<VisitBlock | null, void> {
  for (;;) {
    while (isBusy(source)) yield null
    const next = source.next()
    if ('done' in next) return
    yield next
  }
}
