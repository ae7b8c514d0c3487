/** A dry run as text: what would be sent, how long it is and what it may cost. */
import type { DryRun } from '../run/dry-run.js'
import { money, plural, whole } from './numbers.js'
import { tableText, wrap } from './terminal.js'

export function planText(plan: DryRun): string {
  const head = [
    { text: 'target', right: false },
    { text: 'cell', right: false },
    { text: 'requests', right: true },
    { text: 'primes', right: true },
    { text: 'tokens in', right: true },
    { text: 'tokens out', right: true },
  ]
  const rows = plan.cells.map((cell) => [
    { text: cell.target, right: false },
    { text: cell.cell, right: false },
    { text: whole(cell.requests), right: true },
    { text: whole(cell.primes), right: true },
    { text: whole(cell.promptTokens), right: true },
    { text: whole(cell.outputTokens), right: true },
  ])
  const total = [
    `${plural(plan.requests, 'request')}, warm-up and priming included`,
    `${whole(plan.promptTokens)} prompt and up to ${whole(plan.outputTokens)} output tokens`,
    costText(plan),
  ].join('; ')
  const open = plan.isOpen ? ['  and what adaptive probes will ask for as they see'] : []
  const notes = plan.notes.map((note) => wrap(`note: ${note}`, '  '))
  return `${[`plan of ${plan.scenario}; nothing was sent`, ...(rows.length === 0 ? [] : [tableText({ title: '', head, rows })]), wrap(`  ${total}`, '  '), ...open, ...notes].join('\n')}\n`
}

function costText({ cost, isFree }: DryRun): string {
  if (cost !== null) return `at most ${money(cost)} at list price`
  return isFree ? 'no cost: simulated' : 'cost not known: no price for a target'
}
