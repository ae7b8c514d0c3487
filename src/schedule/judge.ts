/** What a finished run comes to: expectations, and the comparison with the baseline of its scenario. */
import { compareSnapshots } from '../compare/compare-snapshots.js'
import { conclude } from '../compare/conclude.js'
import { evaluateExpectations } from '../compare/expectations.js'
import type { RunResult } from '../run/contract.js'
import { parseExpectation } from '../scenario/expectation.js'
import type { Scenario } from '../scenario/scenario.js'
import { readSnapshot } from '../snapshot/format.js'
import { baselinePath } from '../snapshot/store.js'
import type { Health } from './alert.js'
import type { Outcome } from './job.js'

export async function judgeRun(scenario: Scenario, result: RunResult, outDir: string): Promise<Outcome> {
  if (result.kind === 'refused') {
    return { health: 'failure', spent: result.spent ?? 0, sentences: [result.message], snapshot: null }
  }
  const { snapshot, path, stop } = result
  const spent = snapshot.spent.cost?.amount ?? 0
  const of = (health: Health, sentences: readonly string[]): Outcome => {
    return { health, spent, sentences, snapshot: path }
  }
  if (stop !== null) return of(stop.reason === 'interrupted' ? 'interrupted' : 'failure', [stop.message])

  const baseline = await readSnapshot(baselinePath(outDir, scenario.name))
  if (!baseline.ok && baseline.problem.kind !== 'missing') return of('failure', [baseline.problem.message])
  const wanted = scenario.expectations.flatMap(({ text }) => {
    const parsed = parseExpectation(text)
    return parsed.ok ? [parsed.expectation] : []
  })
  const base = baseline.ok ? baseline.value : undefined
  const unmet = evaluateExpectations(wanted, snapshot, base)
    .filter(({ met }) => met === false)
    .map(({ text, why }) => `not met: ${text}${why === null ? '' : ` (${why})`}`)
  const options = { margins: scenario.margins, detect: scenario.detect }
  const conclusion = base === undefined ? null : conclude(compareSnapshots(base, snapshot, options))
  if (unmet.length > 0 || conclusion?.exit === 1) {
    return of('regression', [...unmet, ...(conclusion?.exit === 1 ? conclusion.sentences : [])])
  }
  return of(conclusion === null || conclusion.exit === 0 ? 'ok' : 'undecided', conclusion?.sentences ?? [])
}
