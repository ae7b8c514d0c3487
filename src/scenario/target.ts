/** From an entry under `targets` to a target: the preset fills what the entry leaves open, and the key stays at home. */
import type { PathPart } from '../border/problem.js'
import type { Provider } from '../provider/provider.js'
import type { Quirks } from '../protocol/protocol.js'
import type { Deadlines } from '../wire/exchange.js'
import type { Complain } from './report.js'
import type { Target } from './scenario.js'
import type { DeadlineEntry } from './fields.js'
import type { TargetEntry } from './target-schema.js'

export const DEFAULT_PROVIDER = 'openai-compatible'
export const SIMULATED_PROVIDER = 'simulated'

const defaultDeadlines: Deadlines = {
  connectMs: 10_000,
  firstByteMs: 120_000,
  gapMs: 60_000,
  totalMs: 600_000,
}

export interface TargetContext {
  providers: Readonly<Record<string, Provider>>
  /** Deadlines of the scenario. */
  deadlines: DeadlineEntry | undefined
  /** A file named in the scenario, as seen from the working directory. */
  resolveFile(file: string): string
  problem: Complain
  warning: Complain
}

/** The target, or undefined where a problem was reported. */
export function resolveTarget(
  entry: TargetEntry,
  path: readonly PathPart[],
  context: TargetContext,
): Target | undefined {
  let good = true
  const problem = (key: string, message: string, at?: 'value' | 'key'): void => {
    good = false
    context.problem([...path, key], message, at)
  }
  const simulate =
    entry.simulate === undefined ? null : { profile: entry.simulate.profile, set: { ...entry.simulate.set } }
  const name = entry.provider ?? (simulate === null ? DEFAULT_PROVIDER : SIMULATED_PROVIDER)
  const preset = context.providers[name]
  if (preset === undefined) throw new Error(`the table of providers lacks ${name}`)

  if (simulate !== null) {
    for (const key of ['baseUrl', 'apiKeyEnv', 'proxy'] as const) {
      if (entry[key] !== undefined && entry[key] !== null) {
        problem(
          key,
          'cannot stand beside simulate: Plumbline starts that provider itself, on a loopback port',
          'key',
        )
      }
    }
  }
  const model = entry.model ?? (simulate === null ? undefined : 'sim')
  if (model === undefined) problem('model', 'is missing: write the name of the model as the server knows it')

  const given = entry.baseUrl === undefined ? undefined : checkUrl(entry.baseUrl)
  if (given !== undefined && 'wrong' in given) problem('baseUrl', given.wrong)
  const baseUrl = given !== undefined && 'url' in given ? given.url : preset.baseUrl
  if (simulate === null && baseUrl === null && given === undefined) {
    const why = entry.provider === undefined ? 'without a provider' : `with provider ${name}`
    problem(
      'baseUrl',
      `is missing: ${why} it is needed, such as http://localhost:8000/v1 (or simulate: { profile: 8b-h100 })`,
    )
  }

  const apiKeyEnv =
    simulate !== null ? null : entry.apiKeyEnv === undefined ? preset.apiKeyEnv : entry.apiKeyEnv
  const elsewhere = given !== undefined && 'url' in given && !sameOrigin(given.url, preset.baseUrl)
  if (elsewhere && entry.apiKeyEnv === undefined && preset.apiKeyEnv !== null && preset.baseUrl !== null) {
    problem(
      'baseUrl',
      `is not the address of ${name}, and ${preset.apiKeyEnv} goes only to ${new URL(preset.baseUrl).origin}: ` +
        `add apiKeyEnv: ${preset.apiKeyEnv} if this server may have that key, another name, or apiKeyEnv: null to send none`,
    )
  }
  if (apiKeyEnv !== null && baseUrl !== null && isPlainRemote(baseUrl)) {
    context.warning(
      [...path, 'baseUrl'],
      `sends the key in ${apiKeyEnv} over http without encryption: use https`,
    )
  }
  const proxy = entry.proxy === undefined ? null : entry.proxy === 'none' ? 'none' : checkUrl(entry.proxy)
  if (proxy !== null && typeof proxy === 'object' && 'wrong' in proxy)
    problem('proxy', `${proxy.wrong}, or none`)

  const { tls = {} } = entry
  for (const [one, other] of [
    ['certFile', 'keyFile'],
    ['keyFile', 'certFile'],
  ] as const) {
    if (tls[one] !== undefined && tls[other] === undefined)
      problem('tls', `holds ${one} without ${other}: a client certificate needs both`)
  }
  if (!good || model === undefined) return undefined
  const file = (named: string | undefined): string | null =>
    named === undefined ? null : context.resolveFile(named)
  return {
    name: entry.name ?? name,
    provider: name,
    protocol: entry.protocol ?? preset.protocol,
    baseUrl: simulate === null ? baseUrl : null,
    simulate,
    model,
    region: entry.region ?? null,
    apiKeyEnv,
    headers: { ...entry.headers },
    body: { ...entry.body },
    quirks: { ...quirksOf(preset, model), ...onlyGiven(entry.quirks) },
    tokenizer:
      entry.tokenizer ?? preset.tokenizers.find((rule) => rule.model.test(model))?.tokenizer ?? 'approximate',
    cache: { ...preset.cache, ...onlyGiven(entry.cache) },
    price: entry.price === undefined ? priceOf(preset, model) : entry.price,
    http: entry.http,
    tls: { caFile: file(tls.caFile), certFile: file(tls.certFile), keyFile: file(tls.keyFile) },
    proxy: proxy === null || proxy === 'none' ? proxy : 'url' in proxy ? proxy.url : null,
    deadlines: { ...defaultDeadlines, ...inMs(context.deadlines), ...inMs(entry.deadlines) },
  }
}

