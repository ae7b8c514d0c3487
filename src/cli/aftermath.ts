/** What follows a run: its expectations, and how it compares with the baseline or, without one, the run before. */
import {
  baselinePath,
  compareSnapshots,
  conclude,
  evaluateExpectations,
  parseExpectation,
  listSnapshots,
  readSnapshot,
  resultsDir,
} from '../index.js'
import type { Expectation, ExpectationResult, Scenario, Snapshot } from '../index.js'
import { comparisonJson, comparisonModel } from '../report/comparison.js'
import { comparisonText } from '../report/comparison-text.js'
import { expectationsText } from '../report/expectations.js'
import type { ExitCode } from './io.js'

export interface Aftermath {
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
  const reference = await referenceOf(scenario, path, outDir)
  const expectations = evaluateExpectations(
    parsed(scenario),
    snapshot,
    reference?.isBaseline ? reference.snapshot : undefined,
  )
  const isUnmet = expectations.some((each) => each.met === false)
  const options = { margins: scenario.margins, detect: scenario.detect }
  const conclusion =
    reference === null ? null : conclude(compareSnapshots(reference.snapshot, snapshot, options))
  const parts = [
    expectationsText(expectations),
    conclusion === null || reference === null
      ? ''
      : `\ncompared with ${reference.title}\n${comparisonText(comparisonModel(conclusion))}`,
  ]
  return {
    exit: isUnmet ? 1 : 0,
    text: parts.join(''),
    expectations,
    comparison: conclusion === null ? null : comparisonJson(conclusion),
  }
}

/** They were checked when the file was read. */
function parsed({ expectations }: Scenario): Expectation[] {
  return expectations.flatMap(({ text }) => {
    const read = parseExpectation(text)
    return read.ok ? [read.expectation] : []
  })
}

interface Reference {
  snapshot: Snapshot
  title: string
  isBaseline: boolean
}

async function referenceOf(scenario: Scenario, path: string, outDir: string): Promise<Reference | null> {
  const baseline = await readSnapshot(baselinePath(outDir, scenario.name))
  if (baseline.ok)
    return { snapshot: baseline.value, title: `the baseline ${baseline.value.id}`, isBaseline: true }
  const list = await listSnapshots(resultsDir(outDir, scenario.name))
  const before = list.ok ? list.value.filter((each) => each !== path && each < path).at(-1) : undefined
  if (before === undefined) return null
  const previous = await readSnapshot(before)
  if (!previous.ok) return null
  return { snapshot: previous.value, title: `the run before, ${previous.value.id}`, isBaseline: false }
}
