/** Which baselines stood behind attributions, how old they were, and which calls had none. */
import type { Coverage } from '../attribute/summary.js'
import { duration, percent, plural } from './numbers.js'

/** What the report knows of a baseline beside its id. */
export interface BaselineName {
  scenario: string
  /** How to run it again: a path, or null where none is known. */
  file: string | null
}

/** A curve older than this is said to be stale; the attributor doubts it from here too. */
const STALE_S = 7 * 24 * 3600

/** Which curves stand behind it, and how old they were. */
export function baselineSentences(
  { baselines }: Coverage,
  names: ReadonlyMap<string, BaselineName>,
): string[] {
  return baselines.slice(0, 3).map(({ id, spans, ageS: [low, high] }) => {
    const name = names.get(id)
    const of = name === undefined ? '' : ` of ${name.scenario}`
    const isStale = Math.max(Math.abs(low), Math.abs(high)) > STALE_S
    const again =
      name === undefined
        ? 'measure again'
        : `run ${name.file ?? `the scenario ${name.scenario}`} again and accept it`
    const stale = isStale ? `: stale, so confidence is lower; ${again}` : ''
    return `baseline ${id}${of}, ${ageText(low, high)}, behind ${plural(spans, 'call')}${stale}`
  })
}

function ageText(low: number, high: number): string {
  const [youngest, oldest] = [
    Math.min(Math.abs(low), Math.abs(high)),
    Math.max(Math.abs(low), Math.abs(high)),
  ]
  const when = high < 0 ? 'measured after them' : low < 0 ? 'measured around them' : 'old'
  const range =
    age(youngest) === age(oldest) || low < 0 !== high < 0 ? age(oldest) : `${age(youngest)} to ${age(oldest)}`
  return when === 'old' ? `${range} old` : `${when} (${range})`
}

function age(seconds: number): string {
  if (seconds < 48 * 3600) return duration(seconds * 1000)
  return `${Math.round(seconds / 86_400)} days`
}

export function coverageNotes({ withoutBaseline, tiers, doubts }: Coverage): string[] {
  const notes = withoutBaseline.slice(0, 5).map(({ model, spans }) => {
    const of = model === null ? 'calls that name no model' : `model ${model}`
    return `no baseline for ${of} (${plural(spans, 'call')}): plumbline attribute --suggest writes a scenario for it`
  })
  const dim = (tiers.D ?? 0) + (tiers.E ?? 0)
  const judged = Object.values(tiers).reduce((sum, each) => sum + each, 0)
  if (judged > 0 && dim / judged > 0.5) {
    notes.push(
      `${percent(dim / judged)} of the calls tell no first-token time, so few causes can be told apart: ` +
        'plumbline doctor says how to get it',
    )
  }
  // How old the baseline is stands beside it.
  const further = doubts.filter(({ example }) => !example.includes('days away in time'))
  for (const { example, spans } of further.slice(0, 3)) notes.push(`${plural(spans, 'call')}: ${example}`)
  return notes
}
