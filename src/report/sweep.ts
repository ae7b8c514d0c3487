/** The curves of a sweep as text, and how well they foretold what was held out. */
import { terminalText } from '../border/escape.js'
import type { Curve } from '../curve/curve.js'
import type { TargetNote } from '../curve/fit-curves.js'
import { meanError, type HeldOut } from '../curve/sweep.js'
import { percent, plural, whole } from './numbers.js'
import { curveText } from './summary.js'
import { wrap } from './terminal.js'

export interface SweepResult {
  curves: readonly Curve[]
  notes: readonly TargetNote[]
  /** Null where nothing was held out. */
  held: readonly HeldOut[] | null
}

export function sweepText({ curves, notes, held }: SweepResult): string {
  const lines: string[] = curves.length === 0 ? [] : ['curves, with 95 % intervals']
  for (const curve of curves) {
    lines.push(wrap(terminalText(`  ${curve.target}, ${curve.law}: ${curveText(curve)}`), '    '))
    for (const warning of curve.warnings) lines.push(wrap(terminalText(`    warning: ${warning}`), '      '))
  }
  for (const { target, law, message } of notes)
    lines.push(wrap(terminalText(`  ${target}, no ${law} curve: ${message}`), '    '))
  if (held !== null) for (const target of targetsOf(held)) lines.push(heldText(target, held))
  if (held?.length === 0)
    lines.push('  held out: no length with a ttft lies between others that give a curve')
  return `${lines.join('\n')}\n`
}

const targetsOf = (held: readonly HeldOut[]): string[] => [...new Set(held.map(({ target }) => target))]

function heldText(target: string, all: readonly HeldOut[]): string {
  const held = all.filter((each) => each.target === target)
  const worst = held.reduce((a, b) => (b.error > a.error ? b : a))
  return wrap(
    terminalText(
      `  ${target}, held out: ${plural(held.length, 'length')}, predicted within ${percent(meanError(held))} on average, ${percent(worst.error)} at most (${whole(worst.promptTokens)} tokens)`,
    ),
    '    ',
  )
}
