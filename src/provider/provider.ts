/** The contract of a preset: what is known of a provider before anybody asks it. Data only. */
import type { KeyHeader, ProtocolName, Quirks } from '../protocol/protocol.js'
import type { TokenizerName } from '../tokens/tokenizer.js'

/** Money per million tokens. */
export interface Price {
  currency: string
  inputPerM: number
  /** Prompt tokens read from the cache; absent: charged as input. */
  cachedPerM?: number | undefined
  /** Prompt tokens written into the cache; absent: charged as input. */
  cacheWritePerM?: number | undefined
  /** The same for a lifetime that has a price of its own, under the provider's word for it (`1h`). */
  cacheWritePerMByLifetime?: Readonly<Record<string, number>> | undefined
  outputPerM: number
  /** Day on which the price was looked up, YYYY-MM-DD. Of a preset: day from which its vendor's list has it. */
  asOf?: string | undefined
  /** The vendor's list. */
  source?: string | undefined
}

/** What is known of a target's prefix cache. */
export interface CacheRules {
  /** Shortest prefix that can hit, tokens. */
  minimumTokens: number
  /** Hits come in multiples of this, tokens. */
  stepTokens: number
  /** The server reports cached tokens in its usage. */
  reported: boolean
  /** How long an unused prefix is kept by the word of the provider, seconds; absent: it does not say. */
  lifetimeS?: number | undefined
}

/** Clouds with credentials of their own: a chain of places to look in, signatures, tokens that expire. */
export type Cloud = 'aws' | 'google'

export interface Provider {
  name: string
  title: string
  /** Null where only the user knows it (self-hosted). `{region}` and the like are filled in by `address`. */
  baseUrl: string | null
  /** What stands for each `{name}` in the base URL: the environment variables that may say it, the first one first. */
  address?: Readonly<Record<string, readonly string[]>> | undefined
  /** Credentials of a cloud, where `apiKeyEnv` is not set. */
  cloud?: Cloud | undefined
  /** Environment variable that holds the key; null where none is needed. */
  apiKeyEnv: string | null
  /** Where the key goes. Default: by protocol. */
  keyHeader?: KeyHeader | undefined
  protocol: ProtocolName
  /** What it speaks at other paths of its base URL; the first that fits. */
  protocolByPath?: readonly { path: RegExp; protocol: ProtocolName }[] | undefined
  quirks: Quirks
  /** What differs for some models; every matching entry applies, later ones win. */
  quirksByModel?: readonly { model: RegExp; quirks: Partial<Quirks> }[] | undefined
  /** First matching pattern wins; tested against the model name. */
  tokenizers: readonly { model: RegExp; tokenizer: TokenizerName }[]
  cache: CacheRules
  /** What differs for some models; every matching entry applies, later ones win. */
  cacheByModel?: readonly { model: RegExp; cache: Partial<CacheRules> }[] | undefined
  /** By model name; empty where we do not know. */
  prices: Readonly<Record<string, Price>>
}
