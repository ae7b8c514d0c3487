/** The mapping as a reader needs it: from a key, as text or as bytes, to the rules that read its value. */
import { createByteTable } from './byte-table.js'
import type { ByteTable } from './byte-table.js'
import { containers, mapping, unitOf } from './mapping.js'
import type { Slot, Unit } from './mapping.js'
import { dialectOfScope, signatures } from './dialects.js'
import type { Source } from './sources.js'

export const slots = Object.keys(mapping) as Slot[] // eslint-disable-line typescript/no-unsafe-type-assertion -- a literal table's own keys

/** Where a slot's value lies in a draft. */
export const slotIndex = Object.fromEntries(slots.map((slot, index) => [slot, index])) as Record<Slot, number> // eslint-disable-line typescript/no-unsafe-type-assertion -- all slots, by the line above

export interface Rule {
  slot: number
  /** The lower the better; a draft keeps the best value of each slot. */
  rank: number
  unit: Unit
  source: Source
}

export interface KeyRules {
  key: string
  rules: readonly Rule[]
  /** Its value is JSON whose members are attributes. */
  isContainer: boolean
  /** The dialect that this key gives away, by its place in the order of detection. */
  signature: number
}

export interface Rules {
  get(key: string): KeyRules | undefined
  /** As `get`, of a key that stands in bytes as UTF-8; no string is made. */
  find: ByteTable<KeyRules>
  /** The dialect that a scope's name tells. */
  dialectOfScope(scope: string): string | undefined
  /** The dialect of a signature. */
  dialectOfSignature(signature: number): string | undefined
  /** A dialect file's own, by its name. */
  own: ReadonlyMap<string, OwnDialect>
  /** Of the keys that dialect files name: the values that mean a call. */
  calls: ReadonlyMap<string, ReadonlySet<string>>
}

export interface OwnRow {
  slot: Slot
  key: string
  unit: Unit
}

/** What a dialect file says; it wins over what is built in. */
export interface OwnDialect {
  name: string
  scopes: readonly string[]
  keys: readonly string[]
  /** By key the values that mean a call of a model; every other value means none. */
  calls: ReadonlyMap<string, ReadonlySet<string>>
  containers: readonly string[]
  rows: readonly OwnRow[]
  /** Cached tokens are counted beside the input, not within; reasoning beside the output. */
  isCacheBeside: boolean
  isReasoningBeside: boolean
  /** TTFT is that of the attempt that answered, not of the whole call. */
  isAttemptTtft: boolean
}

/** Names of scopes that are kept with what they tell. */
const MAX_SCOPES = 1000

/** No signature. */
export const NO_SIGNATURE = 1_000_000

const HEADER = /^http\.(?:request|response)\.header\./

let builtIn: Rules | undefined

/** The built-in rules are compiled once: they never change. */
export function compileRules(own: readonly OwnDialect[] = []): Rules {
  return own.length === 0 ? (builtIn ??= compile([])) : compile(own)
}

function compile(own: readonly OwnDialect[]): Rules {
  const byKey = new Map<string, { rules: Rule[]; isContainer: boolean; signature: number }>()
  const entry = (key: string) => {
    const known = byKey.get(key)
    if (known !== undefined) return known
    const fresh = { rules: [], isContainer: false, signature: NO_SIGNATURE }
    byKey.set(key, fresh)
    return fresh
  }
  let id = 0
  const add = (slot: Slot, key: string, unit: Unit, rank: number): void => {
    const { rules } = entry(key)
    if (!rules.some((rule) => rule.slot === slotIndex[slot]))
      rules.push({ slot: slotIndex[slot], rank, unit, source: { field: slot, key: id++, text: key } })
  }
  const ownRows = own.flatMap(({ rows }) => rows)
  ownRows.forEach(({ slot, key, unit }, index) => add(slot, key, unit, index - ownRows.length))
  for (const slot of slots) {
    mapping[slot].forEach((row, rank) => {
      const [key, unit] = typeof row === 'string' ? [row, unitOf(slot)] : row
      add(slot, key, unit, rank)
      // Python's HTTP instrumentations write header names with underscores.
      if (HEADER.test(key)) add(slot, key.replaceAll('-', '_'), unit, rank)
    })
  }
  for (const key of [...containers, ...own.flatMap((each) => each.containers)]) entry(key).isContainer = true
  const signed = [...own.flatMap(({ keys, name }) => keys.map((key) => [key, name] as const)), ...signatures]
  signed.forEach(([key], index) => (entry(key).signature = Math.min(entry(key).signature, index)))
  const all = new Map([...byKey].map(([key, value]) => [key, { key, ...value }]))
  const scopeDialects = new Map<string, string | undefined>()
  const ownScopes = own.flatMap(({ scopes, name }) => scopes.map((prefix) => [prefix, name] as const))
  return {
    get: (key) => all.get(key),
    find: createByteTable([...all]),
    dialectOfScope(scope) {
      if (scopeDialects.has(scope)) return scopeDialects.get(scope)
      const dialect = ownScopes.find(([prefix]) => scope.startsWith(prefix))?.[1] ?? dialectOfScope(scope)
      if (scopeDialects.size < MAX_SCOPES) scopeDialects.set(scope, dialect)
      return dialect
    },
    dialectOfSignature: (signature) => signed[signature]?.[1],
    own: new Map(own.map((dialect) => [dialect.name, dialect])),
    calls: new Map(own.flatMap(({ calls }) => [...calls])),
  }
}
