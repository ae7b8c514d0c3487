/** A dry run as text: what would be sent, how long it is and what it may cost. */
import { terminalText } from '../border/escape.js'
import type { DryRun, PlannedCell } from '../run/dry-run.js'
import type { Forecast } from '../run/forecast.js'
import { money, plural, whole } from './numbers.js'
import { left, right, type Cell, type Table } from './table.js'
import { tableText, wrap } from './terminal.js'

export function planText(plan: DryRun): string {
  const lines = [terminalText(`plan of ${plan.scenario}; nothing was sent`)]
  for (const target of new Set(plan.cells.map((cell) => cell.target))) {
    const cells = plan.cells.filter((cell) => cell.target === target)
    for (const probe of new Set(cells.map((cell) => cell.probe))) {
      const own = cells.filter((cell) => cell.probe === probe)
      lines.push('', terminalText(`${target}, ${probe}`), tableText(cellTable(own)))
    }
  }
  if (plan.probes.length > 1) lines.push('', 'by probe', tableText(probeTable(plan)))
  const total = [
    `${plural(plan.requests, 'request')}, warm-up and priming included`,
    `${whole(plan.promptTokens)} prompt and up to ${whole(plan.outputTokens)} output tokens`,
    costText(plan),
  ].join('; ')
  lines.push('', wrap(`  ${total}`, '  '))
  lines.push(...openLines(plan).map((line) => wrap(`  ${line}`, '  ')))
  for (const note of plan.notes) lines.push(wrap(`note: ${terminalText(note)}`, '  '))
  return `${lines.join('\n')}\n`
}

/** What is not planned beforehand, and where it ends. */
function openLines({ isOpen, atMost, searches, budget }: DryRun): string[] {
  if (!isOpen) return []
  const lines: string[] = []
  if (atMost !== null) {
    const tokens = `${whole(atMost.promptTokens)} prompt and ${whole(atMost.outputTokens)} output tokens`
    const cost =
      atMost.cost === null
        ? ', cost not known'
        : atMost.cost.map((each) => `, ${money({ currency: each.currency, amount: each.worst })}`).join('')
    lines.push(
      `with precision at most ${plural(atMost.requests, 'request')} in all, ${tokens}${cost}; fewer where the curve is known sooner`,
    )
  }
  if (searches) lines.push('and what searching probes will ask for as they see')
  const limits = [
    ...(budget.requests === null ? [] : [plural(budget.requests, 'request')]),
    ...(budget.tokens === null ? [] : [`${whole(budget.tokens)} tokens`]),
    ...(budget.cost === null ? [] : [`a cost of ${budget.cost}`]),
  ]
  if (limits.length > 0) lines.push(`the budget ends it at ${limits.join(' or ')}`)
  return lines
}

/** The probe stands in the title; columns that are empty are left out, so that 80 columns do. */
function cellTable(cells: readonly PlannedCell[]): Table {
  const columns: { head: Cell; cell: (cell: PlannedCell) => Cell }[] = [
    { head: left('cell'), cell: ({ cell, probe }) => left(cell.slice(probe.length + 1)) },
    { head: right('requests'), cell: ({ requests }) => right(whole(requests)) },
    { head: right('primes'), cell: ({ primes }) => right(primes === 0 ? '' : whole(primes)) },
    { head: right('tokens in'), cell: ({ promptTokens }) => right(whole(promptTokens)) },
    { head: right('out'), cell: ({ outputTokens }) => right(whole(outputTokens)) },
  ]
  const shown = columns.filter(({ cell }) => cells.some((each) => cell(each).text !== ''))
  return {
    title: '',
    head: shown.map(({ head }) => head),
    rows: cells.map((each) => shown.map(({ cell }) => cell(each))),
  }
}

function probeTable({ probes }: DryRun): Table {
  const isPaid = probes.some(({ cost }) => cost === null || cost.length > 0)
  return {
    title: '',
    head: [
      left('probe'),
      right('requests'),
      right('tokens in'),
      right('out'),
      ...(isPaid ? [left('expected'), left('at most')] : []),
    ],
    rows: probes.map(({ probe, requests, promptTokens, outputTokens, cost }) => [
      left(probe),
      right(whole(requests)),
      right(whole(promptTokens)),
      right(whole(outputTokens)),
      ...(isPaid ? [left(amounts(cost, 'expected')), left(amounts(cost, 'worst'))] : []),
    ]),
  }
}

function amounts(cost: readonly Forecast[] | null, which: 'expected' | 'worst'): string {
  if (cost === null) return 'not known'
  return cost.map((each) => money({ currency: each.currency, amount: each[which] })).join(' + ')
}

function costText({ cost, isFree }: DryRun): string {
  if (cost === null) return 'cost not known: no price for a target'
  if (cost.length === 0) return isFree ? 'no cost: simulated' : 'no cost'
  return `${amounts(cost, 'expected')} expected, at most ${amounts(cost, 'worst')} at list price without retries`
}
