/** The shape of a scenario file: every key with its meaning, unit and default. What needs two keys at once is checked elsewhere. */
import { z } from 'zod'
import type { ProtocolName } from '../protocol/protocol.js'
import type { TokenizerName } from '../tokens/tokenizer.js'
import { ENV_NAME } from './substitute.js'

/** The closed lists of names that a file may use. */
export interface KnownNames {
  providers: readonly string[]
  protocols: readonly ProtocolName[]
  /** Profiles of the simulated provider; null: any is taken. */
  profiles: readonly string[] | null
}

// A record, so that a tokenizer without a line here fails to compile.
const tokenizers: Record<TokenizerName, true> = { o200k_base: true, cl100k_base: true, approximate: true }
const tokenizerNames = Object.keys(tokenizers) as TokenizerName[]

/** A schema with its meaning and default in words; the default is also filled in. */
function orElse<S extends z.ZodType>(
  schema: S,
  value: z.core.util.NoUndefined<z.output<S>>,
  meaning: string,
): z.ZodDefault<S> {
  return schema
    .default(value)
    .describe(`${meaning} Default: ${typeof value === 'object' ? JSON.stringify(value) : String(value)}.`)
}

const PERCENT = /^\d+(?:\.\d+)?\s*%$/

/** 0.05 or 5%. */
const share = z
  .union([z.number().min(0).max(1), z.string().regex(PERCENT)])
  .transform((value) => (typeof value === 'number' ? value : Number.parseFloat(value) / 100))
  .pipe(z.number().min(0).max(1))
  .meta({ phrase: 'a share from 0 to 1, or a percentage such as 5%' })

const text = z.string().min(1)
const positive = z.int().min(1)
const seconds = z.number().gt(0).max(86_400)
const envName = z
  .string()
  .regex(ENV_NAME)
  .meta({ phrase: 'the name of an environment variable, such as OPENAI_API_KEY' })
const fileName = text.max(4096)
const targetNames = z.array(text).min(1)

const deadlines = z.strictObject({
  connectS: seconds.optional().describe('Longest time for DNS, TCP and TLS together, seconds. Default: 10.'),
  firstByteS: seconds
    .optional()
    .describe('Longest time from request start to response headers, seconds. Default: 120.'),
  gapS: seconds
    .optional()
    .describe('Longest silence between two chunks of the answer, seconds. Default: 60.'),
  totalS: seconds
    .optional()
    .describe('Longest time for the whole request, connection set-up included, seconds. Default: 600.'),
})

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
    profile: (profiles === null ? text : z.enum(profiles)).describe(
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
      .regex(/^[^\p{C}\s{},="'](?:[^\p{C}{},="']{0,62}[^\p{C}\s{},="'])?$/u)
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
    baseUrl: text
      .optional()
      .describe(
        'Address up to and including the version, such as http://localhost:8000/v1. Default: by provider.',
      ),
    simulate: simulate
      .optional()
      .describe(
        'Start the simulated provider and measure it: needs no key, no network, no provider and no model.',
      ),
    model: text
      .max(512)
      .optional()
      .describe('Name of the model, as the server knows it. Needed, but for a simulated target.'),
    region: text
      .max(128)
      .optional()
      .describe('Label of the region in results; nothing is sent. Default: none.'),
    apiKeyEnv: envName
      .nullable()
      .optional()
      .describe(
        'Name of the environment variable that holds the key; null sends none. Default: by provider, for its own host only.',
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
      .enum(tokenizerNames)
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
    http: orElse(
      z
        .union([z.enum(['1.1', '2']), z.literal([1.1, 2])])
        .transform((version) => (String(version) === '2' ? '2' : '1.1'))
        .meta({ phrase: '1.1 or 2' }),
      '1.1',
      'Version of HTTP.',
    ),
    tls: tls.optional().describe('Certificates of our own. Default: those of the system.'),
    proxy: text
      .optional()
      .describe(
        "Address of a proxy without credentials, or none to connect directly. Default: by the environment's HTTPS_PROXY, HTTP_PROXY and NO_PROXY.",
      ),
    deadlines: deadlines
      .optional()
      .describe("Time limits of this target; each key overrides the scenario's."),
  })
}

const MAX_ENTRIES = 200

/** The keys of every probe entry; the probe's own settings stand beside them. */
export const probeEntry = z.looseObject({
  probe: text.describe(
    'Name of a built-in probe, or path of a probe file in the folder of the scenario (./my-probe.mjs).',
  ),
  targets: targetNames.optional().describe('Names of the targets that this probe runs on. Default: all.'),
})

