/** A checked scenario: every default filled in, every name resolved, nothing secret in it. */
import type { Arrivals } from '../plan/arrivals.js'
import type { Probe } from '../plan/probe.js'
import type { Precision } from '../plan/precision.js'
import type { CacheRules, Cloud, Price } from '../provider/provider.js'
import type { KeyHeader, ProtocolName, Quirks } from '../protocol/protocol.js'
import type { Deadlines } from '../wire/exchange.js'
import type { TokenizerName } from '../tokens/tokenizer.js'

/** Load of a target that Plumbline starts itself: the simulated provider. */
export interface SimulateSpec {
  profile: string
  /** Constants of the profile to override. */
  set: Readonly<Record<string, number | string | boolean>>
}

export interface Target {
  name: string
  provider: string
  protocol: ProtocolName
  /** Without a trailing slash. Null when `simulate` is set: known once it is started. */
  baseUrl: string | null
  simulate: SimulateSpec | null
  model: string
  region: string | null
  /** Name of the environment variable that holds the key, or null to send none. */
  apiKeyEnv: string | null
  /** Where the key goes; null: by protocol. */
  keyHeader: KeyHeader | null
  /** Where a key comes from that no variable holds, or null. */
  cloud: Cloud | null
  /** Version of the interface, or null where the requests name none. */
  apiVersion: string | null
  /** Extra headers. A value may name a secret as `{ env: NAME }`, read only when the request is built. */
  headers: Readonly<Record<string, string | { env: string }>>
  /** Extra body fields. */
  body: Readonly<Record<string, unknown>>
  quirks: Quirks
  tokenizer: TokenizerName
  cache: CacheRules
  price: Price | null
  /** Share of the account's rate limits that is left to others, 0 to 1; null: none. */
  minHeadroom: number | null
  /** The server's own metrics are read beside the run; `url` null: `/metrics` at its own address. */
  metrics: { url: string | null } | null
  http: '1.1' | '2'
  tls: { caFile: string | null; certFile: string | null; keyFile: string | null }
  /** Null: by the usual environment variables. 'none': direct. Else a proxy URL without credentials. */
  proxy: string | null
  deadlines: Deadlines
}

/** A probe with its settings checked. `settings` is what the probe's own schema returned. */
export interface ProbeUse {
  probe: Probe
  settings: unknown
  /** Names of the targets it runs on. */
  targets: readonly string[]
  /** Path of the user's probe file, or null for a built-in one. */
  file: string | null
  /** Ask until the curve is known as closely; null or absent: as many blocks as planned. */
  precision?: Precision | null | undefined
}

/** Recorded arrivals; read when the run begins. */
export interface TraceUse {
  file: string
  /** 2: twice as fast as recorded. */
  speed: number
}

/** The user's own prompts. */
export interface OwnPrompts {
  file: string
  blocks: number
  outputTokens: number
  targets: readonly string[]
}

export type Load =
  | { kind: 'closed'; concurrency: number }
  | ({ kind: 'open'; maxInFlight: number; trace?: TraceUse | undefined } & Arrivals)

export interface Budget {
  requests: number | null
  /** Prompt and output tokens together. */
  tokens: number | null
  /** Money, in the currency of the targets' prices. */
  cost: number | null
}

export interface Scenario {
  name: string
  /** Where it was read from, or null (`plumbline probe`). */
  file: string | null
  /** The text as read, before `${NAME}` was filled in. */
  text: string
  description: string | null
  targets: readonly Target[]
  probes: readonly ProbeUse[]
  prompts: OwnPrompts | null
  /** Load of cells that ask for none themselves, own prompts included. */
  load: Load
  /** `interleaved`: block g of every probe before block g+1 of any. */
  order: 'interleaved' | 'sequential'
  /** Untimed requests per target before the first block. */
  warmupRequests: number
  budget: Budget
  /** Tries of one request after 429, 503, 529 or a failed connection; each try is a sample of its own. */
  attempts: number
  /** Longest Retry-After that is honoured, seconds; beyond it the request counts as failed. */
  maxRetryAfterS: number
  /** Share of failed requests above which the run stops and exits 3. */
  errorLimit: number
  expectations: readonly { text: string; line: number | null }[]
  /** Smallest shift that matters, by metric; 0.05 is 5 %. */
  margins: Readonly<Record<string, number>>
  /** Metrics whose detectable shift must be small enough, else exit 4; value is that shift. */
  detect: Readonly<Record<string, number>>
  /** For `plumbline schedule`; `timezone` null: that of the machine. */
  schedule: { cron: string; timezone: string | null; jitterS: number } | null
  output: { dir: string; samples: string | null; keep: 'samples' | 'summary' }
  seed: number | null
  /** Threads that send and stamp, 0 the main one; undefined: as many as the load needs. */
  workers?: number | undefined
}
