/** Reading fields of JSON that somebody else wrote: a value of the wrong kind reads as absent, never as a default. */

export type Fields = Readonly<Record<string, unknown>>

// No context window or answer comes near; a larger figure is a lie that would poison costs and means.
const LARGEST_COUNT = 1e9

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A string with something in it, or undefined. */
export function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** A whole number from 0 to 1e9, or undefined. */
export function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= LARGEST_COUNT
    ? value
    : undefined
}

/** A finite number ≥ 0, or undefined. */
export function amount(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined
}
