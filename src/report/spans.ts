/** What span files tell, as text: a table for each dialect, and how to get what is missing. */
import { terminalText } from '../border/escape.js'
import type { DialectHealth } from '../span/doctor.js'
import type { IntakeCounts } from '../span/intake.js'
import { whole } from './numbers.js'
import { left, right } from './table.js'
import { tableText, wrap } from './terminal.js'

/** What each tier of evidence can decide; ATTRIBUTION's table in a few words. */
const TIERS = {
  A: 'server timings: every phase apart',
  B: 'first token, tokens and cache counts: most causes',
  C: 'first token and tokens: a cold cache only guessed',
  D: 'tokens only: long outputs and prompts',
  E: 'duration only: no cause',
} as const

export function spansText(counts: IntakeCounts, dialects: readonly DialectHealth[]): string {
  const lines = [countsText(counts)]
  for (const [kind, count] of Object.entries(counts.faults))
    lines.push(`  unreadable: ${whole(count)} × ${terminalText(kind, 200)}`)
  for (const health of dialects) lines.push('', dialectText(health))
  if (dialects.length === 0) lines.push(wrap('No call of a model is in them: nothing can be attributed.', ''))
  return `${lines.join('\n')}\n`
}

function countsText({ seen, spans, other, repeated, folded, synthetic }: IntakeCounts): string {
  const probes = synthetic > 0 ? `${whole(synthetic)} calls of probes, left out, ` : ''
  return wrap(
    `${whole(seen)} spans read: ${whole(spans)} calls of a model, ${whole(folded)} servers' views and HTTP requests ` +
      `folded into them, ${probes}${whole(repeated)} that repeat a call, ${whole(other)} others.`,
    '',
  )
}

function dialectText({ dialect, spans, tiers, fields, suspicious }: DialectHealth): string {
  const rows = fields.map(({ field, share, from }) => [
    left(field),
    right(`${Math.round(share * 100)} %`),
    left(terminalText(from[0] ?? '', 46)),
  ])
  const head = [left('field'), right('present'), left('from')]
  const table = `${terminalText(dialect, 60)}: ${whole(spans)} calls\n${tableText({ title: '', head, rows })}`
  const lines = [table, '']
  for (const tier of ['A', 'B', 'C', 'D', 'E'] as const) {
    if (tiers[tier] > 0) lines.push(wrap(`tier ${tier} ${whole(tiers[tier])}: ${TIERS[tier]}`, '  '))
  }
  for (const { doubt, spans: count, fix } of suspicious)
    lines.push(wrap(`suspicious, ${whole(count)} × ${doubt}: ${fix}`, '  '))
  for (const { field, share, fix } of fields) {
    if (fix === undefined) continue
    lines.push(wrap(`${share === 0 ? 'missing' : 'often missing'}, ${field}: ${fix}`, '  '))
  }
  return lines.join('\n')
}
