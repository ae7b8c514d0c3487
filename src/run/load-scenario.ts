/** From a scenario file to a checked scenario: the tables of the house, the environment and the user's probe files. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import type { Problem } from '../border/problem.js'
import { problemText } from '../border/problem.js'
import type { Environment } from '../credentials/api-key.js'
import type { Probe } from '../plan/probe.js'
import type { ProtocolName } from '../protocol/protocol.js'
import type { ScenarioContext } from '../scenario/context.js'
import { parseScenario } from '../scenario/parse.js'
import { probeFilesOf } from '../scenario/probe-use.js'
import type { Scenario } from '../scenario/scenario.js'
import { PROFILE_NAMES, resolveProfile } from '../simulate/profiles.js'
import { probes, protocols, providers } from './tables.js'

export interface LoadOptions {
  env: Environment
  /** Probe files are code; false refuses them. */
  allowCode: boolean
}

export type Loaded = { ok: true; scenario: Scenario; warnings: string[] } | { ok: false; problems: string[] }

/** `file` as the user wrote it, taken from the working directory. Each problem is one sentence with its place. */
export async function loadScenario(file: string, options: LoadOptions): Promise<Loaded> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
    const why = code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : code
    return { ok: false, problems: [`${file}: cannot be read: ${why}`] }
  }
  const files = probeFilesOf(text, file)
  if (files.length > 0 && !options.allowCode) {
    return { ok: false, problems: files.map((each) => `${each}: a probe file is code, and --no-code is set`) }
  }
  const userProbes: Record<string, Probe> = {}
  const probeProblems: Record<string, string> = {}
  for (const each of files) {
    const loaded = await loadProbe(each)
    if (loaded.ok) userProbes[each] = loaded.probe
    else probeProblems[each] = loaded.problem
  }
  return readScenario(text, file, { ...scenarioContext(options.env), userProbes, probeProblems })
}

/** The same for a text of our own making, as `plumbline probe` builds it. */
export function readScenario(text: string, file: string | null, context: ScenarioContext): Loaded {
  const parsed = parseScenario(text, file, context)
  const texts = (problems: readonly Problem[]): string[] => problems.map(problemText)
  if (!parsed.ok) return { ok: false, problems: texts(parsed.problems) }
  return { ok: true, scenario: parsed.scenario, warnings: texts(parsed.warnings) }
}

export function scenarioContext(env: Environment): ScenarioContext {
  return {
    probes,
    providers,
    protocols: Object.keys(protocols) as ProtocolName[],
    profiles: PROFILE_NAMES,
    checkSimulate(profile, set) {
      const resolved = resolveProfile(profile, set)
      return resolved.ok ? [] : resolved.problems
    },
    env,
    userProbes: {},
  }
}

const isFunction = (value: unknown): boolean => typeof value === 'function'
const ProbeShape = z
  .looseObject({
    name: z.string().min(1),
    feeds: z.enum(['prefill', 'decode', 'contention', 'cache']).nullable(),
    settings: z.custom<Probe['settings']>(isFunction, 'settings must be a function of zod'),
    defaults: z.record(z.string(), z.unknown()),
    plan: z.unknown().optional(),
    next: z.unknown().optional(),
  })
  .refine(
    (probe) => isFunction(probe.plan) || isFunction(probe.next),
    'it needs plan(settings, random) or next(settings, seen, random)',
  )

async function loadProbe(file: string): Promise<{ ok: true; probe: Probe } | { ok: false; problem: string }> {
  let module: Record<string, unknown>
  try {
    module = (await import(pathToFileURL(resolve(file)).href)) as Record<string, unknown>
  } catch (error) {
    return { ok: false, problem: error instanceof Error ? error.message : String(error) }
  }
  const found = module['default'] ?? module['probe']
  const checked = ProbeShape.safeParse(found)
  if (!checked.success) {
    const reason = checked.error.issues[0]
    return {
      ok: false,
      problem: `its default export is no probe: ${reason?.path.join('.') ?? ''} ${reason?.message ?? ''}`,
    }
  }
  return { ok: true, probe: found as Probe }
}
