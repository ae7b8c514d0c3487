/** Reads a dialect that a user describes in YAML: which spans are written in it, and which key means which field. */
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { didYouMean } from '../border/nearest.js'
import type { PathPart, Problem } from '../border/problem.js'
import { readYaml } from '../border/yaml.js'
import type { YamlResult } from '../border/yaml.js'
import { isObject } from './json-value.js'
import type { JsonObject } from './json-value.js'
import { mapping, unitOf, units } from './mapping.js'
import type { Slot, Unit } from './mapping.js'
import type { OwnDialect, OwnRow } from './rules.js'

export type DialectFile = { ok: true; dialect: OwnDialect } | { ok: false; problems: readonly Problem[] }

const KEYS = ['name', 'scopes', 'keys', 'calls', 'json', 'cacheTokens', 'reasoningTokens', 'ttft', 'fields']

/** Values that a key may have, the usual one first. */
const CHOICES = {
  cacheTokens: ['within', 'beside'],
  reasoningTokens: ['within', 'beside'],
  ttft: ['call', 'attempt'],
} as const

type Say = (path: readonly PathPart[], message: string) => void

export function parseDialect(text: string, file: string): DialectFile {
  const document = readYaml(text, file)
  if (!document.ok) return document
  const problems: Problem[] = []
  const say: Say = (path, message) => problems.push({ file, ...positionOf(document, path), path, message })
  const { value } = document
  if (!isObject(value)) {
    say([], 'a dialect is a mapping with the keys name and fields: see scenarios/dialects/langsmith.yaml')
    return { ok: false, problems }
  }
  for (const key of Object.keys(value)) {
    if (!KEYS.includes(key)) say([key], `is no key of a dialect${didYouMean(key, KEYS)}`)
  }
  const name = value['name']
  if (typeof name !== 'string' || !/^[a-z][a-z0-9-]{0,39}$/.test(name))
    say(['name'], 'must be a name of small letters, digits and hyphens')
  const rows = readFields(value['fields'], say)
  const calls = readCalls(value['calls'], say)
  const choice = (key: keyof typeof CHOICES): boolean => isSecond(value, key, say)
  const dialect: OwnDialect = {
    name: String(name),
    scopes: readTexts(value['scopes'], ['scopes'], say),
    keys: readTexts(value['keys'], ['keys'], say),
    calls,
    containers: readTexts(value['json'], ['json'], say),
    rows: [...rows, ...[...calls.keys()].map((key): OwnRow => ({ slot: 'kind', key, unit: 'text' }))],
    isCacheBeside: choice('cacheTokens'),
    isReasoningBeside: choice('reasoningTokens'),
    isAttemptTtft: choice('ttft'),
  }
  return problems.length === 0 ? { ok: true, dialect } : { ok: false, problems }
}

function positionOf(document: Extract<YamlResult, { ok: true }>, path: readonly PathPart[]) {
  return document.at(path) ?? document.around(path)
}

function isSecond(value: JsonObject, key: keyof typeof CHOICES, say: Say): boolean {
  const [usual, other] = CHOICES[key]
  const told = value[key] ?? usual
  if (told !== usual && told !== other) say([key], `must be ${usual} or ${other}`)
  return told === other
}

function readTexts(value: unknown, path: readonly PathPart[], say: Say): string[] {
  if (value === undefined) return []
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  return list.flatMap((item, index) => {
    if (typeof item === 'string' && item !== '') return [item]
    say(Array.isArray(value) ? [...path, index] : path, 'must be a text')
    return []
  })
}

function readCalls(value: unknown, say: Say): Map<string, ReadonlySet<string>> {
  const calls = new Map<string, ReadonlySet<string>>()
  if (value === undefined) return calls
  if (!isObject(value)) say(['calls'], 'must name keys, each with the values that mean a call of a model')
  else {
    for (const [key, words] of Object.entries(value)) {
      calls.set(key, new Set(readTexts(words, ['calls', key], say)))
    }
  }
  return calls
}

function readFields(value: unknown, say: Say): OwnRow[] {
  if (!isObject(value)) {
    say(['fields'], 'must name the fields of a span, each with the key or keys that it is read from')
    return []
  }
  return Object.entries(value).flatMap(([field, keys]) => {
    if (!isSlot(field)) {
      say(['fields', field], `is no field of a span${didYouMean(field, Object.keys(mapping))}`)
      return []
    }
    const list: readonly unknown[] = Array.isArray(keys) ? keys : [keys]
    return list.flatMap((entry, index) => {
      const path = ['fields', field, ...(Array.isArray(keys) ? [index] : [])]
      const row = readRow(field, entry, path, say)
      return row === undefined ? [] : [row]
    })
  })
}

function readRow(slot: Slot, entry: unknown, path: readonly PathPart[], say: Say): OwnRow | undefined {
  if (typeof entry === 'string' && entry !== '') return { slot, key: entry, unit: unitOf(slot) }
  const key = isObject(entry) ? entry['key'] : undefined
  if (!isObject(entry) || typeof key !== 'string') {
    say(path, 'must be a key, or a mapping with key and unit')
    return undefined
  }
  const unit = entry['unit'] ?? unitOf(slot)
  if (isUnit(unit)) return { slot, key, unit }
  say([...path, 'unit'], `must be one of ${units.join(', ')}`)
  return undefined
}

function isSlot(word: string): word is Slot {
  return Object.hasOwn(mapping, word)
}

function isUnit(word: unknown): word is Unit {
  return units.some((unit) => unit === word)
}

/** The dialect files that come with the package, by path; they need no asking for. */
export async function shippedDialects(): Promise<OwnDialect[]> {
  for (const up of ['../../', '../../../']) {
    const folder = new URL(`${up}scenarios/dialects/`, import.meta.url)
    const names = await readdir(folder).catch(() => undefined)
    if (names === undefined) continue
    return Promise.all(
      names
        .filter((name) => name.endsWith('.yaml'))
        .sort()
        .map(async (name) => {
          const file = new URL(name, folder)
          const parsed = parseDialect(await readFile(file, 'utf8'), fileURLToPath(file))
          if (!parsed.ok) throw new Error(`${name}: ${parsed.problems[0]?.message ?? 'is broken'}`)
          return parsed.dialect
        }),
    )
  }
  return []
}
