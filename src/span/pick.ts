/** Takes values out of a draft, slot by slot, and keeps account of where each came from and of what must be doubted. */
import type { Draft } from './draft.js'
import { slotIndex as at } from './rules.js'
import { readFlag, readNumber, readText } from './scalar.js'
import type { Source } from './sources.js'
import type { Doubt } from './span.js'

export interface Picker {
  draft: Draft
  /** Of the fields that the span gets: the first `cited` stand; the list is used again for the next span. */
  readonly sources: Source[]
  cited: number
  doubts: Doubt[] | undefined
}

/** A source that is no single key. */
export function derivedSource(field: string, text: string): Source {
  return { field, key: `${field}: ${text}`, text }
}

export function doubt(picker: Picker, what: Doubt): void {
  picker.doubts ??= []
  if (!picker.doubts.includes(what)) picker.doubts.push(what)
}

/** Undefined where absent; a value that is no number is a doubt. The source is not noted yet. */
export function peekNumber(picker: Picker, slot: number): number | undefined {
  const rule = picker.draft.chosen[slot]
  const value = picker.draft.values[slot]
  if (rule === undefined || value === undefined) return undefined
  const read = readNumber(value, rule.unit)
  if (read === read && read !== Infinity) return read
  doubt(picker, slot === at.ttftMs ? 'ttft-out-of-range' : 'bad-value')
  return undefined
}

export function peekText({ draft }: Picker, slot: number): string | undefined {
  return textIn(draft, slot)
}

export function textIn(draft: Draft, slot: number): string | undefined {
  const rule = draft.chosen[slot]
  const value = draft.values[slot]
  return rule === undefined || value === undefined ? undefined : readText(value, rule.unit)
}

export function peekFlag(picker: Picker, slot: number): boolean | undefined {
  const value = picker.draft.values[slot]
  return value === undefined ? undefined : readFlag(value)
}

/** Notes where a field of the span comes from. */
export function cite(picker: Picker, source: Source): void {
  picker.sources[picker.cited++] = source
}

/** Notes that the field of this slot is what the slot's key says. */
export function note(picker: Picker, slot: number): void {
  const source = sourceOf(picker, slot)
  if (source !== undefined) cite(picker, source)
}

export function sourceOf(picker: Picker, slot: number): Source | undefined {
  return picker.draft.chosen[slot]?.source
}

export function takeNumber(picker: Picker, slot: number): number | undefined {
  if (picker.draft.chosen[slot] === undefined) return undefined
  const value = peekNumber(picker, slot)
  if (value !== undefined) note(picker, slot)
  return value
}

export function takeText(picker: Picker, slot: number): string | undefined {
  if (picker.draft.chosen[slot] === undefined) return undefined
  const value = peekText(picker, slot)
  if (value !== undefined) note(picker, slot)
  return value
}

const renamed = new Map<string, Source>()

/** The key of one slot as the source of another field. */
export function sourceAs(field: string, text: string): Source {
  const key = `${field}: ${text}`
  let source = renamed.get(key)
  if (source === undefined) {
    source = { field, key, text }
    if (renamed.size < 1000) renamed.set(key, source)
  }
  return source
}
