/** What server and gateways said of themselves, made fit for a file: redacted, and cut to size. */
import type { HeaderFacts, Route, ServerTimings } from '../protocol/protocol.js'
import type { Sample } from './sample.js'
import { mergeRoutes, type Stream } from './stream.js'

const LONGEST_LABEL = 200 // characters of a string that the server chose

type Redact = (text: string) => string

/** Headers speak first, the stream has the last word, field by field. */
export function reported(
  headers: HeaderFacts,
  stream: Stream | undefined,
  redact: Redact,
): Pick<Sample, 'serverTimings' | 'route' | 'limits'> {
  const timings = mergeTimings(headers.timings, stream?.timings)
  const route = mergeRoutes(headers.route, stream?.route ?? {})
  return {
    ...(timings && { serverTimings: { ...timings, raw: labels(timings.raw, redact) } }),
    ...(Object.keys(route).length > 0 && { route: labelled(route, redact) }),
    ...(headers.limits && { limits: headers.limits }),
  }
}

/** A server may echo a key anywhere, so all its strings pass the redactor before they are cut to size. */
export function label(value: string, redact: Redact): string {
  return redact(value).slice(0, LONGEST_LABEL)
}

function labels<T extends string | number>(fields: Readonly<Record<string, T>>, redact: Redact) {
  const clean = (value: T) => (typeof value === 'string' ? label(value, redact) : value)
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [label(name, redact), clean(value)] as const),
  )
}

function labelled({ raw, ...ours }: Route, redact: Redact): Route {
  const named = Object.entries(ours).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  )
  return { ...labels(Object.fromEntries(named), redact), ...(raw && { raw: labels(raw, redact) }) }
}

function mergeTimings(
  ofHeaders: ServerTimings | undefined,
  ofStream: ServerTimings | undefined,
): ServerTimings | undefined {
  if (!ofHeaders || !ofStream) return ofStream ?? ofHeaders
  return { ...ofHeaders, ...ofStream, raw: { ...ofHeaders.raw, ...ofStream.raw } }
}
