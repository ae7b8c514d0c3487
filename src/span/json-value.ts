/** Looks at parsed JSON without trusting its shape. */

export type JsonObject = Readonly<Record<string, unknown>>

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The list, or an empty one. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : NOTHING
}
const NOTHING: readonly unknown[] = Object.freeze([])

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
