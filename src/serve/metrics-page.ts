/** The counts of a scheduler as a Prometheus page, text format 0.0.4. */
import type { Counts, Histogram } from './metrics.js'

type Labels = Readonly<Record<string, string>>

export interface Money {
  spent: { day: number; month: number }
  caps: { perDay: number | null; perMonth: number | null }
}

const HEALTHS = ['ok', 'regression', 'failure', 'undecided', 'interrupted'] as const

export function metricsPage({ startedMs, jobs, targets }: Counts, money: Money): string {
  const page: string[] = []
  const family = (
    name: string,
    type: 'counter' | 'gauge' | 'histogram',
    help: string,
    lines: string[],
  ): void => {
    if (lines.length > 0) page.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines)
  }
  const all = [...jobs.values()]
  const each = <T>(list: readonly T[], make: (item: T) => string[]): string[] => list.flatMap(make)

  family('plumbline_start_time_seconds', 'gauge', 'When this scheduler started.', [
    line('plumbline_start_time_seconds', {}, startedMs / 1000),
  ])
  family(
    'plumbline_runs_total',
    'counter',
    'Runs by how they ended.',
    each(all, ({ scenario, runs }) =>
      [...runs].map(([result, count]) => line('plumbline_runs_total', { scenario, result }, count)),
    ),
  )
  family(
    'plumbline_missed_runs_total',
    'counter',
    'Firings that became no run, by reason.',
    each(all, ({ scenario, missed }) =>
      [...missed].map(([reason, count]) => line('plumbline_missed_runs_total', { scenario, reason }, count)),
    ),
  )
  family(
    'plumbline_health',
    'gauge',
    'How the last run ended: 1 for that, 0 for the others.',
    each(all, ({ scenario, health }) =>
      health === null
        ? []
        : HEALTHS.map((one) => line('plumbline_health', { scenario, health: one }, one === health ? 1 : 0)),
    ),
  )
  for (const [name, help, key] of [
    ['plumbline_last_run_timestamp_seconds', 'When the last run ended.', 'lastRunS'],
    ['plumbline_last_good_run_timestamp_seconds', 'When the last run without a finding ended.', 'lastGoodS'],
    ['plumbline_next_run_timestamp_seconds', 'When the next run is due, jitter included.', 'nextS'],
  ] as const) {
    const lines = each(all, (job) =>
      job[key] === null ? [] : [line(name, { scenario: job.scenario }, job[key])],
    )
    family(name, 'gauge', help, lines)
  }
  const periods = [
    ['day', money.spent.day, money.caps.perDay],
    ['month', money.spent.month, money.caps.perMonth],
  ] as const
  family(
    'plumbline_spent',
    'gauge',
    'Spent and reserved in the UTC day or month, in the currency of the prices.',
    periods.map(([period, spent]) => line('plumbline_spent', { period }, spent)),
  )
  family(
    'plumbline_cost_cap',
    'gauge',
    'Cap on plumbline_spent.',
    periods.flatMap(([period, , cap]) => (cap === null ? [] : [line('plumbline_cost_cap', { period }, cap)])),
  )

  const labelled = [...targets.values()].map((of) => {
    const { name: target, model, provider } = of.target
    return { of, labels: { scenario: of.scenario, target, model, provider } }
  })
  for (const [name, help, key] of [
    ['plumbline_ttft_seconds', 'Request start to the first output, successful requests.', 'ttftS'],
    ['plumbline_e2e_seconds', 'Request start to the end, successful requests.', 'durationS'],
    ['plumbline_prompt_tokens', 'Prompt tokens a request, as counted by the server.', 'inputTokens'],
    ['plumbline_output_tokens', 'Output tokens a request, as counted by the server.', 'outputTokens'],
  ] as const) {
    family(
      name,
      'histogram',
      help,
      each(labelled, ({ of, labels }) => histogramLines(name, labels, of[key])),
    )
  }
  family(
    'plumbline_failed_requests_total',
    'counter',
    'Requests without a good answer, by outcome.',
    each(labelled, ({ of, labels }) =>
      [...of.failedS].map(([outcome, { count }]) =>
        line('plumbline_failed_requests_total', { ...labels, outcome }, count),
      ),
    ),
  )
  family(
    'plumbline_curve_parameter',
    'gauge',
    'Parameters of the curves of the newest run, in their unit.',
    each(labelled, ({ of, labels }) =>
      [...of.parameters].map(([parameter, { value, unit }]) =>
        line('plumbline_curve_parameter', { ...labels, parameter, unit }, value),
      ),
    ),
  )
  return `${page.join('\n')}\n`
}

function histogramLines(name: string, labels: Labels, { bounds, counts, sum, count }: Histogram): string[] {
  let below = 0
  const buckets = [...bounds, Infinity].map((bound, i) => {
    below += counts[i] ?? 0
    return line(`${name}_bucket`, { ...labels, le: numberText(bound) }, below)
  })
  return [...buckets, line(`${name}_sum`, labels, sum), line(`${name}_count`, labels, count)]
}

function line(name: string, labels: Labels, value: number): string {
  const inner = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`)
  return `${name}${inner.length === 0 ? '' : `{${inner.join(',')}}`} ${numberText(value)}`
}

/** In a label's value backslash, quote and line feed are escaped. */
function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

function numberText(value: number): string {
  if (value === Infinity) return '+Inf'
  if (value === -Infinity) return '-Inf'
  return Number.isNaN(value) ? 'NaN' : String(value)
}
