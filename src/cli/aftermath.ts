/** What follows a run: its expectations, and how it compares with the baseline or, without one, the run before. */
import { evaluateExpectations } from '../compare/expectations.js'
import type { ExpectationResult } from '../compare/expectations.js'
import { parseExpectation } from '../scenario/expectation.js'
import type { Expectation } from '../scenario/expectation.js'
import type { Scenario } from '../scenario/scenario.js'
import { readSnapshot } from '../snapshot/format.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { baselinePath, listSnapshots, resultsDir } from '../snapshot/store.js'
import { expectationsText } from '../report/expectations.js'
import type { Reference } from './held-against.js'
import type { ExitCode } from './io.js'
import { worst } from './io.js'

export interface Aftermath {
  /** Why a baseline that is there could not be used; null where it could, or there is none. */
  warning: string | null
  /** 1 where an expectation is not met. A comparison never fails a run: that is what `compare` is for. */
  exit: ExitCode
  text: string
  expectations: readonly ExpectationResult[]
  comparison: object | null
}

export async function aftermath(
  scenario: Scenario,
  snapshot: Snapshot,
  path: string,
  outDir: string,
): Promise<Aftermath> {
  const { reference, damage } = await referenceOf(scenario, path, outDir)
  const wanted = parsed(scenario)
  const baseline = reference?.isBaseline ? reference.snapshot : undefined
  const expectations = evaluateExpectations(wanted, snapshot, baseline)
  const options = { margins: scenario.margins, detect: scenario.detect }
  const held =
    reference === null ? null : (await import('./held-against.js')).heldAgainst(reference, snapshot, options)
  const exits: ExitCode[] = [expectations.some((each) => each.met === false) ? 1 : 0]
  // A gate whose baseline is broken must not open.
  if (damage !== null && wanted.some(({ kind }) => kind === 'baseline')) exits.push(damage.exit)
  return {
    warning: damage?.message ?? null,
    exit: worst(exits),
    text: `${expectationsText(expectations)}${held?.text ?? ''}`,
    expectations,
    comparison: held?.json ?? null,
  }
}

/** They were checked when the file was read. */
function parsed({ expectations }: Scenario): Expectation[] {
  return expectations.flatMap(({ text }) => {
    const read = parseExpectation(text)
    return read.ok ? [read.expectation] : []
  })
}

interface Found {
  reference: Reference | null
  /** The baseline is there and cannot be read. */
  damage: { message: string; exit: 2 | 5 } | null
}

async function referenceOf(scenario: Scenario, path: string, outDir: string): Promise<Found> {
  const baseline = await readSnapshot(baselinePath(outDir, scenario.name))
  if (baseline.ok) {
    const { value: snapshot } = baseline
    return { reference: { snapshot, title: `the baseline ${snapshot.id}`, isBaseline: true }, damage: null }
  }
  const { kind, message } = baseline.problem
  const damage =
    kind === 'missing' ? null : { message, exit: kind === 'newer-format' ? (5 as const) : (2 as const) }
  return { reference: await runBefore(resultsDir(outDir, scenario.name), path), damage }
}

// Runs that measured nothing are passed over, but not a whole history of them.
const LONGEST_LOOK_BACK = 10

async function runBefore(dir: string, path: string): Promise<Reference | null> {
  const list = await listSnapshots(dir)
  const earlier = list.ok ? list.value.filter((each) => each < path) : []
  for (const each of earlier.slice(-LONGEST_LOOK_BACK).reverse()) {
    const previous = await readSnapshot(each)
    if (!previous.ok || !previous.value.summary.some((row) => row.n > 0)) continue
    return { snapshot: previous.value, title: `the run before, ${previous.value.id}`, isBaseline: false }
  }
  return null
}
