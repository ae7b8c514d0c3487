/** The calls of a world as files of spans: written in a dialect, read again, attributed, and judged. */
import { createAttributor } from '../../src/attribute/attribute.js'
import { createRandom } from '../../src/random/random.js'
import { SPAN_DIALECTS, type SpanDialect } from '../../src/simulate/emit-dialects.js'
import { hexOf, labelledCall, sceneOf } from '../../src/simulate/spans.js'
import { CARRIES, type Carry } from '../../src/simulate/spans-seen.js'
import type { LabelledOutcome } from '../../src/simulate/virtual-request.js'
import { createIntake } from '../../src/span/intake.js'
import type { Tier } from '../../src/span/causes.js'
import { createTally, judge, type Scope, type Tally } from './judge.js'
import type { World } from './world.js'

/** By dialect and what it carried, `openllmetry/full`; with the tiers that came of it, `openllmetry/full B`. */
export function judgeWritten(world: World, scopeOf: (tier: Tier) => Scope): Record<string, Tally> {
  const tallies: Record<string, Tally> = {}
  for (const dialect of SPAN_DIALECTS) {
    for (const carry of CARRIES) judgeService(world, dialect, carry, { tallies, scopeOf })
  }
  return tallies
}

function judgeService(
  world: World,
  dialect: SpanDialect,
  carry: Carry,
  { tallies, scopeOf }: { tallies: Record<string, Tally>; scopeOf: (tier: Tier) => Scope },
): void {
  const { profile, epochMs, outcomes, conversations, history } = world
  const hex = hexOf(createRandom(`${dialect}/${carry}`))
  const scene = sceneOf({ profile, model: 'm', epochMs })
  const judged = new Map<string, LabelledOutcome>()
  const intake = createIntake()
  // As an exporter sends them: in the order of their ends.
  const order = outcomes.map((_, i) => i).sort((a, b) => endOf(outcomes[a]!) - endOf(outcomes[b]!))
  for (const i of order) {
    const outcome = outcomes[i]!
    const conversation = `c${conversations[i]!}`
    const caller = { service: 'shop', carry, conversation, tenant: 't', dialect }
    const { line, truth } = labelledCall(outcome, caller, scene, hex)
    intake.value(JSON.parse(line))
    if (i >= history && outcome.outcome === 'ok') judged.set(`${truth.traceId}/${truth.spanId}`, outcome)
  }
  intake.end()
  const attributor = createAttributor({ known: world.known })
  const spans = intake.take()
  const found = [...spans.flatMap((span) => attributor.push(span)), ...attributor.end()]
  for (const each of found) {
    const outcome = judged.get(`${each.traceId}/${each.spanId}`)
    if (outcome === undefined) continue
    for (const name of [`${dialect}/${carry}`, `${dialect}/${carry} ${each.tier}`])
      judge((tallies[name] ??= createTally()), outcome, each, scopeOf(each.tier))
  }
}

const endOf = ({ arrivalMs, e2eMs }: LabelledOutcome): number => arrivalMs + e2eMs
