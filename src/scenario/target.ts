/** From an entry under `targets` to a target: the preset fills what the entry leaves open, and the key stays at home. */
import type { PathPart } from '../border/problem.js'
import type { CacheRules, Provider } from '../provider/provider.js'
import type { Quirks } from '../protocol/protocol.js'
import type { Deadlines } from '../wire/exchange.js'
import type { SimulatedCache } from './context.js'
import type { Complain } from './report.js'
import type { Target } from './scenario.js'
import type { DeadlineEntry } from './fields.js'
import { isHome, presetAddress, type PresetAddress } from './preset-address.js'
import type { Environment } from './substitute.js'
import type { TargetEntry } from './target-schema.js'

const DEFAULT_PROVIDER = 'openai-compatible'
const SIMULATED_PROVIDER = 'simulated'
const SIMULATED_MODEL = 'sim'

const defaultDeadlines: Deadlines = {
  connectMs: 10_000,
  firstByteMs: 120_000,
  gapMs: 60_000,
  totalMs: 600_000,
}

export interface TargetContext {
  env: Environment
  providers: Readonly<Record<string, Provider>>
  /** What a simulated target's cache does, in place of what its preset says. */
  simulatedCache: Partial<SimulatedCache>
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
  const simulate =
    entry.simulate === undefined ? null : { profile: entry.simulate.profile, set: { ...entry.simulate.set } }
  const name = entry.provider ?? (simulate === null ? DEFAULT_PROVIDER : SIMULATED_PROVIDER)
  const preset = context.providers[name]
  if (preset === undefined) throw new Error(`the table of providers lacks ${name}`)
  const model = entry.model ?? (simulate === null ? undefined : SIMULATED_MODEL)
  const region = entry.region ?? null
  const home = presetAddress(preset, region, context.env)
  const baseUrl = entry.baseUrl?.replace(/\/+$/, '') ?? ('url' in home ? home.url : null)
  const faults = [
    ...(simulate === null ? faultsOfAddress(entry, preset, home) : faultsBesideSimulate(entry)),
    ...faultsOfTls(entry),
  ]
  if (model === undefined)
    faults.push({ key: 'model', message: 'is missing: write the name of the model as the server knows it' })
  for (const { key, message, at } of faults) context.problem([...path, key], message, at)
  if (faults.length > 0 || model === undefined) return undefined

  const preferred = entry.apiKeyEnv === undefined ? preset.apiKeyEnv : entry.apiKeyEnv
  const apiKeyEnv = simulate === null ? preferred : null
  if (apiKeyEnv !== null && baseUrl !== null && isPlainRemote(baseUrl)) {
    context.warning(
      [...path, 'baseUrl'],
      `sends the key in ${apiKeyEnv} over http without encryption: use https`,
    )
  }
  const { tls = {} } = entry
  const file = (named: string | undefined): string | null =>
    named === undefined ? null : context.resolveFile(named)
  return {
    name: entry.name ?? name,
    provider: name,
    protocol: entry.protocol ?? protocolAt(baseUrl, preset),
    baseUrl: simulate === null ? baseUrl : null,
    simulate,
    model,
    region,
    apiKeyEnv,
    keyHeader: entry.keyHeader ?? preset.keyHeader ?? null,
    // A token is sent as it is: to another host than Google's only by a variable that the entry names.
    cloud:
      simulate !== null || (preset.cloud === 'google' && isForeign(entry, preset))
        ? null
        : (preset.cloud ?? null),
    apiVersion: entry.apiVersion ?? null,
    headers: { ...entry.headers },
    body: { ...entry.body },
    quirks: quirksOf(preset, model, entry.quirks),
    tokenizer:
      entry.tokenizer ?? preset.tokenizers.find((rule) => rule.model.test(model))?.tokenizer ?? 'approximate',
    cache: cacheOf(preset, model, { ...context.simulatedCache, ...entry.cache }),
    price: entry.price === undefined ? priceOf(preset, model) : entry.price,
    minHeadroom: entry.minHeadroom ?? null,
    metrics: metricsOf(entry.metrics),
    http: entry.http,
    tls: { caFile: file(tls.caFile), certFile: file(tls.certFile), keyFile: file(tls.keyFile) },
    proxy: entry.proxy ?? null,
    deadlines: { ...defaultDeadlines, ...inMs(context.deadlines), ...inMs(entry.deadlines) },
  }
}

interface Fault {
  key: 'baseUrl' | 'apiKeyEnv' | 'proxy' | 'tls' | 'model'
  message: string
  at?: 'key'
}

