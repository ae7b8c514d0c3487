/** Expectations: what a run must show, as one line of text (k6's thresholds are the model). */
import { didYouMean } from '../border/nearest.js'

/** How a metric is measured: in milliseconds, per second, or as a share from 0 to 1. */
type Kind = 'time' | 'tokenRate' | 'requestRate' | 'share'

/** Those with statistics have one value a sample; the others are figures of a whole cell or curve. */
const metrics = {
  dns: { kind: 'time', stats: true },
  connect: { kind: 'time', stats: true },
  tls: { kind: 'time', stats: true },
  ttfb: { kind: 'time', stats: true },
  ttfe: { kind: 'time', stats: true },
  ttft: { kind: 'time', stats: true },
  ttfvt: { kind: 'time', stats: true },
  ttftIntended: { kind: 'time', stats: true },
  'itl.mean': { kind: 'time', stats: true },
  'itl.p50': { kind: 'time', stats: true },
  'itl.p90': { kind: 'time', stats: true },
  'itl.p99': { kind: 'time', stats: true },
  'itl.max': { kind: 'time', stats: true },
  tpot: { kind: 'time', stats: true },
  e2e: { kind: 'time', stats: true },
  e2eIntended: { kind: 'time', stats: true },
  startDelay: { kind: 'time', stats: true },
  decodeRate: { kind: 'tokenRate', stats: true },
  prefillRate: { kind: 'tokenRate', stats: false },
  outputTokensPerS: { kind: 'tokenRate', stats: false },
  requestsPerS: { kind: 'requestRate', stats: false },
  errors: { kind: 'share', stats: false },
  goodput: { kind: 'share', stats: false },
} as const satisfies Record<string, { kind: Kind; stats: boolean }>

export type ExpectedMetric = keyof typeof metrics

export const expectedMetrics = Object.keys(metrics).filter(isMetric)

/** Which samples count; every key that is given must fit. */
export interface Where {
  target?: string
  probe?: string
  promptTokens?: number
  prefixTokens?: number
  outputTokens?: number
  concurrency?: number
  rate?: number
  cache?: 'fresh' | 'warm'
  connection?: 'reused' | 'new'
}

/** `quantile` from 0 to 1: p95 is 0.95. */
export type Statistic =
  { kind: 'quantile'; quantile: number } | { kind: 'mean' } | { kind: 'min' } | { kind: 'max' }

export type Comparison = '<' | '<=' | '>' | '>='

interface Subject {
  /** As written. */
  text: string
  metric: ExpectedMetric
  where: Where
  /** Over the requests that count; null for a figure that has none. */
  statistic: Statistic | null
}

export type Expectation =
  /** `value` in milliseconds, tokens or requests per second, or a share from 0 to 1: by metric. */
  | (Subject & { kind: 'limit'; comparison: Comparison; value: number })
  /** At most this share away from the baseline, either way. */
  | (Subject & { kind: 'baseline'; within: number })

export type ParsedExpectation = { ok: true; expectation: Expectation } | { ok: false; message: string }

/** Names that may stand in braces: those of `Where`, and the short forms of the three lengths. */
const whereKeys: Readonly<Record<string, keyof Where>> = {
  target: 'target',
  probe: 'probe',
  promptTokens: 'promptTokens',
  prefixTokens: 'prefixTokens',
  outputTokens: 'outputTokens',
  concurrency: 'concurrency',
  rate: 'rate',
  cache: 'cache',
  connection: 'connection',
  prompt: 'promptTokens',
  prefix: 'prefixTokens',
  output: 'outputTokens',
}

const SHAPE = /^\s*([A-Za-z0-9.]+)\s*(?:\{([^{}]*)\}\s*(?:\.\s*([A-Za-z0-9]+))?)?\s*(.*)$/s
const LIMIT = /^(<=|>=|<|>|≤|≥)\s*(\d+(?:\.\d+)?(?:e\d+)?)\s*([A-Za-zµ%/]*)$/i
const BASELINE = /^within\s+(\d+(?:\.\d+)?)\s*%\s+of\s+(?:the\s+)?baseline$/
const FORM =
  'write it as ttft{promptTokens=1024,cache=fresh}.p95 < 800 ms, errors < 1%, or ttft.p50 within 10% of baseline'

const units: Readonly<Record<Kind, Readonly<Record<string, number>>>> = {
  time: { us: 0.001, µs: 0.001, ms: 1, s: 1000, min: 60_000 },
  tokenRate: { '': 1, k: 1000, '/s': 1, 'k/s': 1000, 'tokens/s': 1, 'ktokens/s': 1000, 'tok/s': 1 },
  requestRate: { '': 1, k: 1000, '/s': 1, 'requests/s': 1 },
  share: { '': 1, '%': 0.01 },
}

const wanted: Readonly<Record<Kind, string>> = {
  time: 'a time needs a unit: us, ms, s or min',
  tokenRate: 'a rate is written as 20000, 20k or 20000 tokens/s',
  requestRate: 'a rate is written as 5 or 5 requests/s',
  share: 'a share is written as 1% or 0.01',
}

/**
 * `metric{key=value,…}.statistic < value unit`, or `… within 10% of baseline`. Without a statistic: p50. `itl.p99` is
 * the 99th percentile of the gaps in one request, and `itl.p99.p50` the median of that over requests; `itl` alone is
 * `itl.mean`.
 */