/** The top level but `targets` and `probes`, which are checked entry by entry. */
export const topLevel = {
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/)
    .meta({ phrase: 'a name of at most 64 letters, digits, dots, dashes and underscores' })
    .optional()
    .describe('Name of the scenario: results lie in a folder of this name. Default: the name of the file.'),
  description: z.string().optional().describe('What this scenario is for, in a sentence.'),
  env: orElse(
    z.array(envName),
    [],
    'Environment variables that ${NAME} and ${NAME:-default} may use in the texts of this file; $$ is a dollar sign. Never a secret.',
  ),
  prompts: z
    .strictObject({
      file: fileName.describe('JSONL file of prompts, relative to the scenario.'),
      blocks: positive.optional().describe('How often each prompt is sent. Default: repeats, else 1.'),
      outputTokens: orElse(positive, 64, 'Output length asked for, tokens.'),
      targets: targetNames.optional().describe('Names of the targets that the prompts go to. Default: all.'),
    })
    .optional()
    .describe("One's own prompts, beside or instead of the probes."),
  load: z
    .strictObject({
      concurrency: positive.max(10_000).optional().describe('Closed loop: requests in flight. Default: 1.'),
      rate: z
        .number()
        .gt(0)
        .max(10_000)
        .optional()
        .describe('Open loop: requests started per second, whatever the answers do. Needs maxInFlight.'),
      arrivals: z
        .enum(['constant', 'poisson'])
        .optional()
        .describe('Open loop: even gaps, or the chance arrivals of many users. Default: poisson.'),
      maxInFlight: positive
        .max(10_000)
        .optional()
        .describe(
          'Open loop: most requests in flight at once; a start that it holds back counts as start delay.',
        ),
    })
    .optional()
    .describe(
      'Load of cells whose probe asks for none: concurrency, or rate with maxInFlight; never both. Default: concurrency 1.',
    ),
  order: orElse(
    z.enum(['interleaved', 'sequential']),
    'interleaved',
    'interleaved: block g of every probe before block g+1 of any, so that drift falls on all alike. sequential: one probe after the other.',
  ),
  warmup: z
    .strictObject({ requests: orElse(z.int().min(0).max(1000), 2, 'Untimed requests per target.') })
    .prefault({})
    .describe('What is sent before the first block and never counted.'),
  repeats: positive
    .max(10_000)
    .optional()
    .describe(
      "Blocks of every probe whose entry gives no blocks of its own: samples per cell. Default: each probe's own.",
    ),
  budget: z
    .strictObject({
      requests: positive.optional().describe('Most requests of a run. Default: no limit.'),
      tokens: positive
        .optional()
        .describe('Most tokens of a run, prompt and output together. Default: no limit.'),
      cost: z
        .number()
        .gt(0)
        .optional()
        .describe("Most money of a run, in the currency of the targets' prices. Default: no limit."),
    })
    .optional()
    .describe('Limits that a run never passes, not by one request in flight.'),
  retries: z
    .strictObject({
      attempts: orElse(
        positive.max(10),
        3,
        'Tries of one request after 429, 503, 529 or a failed connection; each is a sample of its own.',
      ),
      maxRetryAfterS: orElse(
        z.number().min(0).max(3600),
        60,
        'Longest Retry-After that is waited for, seconds; beyond it the request has failed.',
      ),
    })
    .prefault({})
    .describe('What happens after a request that may succeed later.'),
  errorLimit: orElse(share, 0.05, 'Share of failed requests above which the run stops (exit 3).'),
  deadlines: deadlines.optional().describe('Time limits of every target.'),
  expectations: orElse(
    z.array(text.max(500)),
    [],
    'What must hold, else exit 1: ttft{promptTokens=1024,cache=fresh}.p95 < 800 ms, errors < 1%, ttft.p50 within 10% of baseline.',
  ),
  gate: z
    .strictObject({
      margins: z
        .record(z.string(), share)
        .optional()
        .describe('Smallest shift that matters, by metric. Default: 5% each.'),
      detect: z
        .record(z.string(), share)
        .optional()
        .describe(
          'Shift that the samples must be able to show, by metric, else exit 4. Default: 25% for ttft and tpot.',
        ),
    })
    .optional()
    .describe('How a comparison with the baseline decides.'),
  schedule: z
    .strictObject({
      cron: text.describe('When plumbline schedule runs this: five fields, minute hour day month weekday.'),
      timezone: text
        .optional()
        .describe(
          'IANA time zone of the cron expression, such as Europe/Berlin. Default: that of the machine.',
        ),
    })
    .optional()
    .describe('For plumbline schedule.'),
  output: z
    .strictObject({
      dir: orElse(fileName, 'results', 'Folder of the snapshots, relative to the working directory.'),
      samples: fileName
        .optional()
        .describe('File that also receives every sample, one JSON object a line. Default: none.'),
      keep: orElse(
        z.enum(['samples', 'summary']),
        'samples',
        'What a snapshot holds: every sample, or the curves and the summary only.',
      ),
    })
    .prefault({})
    .describe('Where results go.'),
  seed: z
    .int()
    .min(0)
    .optional()
    .describe(
      'Seed of every random choice, for the same order again. Default: a fresh one, which the snapshot records.',
    ),
} as const

export type TopLevel = z.output<z.ZodObject<typeof topLevel>>
export type TargetEntry = z.output<ReturnType<typeof targetSchema>>
export type DeadlineEntry = z.output<typeof deadlines>

/** The lists whose entries are checked one by one, so that a wrong one hides nothing about the others. */
export const entryLists = {
  targets: z.array(z.unknown()).min(1).max(MAX_ENTRIES),
  probes: z.array(z.unknown()).max(MAX_ENTRIES),
}