/** There is an address, and the preset's key goes nowhere but to the preset's host unless the entry names both. */
function faultsOfAddress(entry: TargetEntry, preset: Provider, home: PresetAddress): Fault[] {
  const { baseUrl, apiKeyEnv, provider } = entry
  if (baseUrl === undefined) {
    if ('missing' in home)
      return [{ key: 'baseUrl', message: `is missing: set ${home.missing}, or write the whole address` }]
    if (preset.baseUrl !== null) return []
    const why = provider === undefined ? 'without a provider' : `with provider ${provider}`
    const message = `is missing: ${why} it is needed, such as http://localhost:8000/v1 (or simulate: { profile: 8b-h100 })`
    return [{ key: 'baseUrl', message }]
  }
  if (apiKeyEnv !== undefined || preset.apiKeyEnv === null || !isForeign(entry, preset)) return []
  const origin = /^https?:\/\/[^/]+/.exec(preset.baseUrl ?? '')?.[0] ?? ''
  const message =
    `is not the address of ${preset.name}, and ${preset.apiKeyEnv} goes only to ${origin}: add ` +
    `apiKeyEnv: ${preset.apiKeyEnv} if this server may have that key, another name, or apiKeyEnv: null to send none`
  return [{ key: 'baseUrl', message }]
}

function protocolAt(baseUrl: string | null, { protocol, protocolByPath = [] }: Provider): Target['protocol'] {
  const path = baseUrl === null ? '' : new URL(baseUrl).pathname
  return protocolByPath.find((entry) => entry.path.test(path))?.protocol ?? protocol
}

/** Another host than the preset's, where it has one. */
function isForeign({ baseUrl }: TargetEntry, preset: Provider): boolean {
  return baseUrl !== undefined && preset.baseUrl !== null && !isHome(baseUrl, preset)
}

function faultsBesideSimulate(entry: TargetEntry): Fault[] {
  const message = 'cannot stand beside simulate: Plumbline starts that provider itself, on a loopback port'
  return (['baseUrl', 'apiKeyEnv', 'proxy'] as const)
    .filter((key) => entry[key] !== undefined && entry[key] !== null)
    .map((key) => ({ key, message, at: 'key' }))
}

function faultsOfTls({ tls: { certFile, keyFile } = {} }: TargetEntry): Fault[] {
  if ((certFile === undefined) === (keyFile === undefined)) return []
  const [one, other] = certFile === undefined ? ['keyFile', 'certFile'] : ['certFile', 'keyFile']
  return [{ key: 'tls', message: `holds ${one} without ${other}: a client certificate needs both` }]
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

/** The preset's quirks as they hold for one model, and above them those of the entry. */
function quirksOf(
  { quirks, quirksByModel = [] }: Provider,
  model: string,
  own: TargetEntry['quirks'] = {},
): Quirks {
  const fitting = quirksByModel.filter((entry) => entry.model.test(model))
  const usual = fitting.reduce<Quirks>((merged, entry) => ({ ...merged, ...entry.quirks }), quirks)
  return {
    maxTokensField: own.maxTokensField ?? usual.maxTokensField,
    streamOptions: own.streamOptions ?? usual.streamOptions,
    ignoreEos: own.ignoreEos ?? usual.ignoreEos,
    temperature: own.temperature === undefined ? usual.temperature : own.temperature,
  }
}

/** The preset's rules as they hold for one model, and above them those of the entry. */
function cacheOf(
  { cache, cacheByModel = [] }: Provider,
  model: string,
  own: TargetEntry['cache'] = {},
): CacheRules {
  const fitting = cacheByModel.filter((entry) => entry.model.test(model))
  const usual = fitting.reduce<CacheRules>((merged, entry) => ({ ...merged, ...entry.cache }), cache)
  return {
    minimumTokens: own.minimumTokens ?? usual.minimumTokens,
    stepTokens: own.stepTokens ?? usual.stepTokens,
    reported: own.reported ?? usual.reported,
    lifetimeS: own.lifetimeS ?? usual.lifetimeS,
  }
}

function priceOf(preset: Provider, model: string): Target['price'] {
  return Object.hasOwn(preset.prices, model) ? (preset.prices[model] ?? null) : null
}

function metricsOf(metrics: TargetEntry['metrics']): Target['metrics'] {
  if (metrics === undefined || metrics === false) return null
  return { url: metrics === true ? null : metrics }
}

function isPlainRemote(url: string): boolean {
  const { protocol, hostname } = new URL(url)
  return protocol === 'http:' && !/^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname)
}
