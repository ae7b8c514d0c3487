/** When something planned happens, and to whom: `from=3m to=5m share=.2 replica=1`. */
import { z } from 'zod'

/** Everything left out does not narrow it. */
export interface When {
  /** By arrival, since the start, ms: from `fromMs` and before `toMs`. */
  readonly fromMs: number
  readonly toMs: number
  /** Of the requests that it could meet, the share that it meets. */
  readonly share: number
  /** Number of a replica; the others go on as ever. */
  readonly replica?: number | undefined
  /** Name of a region: of the one that is struck, or for a route change of the one that requests go to. */
  readonly region?: string | undefined
  /** Name of the background tenant that bursts. */
  readonly tenant?: string | undefined
}

const ALWAYS: When = { fromMs: 0, toMs: Infinity, share: 1 }

const UNITS_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const

/** `90s`, `2.5m`, `250ms`, `1h` as ms; undefined for anything else. */
function parseDurationMs(text: string): number | undefined {
  const [, amount, unit] = /^(\d*\.?\d+)(ms|s|m|h)$/.exec(text) ?? []
  const perUnit = Object.entries(UNITS_MS).find(([name]) => name === unit)?.[1]
  return perUnit === undefined ? undefined : Number(amount) * perUnit
}

const Duration = z.string().transform((text, context) => {
  const ms = parseDurationMs(text)
  if (ms !== undefined) return ms
  context.addIssue('must be a number with ms, s, m or h, such as 3m')
  return z.NEVER
})

const WhenWords = z.strictObject({
  from: Duration.optional(),
  to: Duration.optional(),
  share: z.coerce.number().min(0).max(1).optional(),
  replica: z.coerce.number().int().min(0).optional(),
  region: z.string().min(1).optional(),
  tenant: z.string().min(1).optional(),
})

function whenOf(words: z.output<typeof WhenWords>): When {
  const { from, to, share, replica, region, tenant } = words
  return {
    fromMs: from ?? ALWAYS.fromMs,
    toMs: to ?? ALWAYS.toMs,
    share: share ?? ALWAYS.share,
    ...(replica !== undefined && { replica }),
    ...(region !== undefined && { region }),
    ...(tenant !== undefined && { tenant }),
  }
}

/** One entry of a list of faults: `name:value`, then words that say when. */
export interface Planned {
  readonly name: string
  readonly value: number | undefined
  readonly when: When
}

export type PlannedParsed = { ok: true; planned: Planned[] } | { ok: false; problem: string }

/** Reads `crlf share=.1, slow-replica:2 from=3m to=5m replica=1`. The problem is a sentence with the entry in it. */
export function parsePlanned(text: string): PlannedParsed {
  const planned: Planned[] = []
  for (const part of text.split(',')) {
    const [head = '', ...words] = part
      .trim()
      .split(/\s+/)
      .filter((word) => word !== '')
    if (head === '') continue
    const [name = '', valueText] = head.split(':')
    const value = valueText === undefined ? undefined : Number(valueText)
    if (value !== undefined && (valueText === '' || !(value >= 0 && value < 1e9))) {
      return { ok: false, problem: `fault '${head}': the value after the colon must be a number ≥ 0` }
    }
    const given: Record<string, string> = {}
    for (const word of words) {
      const equals = word.indexOf('=')
      if (equals < 1)
        return {
          ok: false,
          problem: `fault '${part.trim()}': '${word}' must read name=value, such as from=3m`,
        }
      given[word.slice(0, equals)] = word.slice(equals + 1)
    }
    const checked = WhenWords.safeParse(given)
    if (!checked.success) {
      const [issue] = checked.error.issues
      const at = issue?.path.join('.') ?? ''
      return { ok: false, problem: `fault '${part.trim()}': ${at === '' ? '' : `${at} `}${issue?.message}` }
    }
    const when = whenOf(checked.data)
    if (when.toMs <= when.fromMs)
      return { ok: false, problem: `fault '${part.trim()}': 'to' must lie after 'from'` }
    planned.push({ name, value, when })
  }
  return { ok: true, planned }
}

export function isDue(when: When, arrivalMs: number): boolean {
  return arrivalMs >= when.fromMs && arrivalMs < when.toMs
}