export function parseExpectation(text: string): ParsedExpectation {
  const [, dotted, inside, after, rest] = SHAPE.exec(text) ?? []
  if (dotted === undefined || rest === undefined) return wrong(FORM)
  const baseline = BASELINE.exec(rest.trim())
  const limit = LIMIT.exec(rest.trim())
  if (baseline === null && limit === null) return wrong(FORM)
  const named = readMetric(dotted, after)
  if (typeof named === 'string') return wrong(named)
  const where = readWhere(inside)
  if (typeof where === 'string') return wrong(where)
  const { kind, stats } = metrics[named.metric]
  const statistic = stats ? readStatistic(named.statistic ?? 'p50') : null
  if (typeof statistic === 'string') return wrong(statistic)
  if (!stats && named.statistic !== undefined) {
    return wrong(`${named.metric} is one figure and takes no statistic: leave .${named.statistic} out`)
  }
  const subject: Subject = { text, metric: named.metric, where, statistic }

  if (baseline !== null) {
    const within = Number(baseline[1]) / 100
    if (!(within > 0 && within < 1)) return wrong('a distance from the baseline lies between 0% and 100%')
    return { ok: true, expectation: { kind: 'baseline', ...subject, within } }
  }
  const [, sign, number, unit] = limit ?? []
  if (sign === undefined || number === undefined || unit === undefined) return wrong(FORM)
  const factor = Object.hasOwn(units[kind], unit) ? units[kind][unit] : undefined
  if (factor === undefined)
    return wrong(`${wanted[kind]}${unit === '' ? ` (${number} ms?)` : `, not ${unit}`}`)
  const value = Number((Number(number) * factor).toPrecision(12))
  if (kind === 'share' && value > 1) return wrong(`a share is at most 1 (write ${number}%)`)
  return { ok: true, expectation: { kind: 'limit', ...subject, comparison: comparisons[sign] ?? '<', value } }
}

const comparisons: Readonly<Record<string, Comparison>> = {
  '<': '<',
  '<=': '<=',
  '≤': '<=',
  '>': '>',
  '>=': '>=',
  '≥': '>=',
}

function wrong(message: string): ParsedExpectation {
  return { ok: false, message }
}

function isMetric(name: string): name is ExpectedMetric {
  return Object.hasOwn(metrics, name)
}

/** `ttft.p95` → ttft and p95; `itl.p99` → the metric `itl.p99` and no statistic. */
function readMetric(
  dotted: string,
  after: string | undefined,
): { metric: ExpectedMetric; statistic: string | undefined } | string {
  const parts = dotted.split('.')
  const [first = '', second = ''] = parts
  const name = first !== 'itl' ? first : isMetric(`itl.${second}`) ? `itl.${second}` : 'itl.mean'
  if (!isMetric(name)) {
    const known = Object.keys(metrics)
    const meant = didYouMean(first, known)
    return `'${first}' is no metric${meant === '' ? `: ${known.join(', ')}` : meant}`
  }
  const used = first === 'itl' ? (isMetric(`itl.${second}`) ? 2 : 1) : 1
  const statistics = [...parts.slice(used), ...(after === undefined ? [] : [after])]
  if (statistics.length > 1) return `takes one statistic, not ${statistics.join(' and ')}`
  return { metric: name, statistic: statistics[0] }
}

function readStatistic(name: string): Statistic | string {
  if (name === 'mean' || name === 'min' || name === 'max') return { kind: name }
  const percentile = /^p(\d{1,2})$/.exec(name)
  if (percentile !== null && Number(percentile[1]) > 0)
    return { kind: 'quantile', quantile: Number(percentile[1]) / 100 }
  if (name === 'median') return "'median' is written p50"
  if (name === 'avg' || name === 'average') return `'${name}' is written mean`
  return `'${name}' is no statistic: p50, p90, p95, p99 (any from p1 to p99), mean, min or max`
}

function readWhere(inside: string | undefined): Where | string {
  const where: Where = {}
  for (const part of inside === undefined || inside.trim() === '' ? [] : inside.split(',')) {
    const [, key, value] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/s.exec(part) ?? []
    if (key === undefined || value === undefined || value === '')
      return `'${part.trim()}' is written key=value`
    const name = Object.hasOwn(whereKeys, key) ? whereKeys[key] : undefined
    if (name === undefined) {
      const meant = didYouMean(key, Object.keys(whereKeys))
      return `'${key}' does not choose samples${meant === '' ? `: ${[...new Set(Object.values(whereKeys))].join(', ')}` : meant}`
    }
    if (where[name] !== undefined) return `${name} is given twice`
    const fault = setWhere(where, name, value)
    if (fault !== undefined) return fault
  }
  return where
}

function setWhere(where: Where, name: keyof Where, value: string): string | undefined {
  switch (name) {
    case 'target':
    case 'probe':
      where[name] = value
      return undefined
    case 'cache':
      if (value !== 'fresh' && value !== 'warm') return `cache is fresh or warm, not '${value}'`
      where.cache = value
      return undefined
    case 'connection':
      if (value !== 'reused' && value !== 'new') return `connection is reused or new, not '${value}'`
      where.connection = value
      return undefined
    case 'rate':
    case 'promptTokens':
    case 'prefixTokens':
    case 'outputTokens':
    case 'concurrency':
      if (!/^\d+(?:\.\d+)?$/.test(value)) return `${name} is a number, not '${value}'`
      where[name] = Number(value)
      return undefined
    default:
      name satisfies never
      return undefined
  }
}
