/** What labelled spans can be told: the checked options of the library and the command line alike. */
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { problemText } from '../border/problem.js'
import { systemReason } from '../border/system-error.js'
import { readYaml } from '../border/yaml.js'
import { SPAN_DIALECTS } from './emit-dialects.js'
import { incidentProblems, parseIncidents } from './incidents.js'
import { isProfileFile, readProfileFile } from './profile-file.js'
import { resolveProfile } from './profiles.js'
import type { SpansSetup } from './spans.js'
import { CARRIES } from './spans-seen.js'
import { WorkloadSchema } from './workload.js'

const Options = z.strictObject({
  profile: z.string().default('hosted-frontier').describe('a name or a YAML file, see docs/simulator.md'),
  set: z.record(z.string(), z.unknown()).default({}).describe('constants of the profile to replace'),
  fault: z.string().default('').describe('for example `retry share=.05, slow-replica:2 from=3m to=5m`'),
  seed: z.union([z.string(), z.number()]).default(1),
  requests: z.int().min(1).max(1_000_000).default(10_000),
  // In their own order, so that the order in which they are asked for changes nothing.
  dialects: z
    .array(z.enum([...SPAN_DIALECTS, 'all']))
    .min(1)
    .default(['otel-genai'])
    .transform((asked) => SPAN_DIALECTS.filter((name) => asked.includes('all') || asked.includes(name))),
  carries: z
    .array(z.enum([...CARRIES, 'all']))
    .min(1)
    .default(['full'])
    .transform((asked) => CARRIES.filter((name) => asked.includes('all') || asked.includes(name))),
  workload: z.string().optional().describe('a YAML file with the constants of the service'),
  model: z.string().min(1).optional().describe('default: the name of the profile'),
  start: z.iso
    .datetime({ offset: true, error: 'must be a time with its zone, such as 2026-01-05T09:00:00Z' })
    .default('2026-01-05T09:00:00Z')
    .describe('when the first call could come'),
})

/** As a caller writes them. */
export type SpansOptions = z.input<typeof Options>

export type SpansParsed = { ok: true; setup: SpansSetup } | { ok: false; problems: string[] }

/** Each problem is a sentence that names the option and what would do. */
export function parseSpansOptions(input: unknown): SpansParsed {
  const parsed = Options.safeParse(input)
  if (!parsed.success) {
    const problems = parsed.error.issues.map(
      (issue) => `${String(issue.path[0] ?? 'options')}: ${issue.message}`,
    )
    return { ok: false, problems }
  }
  const { data } = parsed
  const file = isProfileFile(data.profile) ? readProfileFile(data.profile) : undefined
  if (file?.ok === false) return { ok: false, problems: file.problems }
  const resolved = resolveProfile(file?.profile ?? data.profile, { ...file?.set, ...data.set })
  const faults = parseIncidents(`${file?.fault ?? ''},${data.fault}`)
  const workload = readWorkload(data.workload)
  const problems: string[] = []
  if (!resolved.ok) problems.push(...resolved.problems)
  if (!faults.ok) problems.push(faults.problem)
  if (!workload.ok) problems.push(...workload.problems)
  if (resolved.ok && faults.ok)
    problems.push(...incidentProblems(faults.incidents, resolved.profile.constants))
  if (!resolved.ok || !faults.ok || !workload.ok || problems.length > 0) return { ok: false, problems }
  const { profile } = resolved
  return {
    ok: true,
    setup: {
      profile,
      incidents: faults.incidents,
      seed: data.seed,
      requests: data.requests,
      workload: workload.workload,
      dialects: data.dialects,
      carries: data.carries,
      model: data.model ?? profile.name,
      epochMs: Date.parse(data.start),
    },
  }
}

type WorkloadRead =
  { ok: true; workload: z.output<typeof WorkloadSchema> } | { ok: false; problems: string[] }

function readWorkload(path: string | undefined): WorkloadRead {
  if (path === undefined) return { ok: true, workload: WorkloadSchema.parse({}) }
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    return { ok: false, problems: [`workload file ${path} can't be read: ${systemReason(error)}`] }
  }
  const yaml = readYaml(text, path)
  if (!yaml.ok) return { ok: false, problems: yaml.problems.map(problemText) }
  const checked = WorkloadSchema.safeParse(yaml.value ?? {})
  if (checked.success) return { ok: true, workload: checked.data }
  const problems = checked.error.issues.map((issue) => {
    const keys = issue.path.filter((key) => typeof key !== 'symbol')
    const { line, column } = yaml.around(keys)
    return `${path}:${line}:${column}: ${keys.join('.') || 'the file'}: ${issue.message}`
  })
  return { ok: false, problems }
}
