/** What the decoders of JSON events share: reading the object, and saying only what is there. */
import { isFields, text, type Fields } from './fields.js'
import type { Frame, OutputChannel, ReportedUsage, Route, ServerTimings, StreamEvent } from './protocol.js'

const MOST_RAW_FIELDS = 32 // an event may be 1 MiB of made-up fields

/** The JSON object in a frame, or what to say of a frame without one. */
export function readObject({ name, data }: Frame): { object: Fields } | { events: StreamEvent[] } {
  let parsed: unknown
  try {
    parsed = JSON.parse(data)
  } catch {
    if (name === 'error') return { events: [{ kind: 'error', message: data }] }
    return { events: [{ kind: 'malformed', detail: 'the event is not JSON' }] }
  }
  if (isFields(parsed)) return { object: parsed }
  return { events: [{ kind: 'malformed', detail: 'the event is not a JSON object' }] }
}

export function pushOutput(channel: OutputChannel, generated: unknown, events: StreamEvent[]): void {
  const said = text(generated)
  if (said !== undefined) events.push({ kind: 'output', channel, text: said })
}

export function pushUsage(usage: ReportedUsage, events: StreamEvent[]): void {
  const reported = present(usage)
  if (Object.keys(reported).length > 0) events.push({ kind: 'usage', usage: reported })
}

export function pushRoute(route: Route, events: StreamEvent[]): void {
  const known = present(route)
  if (Object.keys(known).length > 0) events.push({ kind: 'route', route: known })
}

/** Numbers of `fields` stay under their own names; without any there is nothing to say. */
export function pushTimings(mapped: Omit<ServerTimings, 'raw'>, fields: Fields, events: StreamEvent[]): void {
  const raw: Record<string, number> = {}
  for (const [name, value] of Object.entries(fields).slice(0, MOST_RAW_FIELDS)) {
    if (typeof value === 'number' && Number.isFinite(value)) raw[name] = value
  }
  if (Object.keys(raw).length === 0) return
  events.push({ kind: 'timings', timings: { ...present(mapped), raw } })
}

/** `error: {…}` or `error: '…'` inside an event, or an event that is an error as a whole. */
export function readStreamError({ name, data }: Frame, object: Fields, events: StreamEvent[]): void {
  const inside = object.error
  if (isFields(inside)) {
    const type = text(inside.type) ?? text(inside.code) ?? text(inside.status)
    const message = text(inside.message) ?? JSON.stringify(inside)
    events.push({ kind: 'error', message, ...(type && { type }) })
  } else if (text(inside) !== undefined) {
    events.push({ kind: 'error', message: String(inside) })
  } else if (name === 'error' || object.type === 'error' || object.object === 'error') {
    const type = text(object.code) ?? (object.type === 'error' ? undefined : text(object.type))
    events.push({ kind: 'error', message: text(object.message) ?? data, ...(type && { type }) })
  }
}

/** The same without what is undefined. */
function present<T extends object>(fields: T): Partial<T> {
  const kept: Partial<T> = {}
  for (const key in fields) if (fields[key] !== undefined) kept[key] = fields[key]
  return kept
}
