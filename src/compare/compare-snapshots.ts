/** Two snapshots, or two targets of one, held against each other. */
import { createRandom } from '../random/random.js'
import { counts, isUnproven } from '../sample/counts.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { cellShifts } from './cell-shifts.js'
import {
  DEFAULT_DETECT,
  LEVEL,
  type CellShift,
  type CompareOptions,
  type Comparison,
  type Shift,
  type TargetPair,
} from './comparison.js'
import { withDays } from './day-effect.js'
import type { Effect } from './effect.js'
import { canaryEffect, errorEffect } from './error-effect.js'
import { join, type Joined } from './join.js'
import { judge } from './judge.js'
import { metricEffect } from './metric-effect.js'
import { comparableCurves, fastCurves, parameterEffects } from './parameter-effects.js'
import { REGIME_METRICS, regimeEffects, type RegimeEffects, type RegimeMetric } from './regime-effects.js'
import { isSampleMetric, type SampleMetric } from './sample-metric.js'

const GATED: readonly SampleMetric[] = ['ttft', 'tpot']
const SHOWN: readonly SampleMetric[] = ['ttft', 'tpot', 'e2e']

/** From this number of blocks the chance of a false alarm is what it is said to be, whatever the noise. */
const GATE_BLOCKS = 20

/** The same snapshots give the same comparison: chance is drawn from their ids. */
export function compareSnapshots(
  base: Snapshot,
  candidate: Snapshot,
  options: CompareOptions = {},
): Comparison {
  const { pairs, margins = {}, detect = DEFAULT_DETECT, resamples = 999 } = options
  // Targets of one run were measured on the same days.
  const days = base.id === candidate.id ? undefined : options.days
  const { joined, refusals, notes, unmatched } = join(base, candidate, pairs)
  const comparison = {
    base: { id: base.id, startedAt: base.startedAt },
    candidate: { id: candidate.id, startedAt: candidate.startedAt },
    pairs: joined.map(({ pair }) => pair),
    refusals,
    unmatched,
    level: LEVEL,
  }
  if (refusals.length > 0) return { ...comparison, shifts: [], cells: [], family: 0, notes: unique(notes) }

  const random = createRandom(`${base.id}/${candidate.id}`)
  const gate = new Set(Object.keys(detect))
  const found = joined.map((each) =>
    effectsOf(each, { base, candidate, gate, random: random.fork(label(each.pair)), resamples }),
  )
  const { shifts, family } = judge(
    found.flatMap(({ effects }) =>
      effects.map((effect) => withDays(effect, days?.get(effect.pair.base)?.variances ?? {})),
    ),
    { margins, detect },
  )
  const cells = found
    .flatMap((each) => each.cells)
    .map((cell) => ({ ...cell, explains: explains(cell, shifts) }))
  const said = [...notes, ...found.flatMap((each) => each.notes), ...runNotes(base, candidate, shifts, days)]
  return { ...comparison, shifts, cells, family, notes: unique(said) }
}

interface Given {
  base: Snapshot
  candidate: Snapshot
  gate: ReadonlySet<string>
  random: ReturnType<typeof createRandom>
  resamples: number
}

function effectsOf(
  joined: Joined,
  { base, candidate, gate, random, resamples }: Given,
): { effects: Effect[]; cells: Omit<CellShift, 'explains'>[]; notes: string[] } {
  const notes: string[] = []
  const metrics = new Map<string, Effect>()
  const names = [...new Set([...SHOWN, ...gate].filter(isSampleMetric))]
  for (const name of names) {
    const found = metricEffect(joined, name, GATED.includes(name) || gate.has(name))
    if (found === null) continue
    metrics.set(name, found.effect)
    if (found.leftOut.length > 0) {
      notes.push(`${name}: tested without ${found.leftOut.join(', ')}, of which too few blocks have a value`)
    }
  }
  if (joined.base.length === 0 || joined.candidate.length === 0) {
    notes.push(
      `${label(joined.pair)}: a snapshot holds no samples (output.keep: summary), so nothing can be tested`,
    )
  }
  if ([...joined.base, ...joined.candidate].some((sample) => counts(sample) && isUnproven(sample))) {
    notes.push(
      `${label(joined.pair)}: warm cells that the server does not confirm are listed, and stand in no verdict`,
    )
  }
  const regimes = new Map<RegimeMetric, RegimeEffects>()
  for (const metric of REGIME_METRICS) {
    const all = metrics.get(metric)
    const found = all === undefined || all.d === null ? null : regimeEffects(joined, metric, all)
    if (found === null) continue
    regimes.set(metric, found)
    metrics.set(metric, found.location)
    notes.push(found.note)
  }
  const fitting = { random: random.fork('curves'), resamples }
  const curves = fastCurves(comparableCurves(joined, base, candidate, fitting), regimes, fitting)
  return {
    effects: [
      ...metrics.values(),
      ...[...regimes.values()].map(({ slowShare }) => slowShare),
      ...parameterEffects(joined, curves, metrics, gate, regimes),
      ...[errorEffect(joined), canaryEffect(joined)].filter((effect) => effect !== null),
    ],
    cells: cellShifts(joined, names, { random: random.fork('cells'), resamples }),
    notes,
  }
}

/** Cells are looked at only inside a metric that shifted. */
function explains(cell: Omit<CellShift, 'explains'>, shifts: readonly Shift[]): boolean {
  const { metric, low, high } = cell
  const whole = shifts.find(({ pair, name }) => name === metric && label(pair) === label(cell.pair))
  if (whole === undefined || low === null || high === null) return false
  return (whole.verdict === 'better' || whole.verdict === 'worse') && (low > 1 || high < 1)
}

function runNotes(
  base: Snapshot,
  candidate: Snapshot,
  shifts: readonly Shift[],
  days: CompareOptions['days'],
): string[] {
  const notes = [...new Set([base, candidate])]
    .filter(({ partial }) => partial)
    .map(({ id, partialReason }) => `${id} is partial: ${partialReason ?? 'no reason recorded'}`)
  const known = [...(days?.values() ?? [])].map((each) => each.days)
  if (known.length > 0) {
    notes.push(`how much days differ is in the intervals, from ${Math.min(...known)} days of history`)
  } else if (base.id !== candidate.id) {
    notes.push(
      'within-run only: a run is one draw of its day, and how much days differ is not known here; ' +
        'to rule the day out, alternate both targets in one run and use --pair',
    )
  }
  const least = Math.min(...shifts.filter(({ kind }) => kind === 'metric').flatMap(({ blocks }) => blocks))
  if (least < GATE_BLOCKS) notes.push(`${least} blocks: as a gate use ${GATE_BLOCKS} or more`)
  return notes
}

function label({ base, candidate }: TargetPair): string {
  return base === candidate ? base : `${base} → ${candidate}`
}

const unique = (notes: readonly string[]): string[] => [...new Set(notes)]
