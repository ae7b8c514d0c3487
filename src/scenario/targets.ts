/** The list `targets`: each entry checked and resolved, each name given once. */
import { z } from 'zod'
import type { Filled } from './checker.js'
import type { ScenarioContext } from './context.js'
import type { Report } from './report.js'
import type { Target } from './scenario.js'
import { entryLists } from './schema.js'
import type { TopLevel } from './schema.js'
import { reportBody, reportHeaders } from './secrets.js'
import { resolveTarget } from './target.js'
import { targetSchema } from './target-schema.js'

export interface ReadTarget {
  /** As far as it can be told. */
  name: string | undefined
  target: Target | undefined
}

export function readTargets(
  { values, check }: Filled,
  top: TopLevel,
  context: ScenarioContext,
  report: Report,
  resolveFile: (name: string) => string,
): ReadTarget[] {
  const { problem } = report
  const schema = schemaFor(context)
  const entries = check(entryLists.targets, values['targets'], ['targets'])
  if (entries === undefined) return [{ name: undefined, target: undefined }]
  const read = entries.map((raw, index): ReadTarget => {
    const path = ['targets', index]
    const { headers, body, name } = partsOf(raw)
    reportHeaders(headers, [...path, 'headers'], problem)
    reportBody(body, [...path, 'body'], problem)
    const entry = check(schema, raw, path)
    if (entry === undefined) return { name, target: undefined }
    const { providers, env } = context
    const { simulate } = entry
    const simulated =
      simulate === undefined ? undefined : context.simulated?.(simulate.profile, simulate.set ?? {})
    if (simulated !== undefined && 'problems' in simulated)
      for (const message of simulated.problems) problem([...path, 'simulate'], `is wrong: ${message}`)
    const target = resolveTarget(entry, path, {
      providers,
      env,
      simulatedCache: simulated !== undefined && 'cache' in simulated ? simulated.cache : {},
      deadlines: top.deadlines,
      resolveFile,
      ...report,
    })
    return { name: target?.name ?? name, target }
  })
  for (const [index, { name }] of read.entries()) {
    const first = read.findIndex((other) => other.name === name)
    if (name === undefined || first === index) continue
    problem(
      ['targets', index, 'name'],
      `'${name}' is the name of targets[${first}] too: give each target a name of its own`,
    )
  }
  return read
}

const schemas = new WeakMap<ScenarioContext, ReturnType<typeof targetSchema>>()

/** Built once a context: zod compiles a schema at its first use. */
function schemaFor(context: ScenarioContext): ReturnType<typeof targetSchema> {
  const { providers, protocols, profiles = null } = context
  const schema =
    schemas.get(context) ?? targetSchema({ providers: Object.keys(providers), protocols, profiles })
  schemas.set(context, schema)
  return schema
}

const Parts = z.object({
  name: z.string().optional().catch(undefined),
  headers: z.record(z.string(), z.unknown()).catch({}),
  body: z.record(z.string(), z.unknown()).catch({}),
})

/** Headers, body and name of an entry whatever the rest of it is like. */
function partsOf(raw: unknown): z.output<typeof Parts> {
  const parts = Parts.safeParse(raw)
  return parts.success ? parts.data : { name: undefined, headers: {}, body: {} }
}
