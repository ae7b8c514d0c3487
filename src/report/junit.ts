/** A comparison as JUnit XML: one test case a gated shift. */
import { xmlText } from '../border/escape.js'
import type { Shift } from '../compare/comparison.js'
import type { Conclusion } from '../compare/conclude.js'
import { percent } from './numbers.js'

export function comparisonJunit({ comparison, exit, undetected }: Conclusion): string {
  const gated = comparison.shifts.filter((shift) => shift.gated)
  const lacking = new Set(undetected)
  const cases = [
    ...comparison.refusals.map(({ kind, message }) =>
      testCase('comparable', kind, failure('error', message)),
    ),
    ...gated.map((shift) => testCase(suiteOf(shift), shift.name, outcome(shift, lacking.has(shift)))),
  ]
  const count = (what: string): number => cases.filter((each) => each.includes(`<${what} `)).length
  const name = xmlText(`${comparison.candidate.id} against ${comparison.base.id} (exit ${exit})`)
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuite name="${name}" tests="${cases.length}" failures="${count('failure')}" errors="${count('error')}" skipped="${count('skipped')}">`,
    ...cases,
    '</testsuite>',
    '',
  ].join('\n')
}

function suiteOf({ pair }: Shift): string {
  return pair.base === pair.candidate ? pair.base : `${pair.candidate} against ${pair.base}`
}

function outcome(shift: Shift, isLacking: boolean): string {
  if (shift.verdict === 'worse') return failure('failure', regression(shift))
  if (isLacking)
    return failure('failure', `inconclusive: ${shift.why ?? 'the detectable shift is too large'}`)
  if (shift.verdict === 'inconclusive') return failure('skipped', shift.why ?? 'inconclusive')
  return ''
}

function regression({ name, ratio, base, candidate, unit }: Shift): string {
  if (ratio === null) return `${name}: from ${base ?? 'none'} to ${candidate ?? 'none'} ${unit}`.trim()
  return `${name} is ${percent(ratio - 1)} worse`
}

function failure(tag: 'failure' | 'error' | 'skipped', message: string): string {
  return `<${tag} message="${xmlText(message)}"/>`
}

function testCase(suite: string, name: string, inner: string): string {
  return `  <testcase classname="${xmlText(suite)}" name="${xmlText(name)}">${inner}</testcase>`
}
