/** From an entry under `probes` to a probe with its settings checked; the paths of the user's own probe files. */
import { dirname, isAbsolute, join, normalize, relative } from 'node:path'
import { z } from 'zod'
import { didYouMean, nearest } from '../border/nearest.js'
import { readYaml } from '../border/yaml.js'
import type { PathPart } from '../border/problem.js'
import type { Law, Probe } from '../plan/probe.js'
import type { Check } from './checker.js'
import type { Precision } from '../plan/precision.js'
import type { Complain } from './report.js'
import { probeEntry } from './schema.js'

export interface ProbeContext {
  /** Built-in ones, by name. */
  probes: Readonly<Record<string, Probe>>
  /** The user's, by the path that `probeFilesOf` gave. */
  userProbes: Readonly<Record<string, Probe>>
  /** Why a path of the user's was not loaded. */
  probeProblems: Readonly<Record<string, string>>
  /** Path of the scenario; null where the text came from no file. */
  file: string | null
  /** Stands in for `blocks` where the entry has none. */
  repeats: number | undefined
  check: Check
  problem: Complain
}

export interface CheckedProbe {
  probe: Probe
  settings: unknown
  /** As written, or undefined for all. */
  targets: readonly string[] | undefined
  file: string | null
  precision: Precision | null
}

/** The settings that a probe is used with: its defaults, `repeats`, then what the entry says. */
export function checkProbe(
  raw: unknown,
  path: readonly PathPart[],
  context: ProbeContext,
): CheckedProbe | undefined {
  if (typeof raw === 'string') {
    const meant = nearest(raw, Object.keys(context.probes)) ?? 'prompt-length'
    context.problem(path, `must be a mapping (write { probe: ${meant} })`)
    return undefined
  }
  const entry = context.check(probeEntry, raw, path)
  // What is wrong with the keys of every probe hides nothing of the settings.
  const { probe: name, targets: _targets, precision, ...own } = entry ?? partsOf(raw)
  if (name === undefined) return undefined
  const found = findProbe(name, [...path, 'probe'], context)
  if (found === undefined) return undefined
  let schema: z.ZodType
  try {
    schema = strictSettings(found.probe)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    context.problem([...path, 'probe'], `cannot be used: its settings() failed (${why.slice(0, 200)})`)
    return undefined
  }
  const { defaults } = found.probe
  const known = typeof defaults === 'object' && defaults !== null ? defaults : {}
  const repeats = context.repeats !== undefined && 'blocks' in known ? { blocks: context.repeats } : {}
  const settings = context.check(schema, { ...known, ...repeats, ...own }, path)
  if (precision !== undefined && (found.probe.feeds === null || !('plan' in found.probe))) {
    context.problem(
      [...path, 'precision'],
      `cannot be asked of ${found.probe.name}, which makes no curve by a plan`,
    )
    return undefined
  }
  if (typeof precision === 'object' && precision !== null && found.probe.feeds !== null)
    checkParameters(Object.keys(precision), found.probe.feeds, [...path, 'precision'], context.problem)
  if (entry === undefined || settings === undefined) return undefined
  return { ...found, settings, targets: entry.targets, precision: entry.precision ?? null }
}

const Parts = z.looseObject({
  probe: z.string().optional().catch(undefined),
  targets: z.unknown().optional(),
  precision: z.unknown().optional(),
})

/** An entry as it stands, whatever the keys are like that every probe has. */
function partsOf(raw: unknown): z.output<typeof Parts> {
  const parts = Parts.safeParse(raw)
  return parts.success ? parts.data : {}
}

/** What a law's fit knows and a precision may ask for. */
const parametersOf: Readonly<Record<Law, readonly string[]>> = {
  prefill: ['base', 'fresh', 'hit', 'curve'],
  decode: ['step', 'perContext'],
  contention: ['ttftPerPeer', 'tpotPerPeer'],
  cache: ['minimum', 'step'],
}

function checkParameters(
  names: readonly string[],
  law: Law,
  path: readonly PathPart[],
  problem: Complain,
): void {
  const known = parametersOf[law]
  for (const name of names) {
    if (known.includes(name)) continue
    const meant = didYouMean(name, known)
    problem(
      [...path, name],
      `is no parameter of the ${law} curve${meant === '' ? `: there are ${known.join(', ')}` : meant}`,
      'key',
    )
  }
}

const schemas = new WeakMap<Probe, z.ZodType>()

/** A probe's settings as a schema that refuses keys it does not know; built once a probe. */
export function strictSettings(probe: Probe): z.ZodType {
  const known = schemas.get(probe)
  if (known !== undefined) return known
  const schema = probe.settings(z)
  const strict = schema instanceof z.ZodObject ? schema.strict() : schema
  schemas.set(probe, strict)
  return strict
}

function findProbe(
  name: string,
  path: readonly PathPart[],
  context: ProbeContext,
): { probe: Probe; file: string | null } | undefined {
  if (!isProbeFile(name)) {
    const probe = Object.hasOwn(context.probes, name) ? context.probes[name] : undefined
    if (probe !== undefined) return { probe, file: null }
    const known = Object.keys(context.probes)
    const meant = didYouMean(name, known)
    context.problem(
      path,
      `names no probe${meant === '' ? `: there are ${known.join(', ')}, or a file such as ./my-probe.mjs` : meant}`,
    )
    return undefined
  }
  const file = probeFile(name, context.file)
  if (file === undefined) {
    context.problem(
      path,
      "must be a file in the scenario's own folder, such as ./my-probe.mjs: a probe is code that will be run",
    )
    return undefined
  }
  const probe = Object.hasOwn(context.userProbes, file) ? context.userProbes[file] : undefined
  if (probe !== undefined) return { probe, file }
  const why = Object.hasOwn(context.probeProblems, file) ? context.probeProblems[file] : undefined
  context.problem(path, `was not loaded: ${why ?? 'probe files are switched off (--no-code)'}`)
  return undefined
}

/** Whether the text names a file rather than a built-in probe. */
function isProbeFile(name: string): boolean {
  return /[\\/]|\.[cm]?[jt]s$/.test(name)
}

/** The file as seen from the working directory; undefined outside the scenario's folder or without code's ending. */
function probeFile(name: string, scenario: string | null): string | undefined {
  if (
    scenario === null ||
    isAbsolute(name) ||
    name.includes('\\') ||
    name.includes('\0') ||
    name.includes('${')
  )
    return undefined
  if (!/\.m?[jt]s$/.test(name)) return undefined
  const folder = dirname(scenario)
  const file = normalize(join(folder, name))
  const inside = relative(folder, file)
  return inside.startsWith('..') || isAbsolute(inside) ? undefined : file
}

/**
 * Probe files that a scenario names, as seen from the working directory, for the caller to load. Paths outside the
 * scenario's folder are not among them; `parseScenario` refuses those. Symbolic links are the caller's to resolve.
 */
export function probeFilesOf(text: string, file: string): readonly string[] {
  const read = readYaml(text, file)
  const document = read.ok ? read : read.rest
  const parsed = z.object({ probes: z.array(z.unknown()) }).safeParse(document?.value)
  if (!parsed.success) return []
  const files = parsed.data.probes.flatMap((raw) => {
    const { probe = '' } = partsOf(raw)
    const found = isProbeFile(probe) ? probeFile(probe, file) : undefined
    return found === undefined ? [] : [found]
  })
  return [...new Set(files)]
}
