/** What a simulator can be told: the checked options of the library and the command line alike. */
import { z } from 'zod'
import { incidentProblems, type Incident } from './incidents.js'
import { parseFaultPlan } from './planned-faults.js'
import { isProfileFile, readProfileFile } from './profile-file.js'
import { resolveProfile, type Profile } from './profiles.js'
import type { Planned } from './schedule.js'

const Options = z.strictObject({
  profile: z.string().default('8b-h100').describe('a name or a YAML file, see docs/simulator.md'),
  set: z.record(z.string(), z.unknown()).default({}).describe('constants of the profile to replace'),
  host: z.string().default('127.0.0.1'),
  port: z.int().min(0).max(65_535).default(0).describe('0: any free port'),
  models: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe('names answered to; default: the profile name'),
  seed: z.union([z.string(), z.number()]).default(1),
  apiKeyEnv: z.string().min(1).optional().describe('environment variable that holds the key to ask for'),
  requestsPerMinute: z.number().positive().optional(),
  fault: z.string().default('').describe('for example `crlf share=.1, slow-replica:2 from=3m to=5m`'),
  faultsByHeader: z.boolean().default(false).describe('heed the header x-plumbline-fault'),
  truth: z.string().min(1).optional().describe('NDJSON file, one line a request'),
})

/** As a caller writes them. */
export type SimulateOptions = z.input<typeof Options>

export interface CheckedOptions extends Omit<z.output<typeof Options>, 'profile' | 'models'> {
  readonly profile: Profile
  readonly models: readonly string[]
  /** What `fault` plans inside and on the wire. */
  readonly incidents: readonly Incident[]
  readonly onWire: readonly Planned[]
}

export type OptionsParsed = { ok: true; options: CheckedOptions } | { ok: false; problems: string[] }

/** Each problem is a sentence that names the option and what would do. */
export function parseSimulateOptions(input: unknown): OptionsParsed {
  const parsed = Options.safeParse(input)
  if (!parsed.success) {
    const problems = parsed.error.issues.map(
      (issue) => `${issue.path.join('.') || 'options'}: ${issue.message}`,
    )
    return { ok: false, problems }
  }
  const { data } = parsed
  const file = isProfileFile(data.profile) ? readProfileFile(data.profile) : undefined
  if (file?.ok === false) return { ok: false, problems: file.problems }
  const resolved = resolveProfile(file?.profile ?? data.profile, { ...file?.set, ...data.set })
  const faults = parseFaultPlan(`${file?.fault ?? ''},${data.fault}`)
  const problems: string[] = []
  if (!resolved.ok) problems.push(...resolved.problems)
  if (!faults.ok) problems.push(faults.problem)
  if (resolved.ok && faults.ok)
    problems.push(...incidentProblems(faults.incidents, resolved.profile.constants))
  if (!LOOPBACK.has(data.host) && !data.apiKeyEnv) {
    problems.push(
      `host ${data.host} can be reached from outside: name an apiKeyEnv, so that a key is asked for`,
    )
  }
  if (data.apiKeyEnv !== undefined && !process.env[data.apiKeyEnv]) {
    problems.push(`apiKeyEnv: the environment variable ${data.apiKeyEnv} is not set`)
  }
  if (!resolved.ok || !faults.ok || problems.length > 0) return { ok: false, problems }
  const { profile } = resolved
  const { incidents, onWire } = faults
  return {
    ok: true,
    options: { ...data, profile, models: data.models ?? [profile.name], incidents, onWire },
  }
}

const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost'])
