/** From a scenario file to a checked scenario: the tables of the house, the environment and the user's probe files. */
import { readFile, realpath } from 'node:fs/promises'
import { dirname, isAbsolute, relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Problem } from '../border/problem.js'
import { problemText } from '../border/problem.js'
import { systemReason } from '../border/system-error.js'
import type { Environment } from '../credentials/api-key.js'
import type { Probe } from '../plan/probe.js'
import type { ScenarioContext } from '../scenario/context.js'
import { parseScenario } from '../scenario/parse.js'
import { probeFilesOf } from '../scenario/probe-use.js'
import type { Scenario } from '../scenario/scenario.js'
import { PROFILE_NAMES, resolveProfile } from '../simulate/profiles.js'
import { probes, protocolNames, providers } from './tables.js'

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
    return { ok: false, problems: [`${file}: cannot be read: ${systemReason(error)}`] }
  }
  const files = probeFilesOf(text, file)
  if (files.length > 0 && !options.allowCode) {
    return { ok: false, problems: files.map((each) => `${each}: a probe file is code, and --no-code is set`) }
  }
  const userProbes: Record<string, Probe> = {}
  const probeProblems: Record<string, string> = {}
  for (const each of files) {
    const loaded = await loadProbe(each, file)
    if (loaded.ok) userProbes[each] = loaded.probe
    else probeProblems[each] = loaded.problem
  }
  return readScenario(text, file, { ...scenarioContext(options.env), userProbes, probeProblems })
}

/** The same for a text of our own making, as `plumbline probe` builds it. */
function readScenario(text: string, file: string | null, context: ScenarioContext): Loaded {
  const parsed = parseScenario(text, file, context)
  const texts = (problems: readonly Problem[]): string[] => problems.map(problemText)
  if (!parsed.ok) return { ok: false, problems: texts(parsed.problems) }
  return { ok: true, scenario: parsed.scenario, warnings: texts(parsed.warnings) }
}

export function scenarioContext(env: Environment): ScenarioContext {
  return {
    probes,
    providers,
    protocols: protocolNames,
    profiles: PROFILE_NAMES,
    simulated(profile, set) {
      const resolved = resolveProfile(profile, set)
      if (!resolved.ok) return { problems: resolved.problems }
      const { blockTokens, cacheStepTokens, cacheMinTokens } = resolved.profile.constants
      const stepTokens = Math.max(blockTokens, cacheStepTokens)
      return { cache: { minimumTokens: Math.max(stepTokens, cacheMinTokens), stepTokens } }
    },
    env,
    userProbes: {},
  }
}

const laws: readonly unknown[] = ['prefill', 'decode', 'contention', 'cache', null]

/** Why a value is no probe, or null; what its functions answer is checked when they are called. */
function faultOf(value: unknown): string | null {
  if (typeof value !== 'object' || value === null)
    return 'its default export is no probe: an object is needed'
  const has = (key: string): unknown =>
    key in value ? Object.entries(value).find(([name]) => name === key)?.[1] : undefined
  if (typeof has('name') !== 'string' || has('name') === '') return 'its probe has no name'
  if (!laws.includes(has('feeds'))) return 'its probe must feed prefill, decode, contention or cache, or null'
  if (typeof has('settings') !== 'function') return 'its probe needs settings: (z) => z.object({ … })'
  if (typeof has('defaults') !== 'object') return 'its probe needs defaults for its settings, {} for none'
  const plans = typeof has('plan') === 'function' || typeof has('next') === 'function'
  return plans ? null : 'its probe needs plan(settings, random) or next(settings, seen, random)'
}

const isProbe = (value: unknown): value is Probe => faultOf(value) === null

async function loadProbe(
  file: string,
  scenario: string,
): Promise<{ ok: true; probe: Probe } | { ok: false; problem: string }> {
  try {
    // A probe is code: a link must not lead out of the scenario's own folder.
    const inside = relative(await realpath(dirname(scenario)), await realpath(file))
    if (inside.startsWith('..') || isAbsolute(inside)) {
      return { ok: false, problem: "it is a link that leads out of the scenario's folder" }
    }
    const loaded: { default?: unknown } = await import(pathToFileURL(resolve(file)).href)
    const probe = loaded.default
    return isProbe(probe) ? { ok: true, probe } : { ok: false, problem: faultOf(probe) ?? 'it is no probe' }
  } catch (error) {
    return { ok: false, problem: error instanceof Error ? error.message : 'it cannot be loaded' }
  }
}
