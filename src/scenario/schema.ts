/** The shape of a scenario file: every key with its meaning, unit and default. What needs two keys at once is in `rules`. */
import { z } from 'zod'
import { expectedMetrics } from './expectation.js'
import { deadlines, envName, fileName, orElse, positive, share, targetNames, words } from './fields.js'

/** Parameters of the curves and shares of samples: what a comparison tests beside the metrics of a sample. */
const curveMetrics = [
  'base',
  'fresh',
  'hit',
  'curve',
  'step',
  'perContext',
  'ttftPerPeer',
  'tpotPerPeer',
  'slowShare',
  'canary',
] as const

export const gateMetrics = [...expectedMetrics, ...curveMetrics]

const MAX_ENTRIES = 200

const shareAboveZero = share
  .refine(
    (value) => value > 0,
    'must be a share above 0, such as 5%: nothing is ever known to the last digit',
  )
  .meta({ phrase: 'a share above 0, such as 5%' })

const precision = z
  .union([shareAboveZero, z.record(words, shareAboveZero)])
  .meta({ phrase: 'a share above 0 such as 5%, or one for each parameter' })

/** The keys of every probe entry; the probe's own settings stand beside them. */
export const probeEntry = z.looseObject({
  probe: words.describe(
    'Name of a built-in probe, or path of a probe file in the folder of the scenario (./my-probe.mjs).',
  ),
  targets: targetNames.optional().describe('Names of the targets that this probe runs on. Default: all.'),
  precision: precision
    .optional()
    .describe(
      'How closely the parameters of the curve are to be known: 5%, or by parameter { base: 5%, fresh: 5%, hit: 20% }. After two blocks the cells are chosen that narrow them soonest, until all are, instead of a fixed number of blocks.',
    ),
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
        .enum(['constant', 'poisson', 'gamma', 'ramp', 'step'])
        .optional()
        .describe(
          'Open loop: even gaps; the chance arrivals of many users; gamma gaps (burstiness); a rate that goes to rateTo in a line, or in steps. Default: poisson.',
        ),
      burstiness: z
        .number()
        .gt(0)
        .max(1000)
        .optional()
        .describe('Gamma arrivals: 1 is Poisson, below it bursts, above it ever more even. Default: 1.'),
      rateTo: z
        .number()
        .gt(0)
        .max(10_000)
        .optional()
        .describe('Ramp and steps: the last rate, requests per second; the first is rate.'),
      steps: positive
        .max(1000)
        .optional()
        .describe('Steps: how many rates, each for an equal time. Default: 4.'),
      trace: z
        .strictObject({
          file: z
            .string()
            .min(1)
            .describe('Mooncake JSON lines, Azure CSV or spans; from the scenario file.'),
          speed: orElse(z.number().gt(0).max(10_000), 1, '2: twice as fast as recorded.'),
        })
        .optional()
        .describe('Open loop: the recorded arrival times of a trace instead of a rate. Needs maxInFlight.'),
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
  workers: z
    .union([z.literal('auto'), z.int().min(0).max(64)])
    .optional()
    .describe(
      'Threads that send and stamp; 0: the main thread. Default: auto, none below 16 requests in flight, one up to 500, then as many as there are cores.',
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
    z.array(words.max(500)),
    [],
    'What must hold, else exit 1: ttft{promptTokens=1024,cache=fresh}.p95 < 800 ms, errors < 1%, ttft.p50 within 10% of baseline.',
  ),
  gate: z
    .strictObject({
      margins: z
        .partialRecord(z.enum(gateMetrics), share)
        .optional()
        .describe('Smallest shift that matters, by metric. Default: 5% each.'),
      detect: z
        .partialRecord(z.enum(gateMetrics), share)
        .optional()
        .describe(
          'Shift that the samples must be able to show, by metric, else exit 4. Default: 25% for ttft and tpot.',
        ),
    })
    .optional()
    .describe('How a comparison with the baseline decides.'),
  schedule: z
    .strictObject({
      cron: words.describe('When plumbline schedule runs this: five fields, minute hour day month weekday.'),
      timezone: words
        .optional()
        .describe(
          'IANA time zone of the cron expression, such as Europe/Berlin. Default: that of the machine.',
        ),
      jitterS: z
        .number()
        .min(0)
        .optional()
        .describe('Each start is put off by a random time up to this, seconds. Default: 0.'),
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

/** The lists whose entries are checked one by one, so that a wrong one hides nothing about the others. */
export const entryLists = {
  targets: z
    .array(z.unknown())
    .min(1)
    .max(MAX_ENTRIES)
    .meta({ phrase: 'a list of at least 1 entry, such as [{ name: local, baseUrl: …, model: … }]' }),
  probes: z.array(z.unknown()).max(MAX_ENTRIES).meta({ phrase: 'a list such as [{ probe: prompt-length }]' }),
}
