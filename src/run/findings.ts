/** What route and canary found, as sentences for the notes: shares of distinct values, and answers that were wrong. */
import { questionLabel } from '../plan/cell.js'
import type { Sample } from '../sample/sample.js'
import { median } from '../stats/quantile.js'

const ROUTE = 'route'
const ROUTE_FIELDS = ['region', 'fingerprint', 'model', 'upstream', 'serviceTier'] as const
// A field with a value of its own in nearly every answer is an id and no route.
const MOST_VALUES = 8

export function findings(samples: readonly Sample[]): string[] {
  const done = samples.filter(({ warmup, outcome }) => !warmup && outcome === 'ok')
  return [...new Set(done.map(({ target }) => target))].flatMap((target) => {
    const own = done.filter((sample) => sample.target === target)
    return [
      ...routeOf(
        target,
        own.filter(({ probe }) => probe === ROUTE),
      ),
      ...answersOf(target, own),
    ]
  })
}

function routeOf(target: string, samples: readonly Sample[]): string[] {
  if (samples.length === 0) return []
  const fresh = samples.filter(({ reused }) => !reused)
  const set = (['dns', 'connect', 'tls'] as const).flatMap((phase) => {
    const times = fresh.map((sample) => sample[phase]).filter((ms) => ms > 0.01) // below: no such phase
    return times.length === 0 ? [] : [`${phase} ${median(times).toPrecision(3)} ms`]
  })
  const values = ROUTE_FIELDS.flatMap((field) => {
    const found = samples.flatMap(({ route }) => route?.[field] ?? [])
    return found.length === 0 ? [] : [`${field} ${sharesOf(found)}`]
  })
  const parts = [...set, ...values]
  return [
    `${target}: over ${fresh.length} new connections ${parts.length === 0 ? 'the server told nothing of its route' : parts.join('; ')}`,
  ]
}

/** `a 62 %, b 38 %`, the most frequent first. */
function sharesOf(values: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  const sorted = [...counts].sort(([, a], [, b]) => b - a)
  const told = sorted
    .slice(0, MOST_VALUES)
    .map(([value, n]) => `${value} ${Math.round((100 * n) / values.length)} %`)
  return told.join(', ') + (sorted.length > MOST_VALUES ? `, and ${sorted.length - MOST_VALUES} more` : '')
}

function answersOf(target: string, samples: readonly Sample[]): string[] {
  const asked = samples.filter(({ asked: { question } }) => question !== undefined)
  if (asked.length === 0) return []
  const judged = asked.filter(({ answer }) => answer !== undefined)
  const silent = asked.length - judged.length
  const wrong = judged.filter(({ answer }) => answer === 'wrong')
  const kinds = [
    ...new Set(wrong.flatMap(({ asked: { question } }) => (question ? [questionLabel(question)] : []))),
  ]
  const by = kinds.map((kind) => {
    const of = (all: readonly Sample[]): number =>
      all.filter(({ asked: { question } }) => question && questionLabel(question) === kind).length
    return `${of(wrong)} of ${of(judged)} ${kind}`
  })
  return [
    wrong.length === 0
      ? `${target}: all ${judged.length} answers with one right value were right`
      : `${target}: ${wrong.length} of ${judged.length} answers with one right value were WRONG (${by.join(', ')})`,
    ...(silent === 0
      ? []
      : [
          `${target}: ${silent} questions were not answered within their output tokens: give canary more outputTokens`,
        ]),
  ]
}
