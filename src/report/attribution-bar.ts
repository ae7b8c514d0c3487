/** The bar of a span taken apart: a letter for each phase, as long as its share of the time. */
import type { Phase, Phases } from '../span/causes.js'
import { whole } from './numbers.js'

/** In the order in which a call goes through them. */
const LETTERS: readonly (readonly [phase: Phase, letter: string, word: string])[] = [
  ['retry', 'x', 'retries'],
  ['network', 'n', 'network'],
  ['queue', 'q', 'queue'],
  ['prefillCached', 'c', 'cached prefill'],
  ['prefillFresh', 'p', 'prefill'],
  ['reasoning', 'r', 'reasoning'],
  ['decode', 'd', 'decode'],
  ['client', 's', 'client'],
]

/** `width` letters; shares are rounded by largest remainders, so that they fill it exactly. */
export function phaseBar(phases: Phases, width: number): string {
  const total = LETTERS.reduce((sum, [phase]) => sum + phases[phase], 0)
  if (!(total > 0)) return ''.padEnd(width)
  const parts = LETTERS.map(([phase, letter]) => ({ letter, exact: (phases[phase] / total) * width }))
  const cells = parts.map(({ exact }) => Math.floor(exact))
  const left = width - cells.reduce((sum, each) => sum + each, 0)
  const byRemainder = parts
    .map(({ exact }, i) => ({ i, remainder: exact - Math.floor(exact) }))
    .sort((a, b) => b.remainder - a.remainder)
  for (const { i } of byRemainder.slice(0, left)) cells[i] = (cells[i] ?? 0) + 1
  return parts.map(({ letter }, i) => letter.repeat(cells[i] ?? 0)).join('')
}

/** `network 42, prefill 1,480, decode 818 ms`: what rounds to 1 ms or more. */
export function phaseText(phases: Phases): string {
  const told = LETTERS.filter(([phase]) => phases[phase] >= 0.5)
  return `${told.map(([phase, , word]) => `${word} ${whole(phases[phase])}`).join(', ')} ms`
}

export const phaseLegend = LETTERS.map(([, letter, word]) => `${letter} ${word}`).join(', ')

export const phaseOrder: readonly Phase[] = LETTERS.map(([phase]) => phase)
