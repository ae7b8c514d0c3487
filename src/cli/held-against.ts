/** How a run compares with the snapshot that it is held against. A file of its own: without one, none of it is loaded. */
import { compareSnapshots } from '../compare/compare-snapshots.js'
import type { CompareOptions } from '../compare/comparison.js'
import { conclude } from '../compare/conclude.js'
import { comparisonText } from '../report/comparison-text.js'
import { comparisonJson, comparisonModel } from '../report/comparison.js'
import type { Snapshot } from '../snapshot/snapshot.js'

export interface Reference {
  snapshot: Snapshot
  title: string
  isBaseline: boolean
}

/** Null: the run before is only worth a word where the two can be compared; a baseline always is. */
export function heldAgainst(
  { snapshot: before, title, isBaseline }: Reference,
  snapshot: Snapshot,
  options: CompareOptions,
): { text: string; json: object } | null {
  const conclusion = conclude(compareSnapshots(before, snapshot, options))
  if (!isBaseline && conclusion.comparison.refusals.length > 0) return null
  return {
    text: `\ncompared with ${title}\n${comparisonText(comparisonModel(conclusion))}`,
    json: comparisonJson(conclusion),
  }
}
