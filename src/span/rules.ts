/** The mapping as a reader needs it: from a key, as text or as bytes, to the rules that read its value. */
import { containers, mapping, unitOf } from './mapping.js'
import type { Slot, Unit } from './mapping.js'
import { signatures } from './dialects.js'
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
  find(bytes: Uint8Array, start: number, end: number): KeyRules | undefined
}

/** Rows that a dialect file adds; they win over the built-in ones. */
export interface OwnRow {
  slot: Slot
  key: string
  unit: Unit
}

export interface OwnRules {
  rows: readonly OwnRow[]
  containers: readonly string[]
}

/** No signature. */
export const NO_SIGNATURE = 1_000_000

export function compileRules(own: readonly OwnRules[] = []): Rules {
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
      if (typeof row === 'string') add(slot, row, unitOf(slot), rank)
      else add(slot, row[0], row[1], rank)
    })
  }
  for (const key of [...containers, ...own.flatMap((each) => each.containers)]) entry(key).isContainer = true
  signatures.forEach(([key], index) => (entry(key).signature = index))
  const all = new Map([...byKey].map(([key, value]) => [key, { key, ...value }]))
  return { get: (key) => all.get(key), find: byteFinder([...all.values()]) }
}

/** Open addressing over a hash of length and six bytes; a hit is compared byte by byte. */
function byteFinder(entries: readonly KeyRules[]): Rules['find'] {
  const size = 4096
  const table: ({ bytes: Uint8Array; value: KeyRules } | undefined)[] = Array.from({ length: size })
  for (const value of entries) {
    const bytes = Buffer.from(value.key)
    let at = hash(bytes, 0, bytes.length)
    while (table[at] !== undefined) at = (at + 1) % size
    table[at] = { bytes, value }
  }
  return (bytes, start, end) => {
    const length = end - start
    for (let at = hash(bytes, start, end); ; at = (at + 1) % size) {
      const slot = table[at]
      if (slot === undefined) return undefined
      const own = slot.bytes
      if (own.length !== length) continue
      let i = 0
      while (i < length && own[i] === bytes[start + i]) i++
      if (i === length) return slot.value
    }
  }

  function hash(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start
    let sum = length * 31
    for (let i = 0; i < 6; i++) sum = Math.imul(sum, 33) + (bytes[end - 1 - (((i * length) / 6) | 0)] ?? 0)
    return (sum ^ (sum >>> 13)) & (size - 1)
  }
}
