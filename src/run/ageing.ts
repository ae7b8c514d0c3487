/** Prefixes that are left alone to age: primed with their block, measured when they are due, while other blocks run. */
import type { BlockSource, VisitBlock } from '../plan/visit.js'
import { holdUntil } from './pace.js'
import type { Ageing } from './prefix.js'
import type { BlockResult, VisitContext } from './visits.js'
import { measureVisit } from './visits.js'

/** A block some of whose prefixes are ageing. */
interface Unfinished {
  block: VisitBlock
  result: BlockResult
  ageing: Ageing[]
  /** All of its prefixes are primed. */
  isPrimed: boolean
}

export interface Nursery {
  /** A block of this source is unfinished, so its next one cannot be decided on. */
  isBusy(source: BlockSource): boolean
  /** Opens a block; what is put on the list ages from there on. */
  open(block: VisitBlock): Ageing[]
  /** The block's visits are made or primed. */
  close(block: VisitBlock, result: BlockResult): Promise<void>
  /** Measures what is due. Called between visits, so that no other work holds it up for long. */
  measureDue(): Promise<void>
  /** Waits for the next that is due, or for the end of the run. */
  waitForNext(): Promise<void>
}

/** `onFinished`: told once of each block, when its last visit is measured; never of one that the end of the run broke. */
export function createNursery(
  context: VisitContext,
  onFinished: (block: VisitBlock, result: BlockResult) => void,
): Nursery {
  let unfinished: Unfinished[] = []

  function finish(): void {
    const over = unfinished.filter(({ ageing, isPrimed }) => isPrimed && ageing.length === 0)
    unfinished = unfinished.filter((each) => !over.includes(each))
    for (const { block, result } of over) onFinished(block, result)
  }

  const nextOf = (): { of: Unfinished; next: Ageing } | undefined =>
    unfinished
      .flatMap((of) => of.ageing.map((next) => ({ of, next })))
      .reduce<{ of: Unfinished; next: Ageing } | undefined>(
        (first, each) => (first === undefined || each.next.dueNs < first.next.dueNs ? each : first),
        undefined,
      )

  async function measureDue(): Promise<void> {
    for (let found = nextOf(); found !== undefined; found = nextOf()) {
      const { of, next } = found
      if (context.stopping() || next.dueNs > context.clock.nowNs()) return
      of.ageing.splice(of.ageing.indexOf(next), 1)
      if (!(await measureVisit(next.visit, next.prefix, context)) && of.result === 'whole')
        of.result = 'holed'
      if (context.stopping()) return
      finish()
    }
  }

  return {
    isBusy: ({ probe }) => unfinished.some(({ block }) => block.probe === probe),
    open(block) {
      const one: Unfinished = { block, result: 'whole', ageing: [], isPrimed: false }
      unfinished.push(one)
      return one.ageing
    },
    async close(block, result) {
      const one = unfinished.find((each) => each.block === block)
      if (one === undefined) throw new Error(`block ${block.block} of ${block.probe} was never opened`)
      one.isPrimed = true
      if (result !== 'whole') one.result = result
      await measureDue()
      if (!context.stopping()) finish()
    },
    measureDue,
    async waitForNext() {
      const found = nextOf()
      if (found !== undefined) await holdUntil(found.next.dueNs, context)
      await measureDue()
    },
  }
}
