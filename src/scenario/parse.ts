/** A scenario file read and checked: all that is wrong with it at once, each with file, line, column and remedy. */
import { basename, dirname, isAbsolute, join } from 'node:path'
import { z } from 'zod'
import type { Problem } from '../border/problem.js'
import { readYaml } from '../border/yaml.js'
import { fillIn } from './checker.js'
import type { Filled } from './checker.js'
import type { ScenarioContext } from './context.js'
import { checkProbe } from './probe-use.js'
import { createReport } from './report.js'
import type { Report } from './report.js'
import { checkBudget, checkExpectations, checkNames, checkSchedule, readGate, readLoad } from './rules.js'
import type { ProbeUse, Scenario } from './scenario.js'
import { entryLists, topLevel } from './schema.js'
import type { TopLevel } from './schema.js'
import { reportSecrets, secretLines } from './secrets.js'
import { readTargets } from './targets.js'
import type { ReadTarget } from './targets.js'

export type ParsedScenario =
  { ok: true; scenario: Scenario; warnings: readonly Problem[] } | { ok: false; problems: readonly Problem[] }

/** `file`: as the user named it; null for a text of our own making. */
export function parseScenario(text: string, file: string | null, context: ScenarioContext): ParsedScenario {
  const shownFile = file ?? 'scenario'
  const read = readYaml(text, shownFile)
  const document = read.ok ? read : read.rest
  if (document === undefined) return { ok: false, problems: read.ok ? [] : read.problems }
  const report = createReport(shownFile, document, read.ok ? [] : read.problems)
  const { value } = document
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    report.problem(
      [],
      'a scenario is a mapping with the keys targets and probes: see scenarios/quickstart.yaml',
    )
    return { ok: false, problems: report.problems() }
  }
  reportSecrets(value, report.problem)
  for (const { line, kind } of secretLines(text)) {
    report.lineProblem(
      line,
      `this line seems to hold ${kind}: take it out, a scenario is committed and shown`,
    )
  }
  const scenario = build(fillIn(value, context.env, report), text, file, context, report)
  const problems = report.problems()
  if (scenario === undefined || problems.length > 0) return { ok: false, problems }
  return { ok: true, scenario, warnings: report.warnings() }
}

/**
 * Checks go on after a problem, so that one run of the check shows all of them; a part that failed is then left out
 * of the checks that would need it. Undefined where problems were reported.
 */
function build(
  filled: Filled,
  text: string,
  file: string | null,
  context: ScenarioContext,
  report: Report,
): Scenario | undefined {
  const { problem } = report
  const top = checkTop(filled)
  const resolveFile = (name: string): string =>
    isAbsolute(name) || file === null ? name : join(dirname(file), name)
  const targets = readTargets(filled, top, context, report, resolveFile)
  const resolved = targets.flatMap(({ target }) => target ?? [])
  const names = targets.some(({ name }) => name === undefined)
    ? null
    : new Set(targets.flatMap(({ name }) => name ?? []))
  const chosen = (
    list: readonly string[] | undefined,
    path: readonly (string | number)[],
  ): readonly string[] => {
    if (list === undefined) return resolved.map(({ name }) => name)
    return names === null ? list : checkNames(list, names, path, problem)
  }
  const probes = readProbes(filled, top, context, file, report, chosen)
  const prompts = top.prompts && {
    file: resolveFile(top.prompts.file),
    blocks: top.prompts.blocks ?? top.repeats ?? 1,
    outputTokens: top.prompts.outputTokens,
    targets: chosen(top.prompts.targets, ['prompts', 'targets']),
  }
  const loaded = readLoad(top.load, report)
  const load =
    loaded.kind === 'open' && loaded.trace !== undefined
      ? { ...loaded, trace: { ...loaded.trace, file: resolveFile(loaded.trace.file) } }
      : loaded
  const gate = readGate(top.gate)
  const probeNames = probes.some((use) => use === undefined)
    ? null
    : new Set(probes.flatMap((use) => use?.probe.name ?? []))
  const expectations = filled.values['expectations']
  if (Array.isArray(expectations))
    checkExpectations(expectations, names, prompts === undefined ? probeNames : null, problem)
  checkSchedule(top.schedule, problem)
  checkBudget(
    top.budget?.cost,
    targets.map(({ target }) => target),
    problem,
  )
  const name = top.name ?? nameOfFile(file)
  if (name === undefined)
    problem(
      ['name'],
      'is missing, and the name of the file cannot stand in for it: letters, digits and dashes',
    )
  warnOfUnused(targets, [...probes.flatMap((use) => use?.targets ?? []), ...(prompts?.targets ?? [])], report)
  if (name === undefined || report.problems().length > 0) return undefined
  return {
    name,
    file,
    text,
    description: top.description ?? null,
    targets: resolved,
    probes: probes.flatMap((use) => use ?? []),
    prompts: prompts ?? null,
    load,
    order: top.order,
    ...(typeof top.workers === 'number' && { workers: top.workers }),
    warmupRequests: top.warmup.requests,
    budget: {
      requests: top.budget?.requests ?? null,
      tokens: top.budget?.tokens ?? null,
      cost: top.budget?.cost ?? null,
    },
    attempts: top.retries.attempts,
    maxRetryAfterS: top.retries.maxRetryAfterS,
    errorLimit: top.errorLimit,
    expectations: top.expectations.map((expectation, index) => ({
      text: expectation,
      line: report.lineOf(['expectations', index]),
    })),
    ...gate,
    schedule:
      top.schedule === undefined
        ? null
        : {
            cron: top.schedule.cron,
            timezone: top.schedule.timezone ?? null,
            jitterS: top.schedule.jitterS ?? 0,
          },
    output: { dir: top.output.dir, samples: top.output.samples ?? null, keep: top.output.keep },
    seed: top.seed ?? null,
  }
}

