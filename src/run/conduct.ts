/** Conducts a run: warm-up first, then the blocks in order, until the plan or the run ends. */
import type { BlockSource, PlannedRequest, VisitBlock } from '../plan/visit.js'
import { inOrder } from '../plan/visit.js'
import type { Random } from '../random/random.js'
import type { Sample } from '../sample/sample.js'
import type { Scenario, Target } from '../scenario/scenario.js'
import { createNursery } from './ageing.js'
import type { RunEvent } from './events.js'
import type { LiveTarget } from './live-target.js'
import { toSnapshotTarget } from './live-target.js'
import type { Record } from './record.js'
import type { SeenKeeper } from './seen.js'
import type { Sources } from './sources.js'
import type { VisitContext } from './visits.js'
import { sendWithRetry } from './retry.js'
import { runBlock } from './visits.js'
import { learnCorrection, warmUpRequests } from './warm-up.js'

export interface ConductContext {
  visit: VisitContext
  random: Random
  targets: ReadonlyMap<string, LiveTarget>
  record: Record
  seen: SeenKeeper
  /** Whether an earlier part of this run has completed the block on this target. */
  isDone(probe: string, target: string, block: number): boolean
  onEvent(event: RunEvent): void
}

export async function conduct(scenario: Scenario, plan: Sources, context: ConductContext): Promise<void> {
  const { visit, record, seen, onEvent } = context
  onEvent({ kind: 'phase', text: 'warming up' })
  for (const live of context.targets.values()) {
    if (plan.targets.has(live.target.name) && !visit.stopping()) await warmUp(live, scenario, plan, context)
  }
  record.append({ kind: 'targets', targets: [...context.targets.values()].map(toSnapshotTarget) })
  if (visit.stopping()) return
  onEvent({ kind: 'phase', text: 'measuring' })
  const nursery = createNursery(visit, (block, result) => {
    seen.note(block)
    if (result !== 'whole') return
    const targets = [...new Set(withoutDone(block, context).visits.map((each) => each.target))]
    record.blockDone({ probe: block.probe, block: block.block, targets })
  })
  for (const block of inOrder(plan.sources, scenario.order, context.random.fork('order'), nursery.isBusy)) {
    if (visit.stopping()) break
    if (block === null) {
      await nursery.waitForNext()
      continue
    }
    const ageing = nursery.open(block)
    const result = await runBlock(withoutDone(block, context), visit, ageing, nursery.measureDue)
    if (result === 'broken') break
    await nursery.close(block, result)
  }
  const said = visit.stopping() ? stillWanted(plan.sources) : reasons(plan.sources)
  for (const text of said) record.note(text)
}

function withoutDone(block: VisitBlock, { isDone }: ConductContext): VisitBlock {
  return { ...block, visits: block.visits.filter((visit) => !isDone(block.probe, visit.target, block.block)) }
}

/** Why adaptive probes were satisfied; a planned one ends as planned, which is no news. */
function reasons(sources: readonly BlockSource[]): string[] {
  return sources.flatMap((source) => {
    if (source.total !== null) return []
    const next = source.next()
    return 'done' in next ? [`${source.probe}: ${next.done}`] : []
  })
}

/** What a run that is broken off leaves open. */
function stillWanted(sources: readonly BlockSource[]): string[] {
  return sources.flatMap((source) => {
    const left = source.left?.() ?? null
    return left === null ? [] : [`${source.probe}: ${left}`]
  })
}

async function warmUp(
  live: LiveTarget,
  scenario: Scenario,
  plan: Sources,
  context: ConductContext,
): Promise<void> {
  const { visit, record } = context
  const { name } = live.target
  const localTokens = new Map<string, number>()
  for (const planned of warmUpRequests(
    name,
    plan.conditions,
    scenario.warmupRequests,
    live.tokenizer.exact,
  )) {
    if (visit.stopping()) return
    // A server that refused a parameter is asked again without it.
    for (let asked: Target | undefined; asked !== live.target && !visit.stopping();) {
      asked = live.target
      await warmUpOne(planned, localTokens, context)
    }
  }
  if (live.tokenizer.exact) return
  const isWarmUp = (sample: Sample): boolean => localTokens.has(sample.id)
  live.correction = learnCorrection(record.samples().filter(isWarmUp), localTokens)
  if (live.correction.pairs === 0) {
    record.note(
      `${name}: its tokenizer is not known here and its server reports no prompt tokens: prompt lengths are estimates`,
    )
  }
}

async function warmUpOne(
  planned: PlannedRequest,
  localTokens: Map<string, number>,
  { visit, record }: ConductContext,
): Promise<void> {
  const first = visit.preparer.warmup(planned)
  if ('tooShort' in first) return
  const known = record.samples().length
  const again = () => {
    const made = visit.preparer.warmup(planned)
    return 'tooShort' in made ? null : made
  }
  await sendWithRetry(first, visit.clock.nowNs(), visit, again)
  visit.sender.settle()
  // A second try is another prompt of the same length.
  for (const sample of record.samples().slice(known)) localTokens.set(sample.id, first.localTokens)
}