/** The keys that were really given: a key whose value is undefined must not hide the preset's. */
function onlyGiven<T extends object>(part: T | undefined): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(part ?? {}).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}

function inMs(entry: DeadlineEntry | undefined): Partial<Deadlines> {
  const { connectS, firstByteS, gapS, totalS } = entry ?? {}
  return {
    ...(connectS === undefined ? {} : { connectMs: connectS * 1000 }),
    ...(firstByteS === undefined ? {} : { firstByteMs: firstByteS * 1000 }),
    ...(gapS === undefined ? {} : { gapMs: gapS * 1000 }),
    ...(totalS === undefined ? {} : { totalMs: totalS * 1000 }),
  }
}

/** The preset's quirks as they hold for one model. */
function quirksOf({ quirks, quirksByModel = [] }: Provider, model: string): Quirks {
  const fitting = quirksByModel.filter((entry) => entry.model.test(model))
  return Object.assign({ ...quirks }, ...fitting.map((entry) => entry.quirks)) as Quirks
}

function priceOf(preset: Provider, model: string): Target['price'] {
  return Object.hasOwn(preset.prices, model) ? (preset.prices[model] ?? null) : null
}

/** An address without a trailing slash, or what is wrong with it; the address itself is not repeated. */
export function checkUrl(text: string): { url: string } | { wrong: string } {
  if (!URL.canParse(text)) {
    return {
      wrong: 'must be a whole address, such as https://api.example.com/v1 or http://localhost:8000/v1',
    }
  }
  const { protocol, username, password, search, hash, hostname } = new URL(text)
  if (protocol !== 'http:' && protocol !== 'https:')
    return { wrong: 'must be an address that starts with http:// or https://' }
  if (username !== '' || password !== '') {
    return { wrong: 'must not hold a user name or password: use apiKeyEnv, or a header { env: NAME }' }
  }
  if (search !== '' || hash !== '' || /[?#]/.test(text)) {
    return {
      wrong: 'must not hold a query or a fragment (? or #): use headers or body for what the server needs',
    }
  }
  if (hostname === '') return { wrong: 'must hold the name of a host' }
  if (/[\s\p{C}]/u.test(text)) return { wrong: 'must not hold spaces or control characters' }
  return { url: text.replace(/\/+$/, '') }
}

function sameOrigin(url: string, other: string | null): boolean {
  return other !== null && new URL(url).origin === new URL(other).origin
}

function isPlainRemote(url: string): boolean {
  const { protocol, hostname } = new URL(url)
  return protocol === 'http:' && !/^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname)
}