const topSchema = z.strictObject({
  ...topLevel,
  targets: z.unknown().optional(),
  probes: z.unknown().optional(),
})

/** The top level; what is wrong in it has been reported and is left out, where nothing can be left out the whole key. */
function checkTop({ values, check }: Filled): TopLevel {
  const checked = check(topSchema, values, [])
  if (checked !== undefined) return checked
  const good = Object.entries(topLevel).flatMap(([key, schema]): [string, unknown][] => {
    const first = schema.safeParse(values[key])
    if (first.success) return [[key, values[key]]]
    const paths = first.error.issues.flatMap((issue) =>
      issue.code === 'unrecognized_keys' ? issue.keys.map((name) => [...issue.path, name]) : [issue.path],
    )
    const rest = paths.reduce<unknown>(without, values[key])
    return schema.safeParse(rest).success ? [[key, rest]] : []
  })
  return topSchema.parse(Object.fromEntries(good))
}

/** The value less what lies at a path; a list loses all of its entries with one. */
function without(value: unknown, [first, ...rest]: readonly PropertyKey[]): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || first === undefined)
    return undefined
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, key === first ? without(item, rest) : item]),
  )
}

function readProbes(
  { values, check }: Filled,
  top: TopLevel,
  context: ScenarioContext,
  file: string | null,
  { problem }: Report,
  chosen: (list: readonly string[] | undefined, path: readonly (string | number)[]) => readonly string[],
): (ProbeUse | undefined)[] {
  const { probes, userProbes, probeProblems = {} } = context
  const entries = check(entryLists.probes, values['probes'] ?? [], ['probes'])
  if (entries?.length === 0 && values['prompts'] === undefined) {
    problem(
      ['probes'],
      `is missing: a list such as [{ probe: prompt-length }] (there are ${Object.keys(probes).join(', ')})`,
    )
  }
  const probeContext = { probes, userProbes, probeProblems, file, repeats: top.repeats, check, problem }
  return (entries ?? []).map((raw, index): ProbeUse | undefined => {
    const path = ['probes', index]
    const checked = checkProbe(raw, path, probeContext)
    return checked && { ...checked, targets: chosen(checked.targets, [...path, 'targets']) }
  })
}

function nameOfFile(file: string | null): string | undefined {
  const name = file === null ? 'probe' : basename(file).replace(/\.ya?ml$/i, '')
  const checked = topLevel.name.safeParse(name)
  return checked.success ? checked.data : undefined
}

function warnOfUnused(targets: readonly ReadTarget[], used: readonly string[], { warning }: Report): void {
  for (const [index, { target }] of targets.entries()) {
    if (target !== undefined && !used.includes(target.name)) {
      warning(['targets', index], `is used by no probe: '${target.name}' will not be measured`)
    }
  }
}
