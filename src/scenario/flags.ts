/** `plumbline probe`: flags become the text of a scenario, and that text is read like any other. */
import { Document, isScalar, visit } from 'yaml'
import { didYouMean } from '../border/nearest.js'
import { pathText } from '../border/problem.js'
import type { PathPart } from '../border/problem.js'
import { looksLikeSecret } from '../border/redact.js'
import type { Provider } from '../provider/provider.js'
import { isHome } from './preset-address.js'
import type { ScenarioContext } from './context.js'
import { urlFault } from './fields.js'
import { parseScenario } from './parse.js'
import type { Scenario } from './scenario.js'
import { headerFault } from './secrets.js'

/** Flags as the shell gave them. */
export interface ProbeFlags {
  baseUrl: string
  model: string
  protocol?: string | undefined
  /** Lists with commas: `128,1024`. */
  promptTokens?: string | undefined
  outputTokens?: string | undefined
  concurrency?: string | undefined
  rate?: string | undefined
  maxInFlight?: string | undefined
  /** Requests a cell, at least. */
  requests?: string | undefined
  /** `fresh`, `warm` or `fresh,warm`. */
  cache?: string | undefined
  apiKeyEnv?: string | undefined
  /** Each as `Name: value`. */
  headers?: readonly string[] | undefined
}

const defaults = { promptTokens: '128,512,1024,2048', outputTokens: '64', requests: '12', cache: 'fresh' }

/** Longest visit to an arrival rate, seconds: more requests make more visits, which tell drift from chance. */
const MAX_VISIT_S = 10

export type ProbeText =
  | {
      ok: true
      /** A scenario file; no secret in it. */
      text: string
      /** Every header but a few harmless ones: for memory only, to be redacted everywhere. */
      secretHeaders: Readonly<Record<string, string>>
    }
  | { ok: false; problems: readonly string[] }

export type FlagScenario =
  | {
      ok: true
      scenario: Scenario
      secretHeaders: Readonly<Record<string, string>>
      warnings: readonly string[]
    }
  /** Each names its flag. */
  | { ok: false; problems: readonly string[] }

export function scenarioFromFlags(flags: ProbeFlags, context: ScenarioContext): FlagScenario {
  const written = probeScenarioText(flags, context.providers)
  if (!written.ok) return written
  const parsed = parseScenario(written.text, null, context)
  const sentences = (list: readonly { path: readonly PathPart[]; message: string }[]): string[] => [
    ...new Set(list.map(({ path, message }) => `${flagOf(path)} ${message}`)),
  ]
  if (!parsed.ok) return { ok: false, problems: sentences(parsed.problems) }
  const { scenario, warnings } = parsed
  return { ok: true, scenario, secretHeaders: written.secretHeaders, warnings: sentences(warnings) }
}

/**
 * Fresh prompts go to prompt-length (one concurrency), concurrency (several) or arrival-rate; a warm cache goes to
 * prefix-cache, which measures the fresh twin of each length too.
 */
export function probeScenarioText(
  flags: ProbeFlags,
  providers: Readonly<Record<string, Provider>>,
): ProbeText {
  const problems: string[] = []
  const { headers, secretHeaders } = readHeaders(flags.headers ?? [], problems)
  const design = readDesign(flags, problems)
  if (problems.length > 0 || design === undefined) return { ok: false, problems }
  const address = urlFault(flags.baseUrl) === null ? new URL(flags.baseUrl) : undefined
  const preset = Object.values(providers).find((each) => address !== undefined && isHome(flags.baseUrl, each))
  const authorized = Object.keys(secretHeaders).some((name) => name.toLowerCase() === 'authorization')
  const scenario = {
    name: 'probe',
    targets: [
      {
        ...(address === undefined ? {} : { name: address.host }),
        ...(preset === undefined ? {} : { provider: preset.name }),
        ...(flags.protocol === undefined ? {} : { protocol: flags.protocol }),
        baseUrl: flags.baseUrl,
        model: flags.model,
        ...(flags.apiKeyEnv === undefined ? {} : { apiKeyEnv: flags.apiKeyEnv }),
        ...(flags.apiKeyEnv === undefined && authorized ? { apiKeyEnv: null } : {}),
        ...(Object.keys(headers).length === 0 ? {} : { headers }),
      },
    ],
    ...design,
  }
  const left = Object.keys(secretHeaders).map(
    (name) => `# The header ${name} was given on the command line and is not kept here.\n`,
  )
  const document = new Document(escaped(scenario))
  visit(document, {
    Seq(_, list) {
      list.flow = list.items.every(isScalar)
    },
  })
  const text = left.join('') + document.toString({ lineWidth: 0, flowCollectionPadding: false })
  return { ok: true, text, secretHeaders }
}

/** `$` starts a variable in a scenario; on the command line the shell has seen to that. */
function escaped(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('$', '$$$$')
  if (Array.isArray(value)) return value.map(escaped)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, escaped(item)]))
}

/** Whatever else is given on a command line may be a key under a name that nobody knows, and no file needs it. */
const OPEN_HEADERS: ReadonlySet<string> = new Set(['accept', 'accept-language', 'content-type', 'user-agent'])

