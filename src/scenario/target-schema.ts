/** The shape of an entry under `targets`: every key with its meaning, unit and default. */
import { z } from 'zod'
import type { KeyHeader, ProtocolName } from '../protocol/protocol.js'
import type { TokenizerName } from '../tokens/tokenizer.js'
import { terminalText } from '../border/escape.js'
import { address, deadlines, envName, fileName, orElse, positive, share, words } from './fields.js'

/** The closed lists of names that a file may use. */
export interface KnownNames {
  providers: readonly string[]
  protocols: readonly ProtocolName[]
  /** Profiles of the simulated provider; null: any is taken. */
  profiles: readonly string[] | null
}

// By name, so that a tokenizer without a line here fails to compile.
const tokenizers = {
  o200k_base: 'o200k_base',
  cl100k_base: 'cl100k_base',
  approximate: 'approximate',
} as const satisfies { [Name in TokenizerName]: Name }

const keyHeaders = {
  authorization: 'authorization',
  'x-api-key': 'x-api-key',
  'x-goog-api-key': 'x-goog-api-key',
  'api-key': 'api-key',
} as const satisfies { [Name in KeyHeader]: Name }

const quirks = z.strictObject({
  maxTokensField: z
    .enum(['max_tokens', 'max_completion_tokens'])
    .optional()
    .describe('Name of the output limit in the request body. Default: by provider.'),
  streamOptions: z
    .boolean()
    .optional()
    .describe('The server takes stream_options: { include_usage: true }. Default: by provider.'),
  ignoreEos: z
    .boolean()
    .optional()
    .describe(
      'Send ignore_eos: true, so that output reaches its length (vLLM, SGLang, llama.cpp; hosted APIs reject it). Default: by provider.',
    ),
  temperature: z
    .number()
    .min(0)
    .max(2)
    .nullable()
    .optional()
    .describe('Sampling temperature; null sends none. Default: by provider.'),
})

const price = z.strictObject({
  currency: orElse(
    z
      .string()
      .regex(/^[A-Z]{3}$/)
      .meta({ phrase: 'a currency of three capitals, such as USD' }),
    'USD',
    'Currency, ISO 4217.',
  ),
  inputPerM: z.number().min(0).describe('Price of a million prompt tokens.'),
  cachedPerM: z
    .number()
    .min(0)
    .optional()
    .describe('Price of a million prompt tokens read from the cache. Default: inputPerM.'),
  cacheWritePerM: z
    .number()
    .min(0)
    .optional()
    .describe('Price of a million prompt tokens written into the cache. Default: inputPerM.'),
  outputPerM: z.number().min(0).describe('Price of a million output tokens.'),
  asOf: z
    .string()
    .regex(/^\d{4}-\d{2}-\d{2}$/)
    .meta({ phrase: "a day in quotes, such as '2026-01-31'" })
    .optional()
    .describe('Day on which the price was looked up, YYYY-MM-DD. Default: none.'),
})

const cache = z.strictObject({
  minimumTokens: z
    .int()
    .min(0)
    .optional()
    .describe('Shortest prefix that can hit, tokens. Default: by provider.'),
  stepTokens: positive.optional().describe('Hits come in multiples of this, tokens. Default: by provider.'),
  reported: z
    .boolean()
    .optional()
    .describe('The server reports cached tokens in its usage. Default: by provider.'),
  lifetimeS: z
    .number()
    .gt(0)
    .optional()
    .describe(
      'How long an unused prefix is kept by the word of the provider, seconds. Default: by provider.',
    ),
})

const tls = z.strictObject({
  caFile: fileName
    .optional()
    .describe(
      'PEM file of certificate authorities to trust besides the usual ones, relative to the scenario.',
    ),
  certFile: fileName.optional().describe('PEM file of the client certificate, relative to the scenario.'),
  keyFile: fileName
    .optional()
    .describe("PEM file of the client certificate's key, relative to the scenario."),
})