function readHeaders(given: readonly string[], problems: string[]) {
  const headers: Record<string, string> = {}
  const secretHeaders: Record<string, string> = {}
  for (const header of given) {
    const [, name, value] = /^([^:]*?)\s*:\s*(.*?)\s*$/s.exec(header) ?? []
    if (name === undefined || value === undefined) {
      problems.push("--header must be written 'Name: value'")
      continue
    }
    const fault = headerFault(name, value)
    if (fault !== null)
      problems.push(`--header ${/^[\w-]{1,64}$/.test(name) ? name : 'name'} ${fault.message}`)
    else if (OPEN_HEADERS.has(name.toLowerCase()) && looksLikeSecret(value) === null) headers[name] = value
    else secretHeaders[name] = value
  }
  return { headers, secretHeaders }
}

/** Probes and load; undefined where the flags do not fit together. */
function readDesign(flags: ProbeFlags, problems: string[]) {
  const { rate, concurrency, maxInFlight } = flags
  const before = problems.length
  const caches = (flags.cache ?? defaults.cache).split(',').map((part) => part.trim())
  for (const cache of caches) {
    if (cache !== 'fresh' && cache !== 'warm') {
      problems.push(`--cache must be fresh, warm or fresh,warm${didYouMean(cache, ['fresh', 'warm'])}`)
    }
  }
  const requests = Number(flags.requests ?? defaults.requests)
  if (!Number.isSafeInteger(requests) || requests < 1) problems.push('--requests must be a whole number ≥ 1')
  if (rate !== undefined && concurrency !== undefined) {
    problems.push('--rate cannot stand beside --concurrency: one is an open loop, the other a closed one')
  }
  if (rate !== undefined && maxInFlight === undefined) {
    problems.push('--rate needs --max-in-flight: the most requests in flight at once, such as 50')
  }
  if (rate === undefined && maxInFlight !== undefined) problems.push('--max-in-flight needs --rate')
  const rates = listOf(rate ?? '')
  const streams = listOf(concurrency ?? '1')
  const warm = caches.includes('warm')
  if (warm && (rates.length > 1 || streams.length > 1)) {
    problems.push('--cache warm goes with one --concurrency or one --rate: leave one, or write a scenario')
  }
  if (problems.length > before) return undefined

  const promptTokens = listOf(flags.promptTokens ?? defaults.promptTokens)
  const outputTokens = valueOf(flags.outputTokens ?? defaults.outputTokens)
  const open =
    rate === undefined ? undefined : { rate: valueOf(rate), maxInFlight: valueOf(maxInFlight ?? '') }
  const lowest = Math.min(...(open === undefined ? streams : rates).map(Number))
  const perVisit = open === undefined ? lowest : Math.round(lowest)
  const blocks = Math.ceil(requests / Math.max(1, Number.isFinite(perVisit) ? perVisit : 1))
  const load = open ?? { concurrency: streams[0] ?? 1 }
  if (warm) return { probes: [{ probe: 'prefix-cache', promptTokens, outputTokens, blocks }], load }
  if (open !== undefined) {
    const seconds = Math.min(MAX_VISIT_S, requests / lowest)
    const visits = Math.ceil(requests / (lowest * seconds) - 1e-9)
    const timing = Number.isFinite(visits) && visits > 0 ? { seconds, blocks: visits } : {}
    const { maxInFlight: most } = open
    return {
      probes: promptTokens.map((length) => {
        return {
          probe: 'arrival-rate',
          rate: rates,
          maxInFlight: most,
          promptTokens: length,
          outputTokens,
          ...timing,
        }
      }),
    }
  }
  if (streams.length === 1)
    return { probes: [{ probe: 'prompt-length', promptTokens, outputTokens, blocks }], load }
  return {
    probes: promptTokens.map((length) => {
      return { probe: 'concurrency', concurrency: streams, promptTokens: length, outputTokens, blocks }
    }),
  }
}

/** A number where it is one; else the text, for the scenario's own check to name. */
function valueOf(text: string): number | string {
  const trimmed = text.trim()
  return /^-?\d+(?:\.\d+)?$/.test(trimmed) ? Number(trimmed) : trimmed
}

function listOf(text: string): (number | string)[] {
  return text === '' ? [] : text.split(',').map(valueOf)
}

const flagNames: Readonly<Record<string, string>> = {
  baseUrl: '<base-url>',
  model: '--model',
  protocol: '--protocol',
  apiKeyEnv: '--api-key-env',
  promptTokens: '--prompt-tokens',
  outputTokens: '--output-tokens',
  concurrency: '--concurrency',
  rate: '--rate',
  maxInFlight: '--max-in-flight',
  blocks: '--requests',
  seconds: '--requests',
  headers: '--header',
}

/** The flag behind a value of the scenario; its path where there is none. */
function flagOf(path: readonly PathPart[]): string {
  for (const part of path.toReversed()) {
    const flag = typeof part === 'string' && Object.hasOwn(flagNames, part) ? flagNames[part] : undefined
    if (flag === '--header') return `${flag} ${String(path.at(-1))}`
    if (flag !== undefined) return flag
  }
  return pathText(path)
}