/** An entry under `targets`. */
export function targetSchema({ providers, protocols, profiles }: KnownNames) {
  const simulate = z.strictObject({
    profile: (profiles === null ? words : z.enum(profiles)).describe(
      'Profile of the simulated provider: model size and hardware, such as 8b-h100.',
    ),
    set: z
      .record(z.string(), z.union([z.number(), z.string(), z.boolean()]))
      .optional()
      .describe('Constants of the profile to override. Default: none.'),
  })
  const headerValue = z.union([
    z.string(),
    z.strictObject({
      env: envName.describe(
        'Environment variable that holds the whole value of the header; read only when a request is built.',
      ),
    }),
  ])
  return z.strictObject({
    name: z
      .string()
      .regex(/^[^\s{},="'](?:[^{},="'\r\n]{0,62}[^\s{},="'])?$/)
      .refine((name) => terminalText(name) === name, 'must not hold control characters')
      .meta({ phrase: 'a name of at most 64 characters without quotes, commas, equals signs and braces' })
      .optional()
      .describe('Name of the target in results; comparisons join targets by it. Default: the provider.'),
    provider: z
      .enum(providers)
      .optional()
      .describe(
        'Preset that fills in address, protocol, key variable, quirks, tokenizer, cache rules and price. Default: openai-compatible.',
      ),
    protocol: z.enum(protocols).optional().describe('How the target is spoken to. Default: by provider.'),
    baseUrl: address()
      .optional()
      .describe(
        'Address up to and including the version, such as http://localhost:8000/v1. Default: by provider.',
      ),
    simulate: simulate
      .optional()
      .describe(
        'Start the simulated provider and measure it: needs no key, no network, no provider and no model.',
      ),
    model: words
      .max(512)
      .optional()
      .describe('Name of the model, as the server knows it. Needed, but for a simulated target.'),
    region: words
      .max(128)
      .optional()
      .describe(
        'Region: a label in results, and part of the address where the cloud wants one (Bedrock, Vertex). Default: none.',
      ),
    apiKeyEnv: envName
      .nullable()
      .meta({ phrase: 'the name of an environment variable, such as OPENAI_API_KEY, or null' })
      .optional()
      .describe(
        'Name of the environment variable that holds the key; null sends none. Default: by provider, for its own host only.',
      ),
    keyHeader: z
      .enum(keyHeaders)
      .optional()
      .describe(
        'Header that carries the key: authorization as Bearer, any other as it is. Default: by provider or protocol.',
      ),
    apiVersion: z
      .string()
      .regex(/^[\w.-]{1,64}$/)
      .meta({ phrase: "a version in quotes, such as '2024-10-21'" })
      .optional()
      .describe(
        'Version of Azure OpenAI that the address names; without one it is the path /openai/v1. Default: none.',
      ),
    headers: z
      .record(z.string(), headerValue)
      .optional()
      .describe('Extra request headers; a secret is named as { env: NAME }. Default: none.'),
    body: z
      .record(z.string(), z.unknown())
      .optional()
      .describe(
        'Extra fields of the request body, such as service_tier; they win over our own. Default: none.',
      ),
    quirks: quirks.optional().describe('What this server does differently; each key overrides the preset.'),
    tokenizer: z
      .enum(tokenizers)
      .optional()
      .describe(
        'Counts prompt tokens; approximate is corrected by the usage that the server reports. Default: by provider and model.',
      ),
    cache: cache.optional().describe("Rules of the target's prefix cache; each key overrides the preset."),
    price: price
      .nullable()
      .optional()
      .describe(
        'Price, for budget.cost and the summary; null where there is none. Default: by provider and model.',
      ),
    minHeadroom: share
      .optional()
      .describe(
        "Share of the account's rate limits that is left to others: with less left the run waits for a reset that is near, else it stops (exit 3). Default: none.",
      ),
    metrics: z
      .union([z.boolean(), address()])
      .meta({ phrase: 'true, or the address of the metrics, such as http://localhost:8000/metrics' })
      .optional()
      .describe(
        "Read the server's own metrics once a second beside the run (vLLM, SGLang, llama.cpp, TGI): true for /metrics at its own address, or another address. Default: false.",
      ),
    http: orElse(
      z
        .union([z.enum(['1.1', '2']), z.literal([1.1, 2])])
        .transform((version) => (String(version) === '2' ? '2' : '1.1'))
        .meta({ phrase: '1.1 or 2' }),
      '1.1',
      'Version of HTTP.',
    ),
    tls: tls.optional().describe('Certificates of our own. Default: those of the system.'),
    proxy: address('none')
      .optional()
      .describe(
        "Address of a proxy without credentials, or none to connect directly. Default: by the environment's HTTPS_PROXY, HTTP_PROXY and NO_PROXY.",
      ),
    deadlines: deadlines
      .optional()
      .describe("Time limits of this target; each key overrides the scenario's."),
  })
}

export type TargetEntry = z.output<ReturnType<typeof targetSchema>>
