/** One span in an envelope of OTLP/JSON. */
import { otlpRequest } from '../../src/span/otlp-envelope.js'
import type { OtlpAttributes, OtlpSpan } from '../../src/span/otlp-envelope.js'
import { readValue } from './read.js'
import type { Read } from './read.js'
import type { IntakeOptions } from '../../src/span/intake.js'

export const START_MS = 1_790_000_000_000

export interface Shape extends Partial<Omit<OtlpSpan, 'attributes'>> {
  scope?: string
  service?: string
  resource?: OtlpAttributes
}

/** 2 s long where nothing else is said. */
export function rawSpan(attributes: OtlpAttributes, shape: Shape = {}): OtlpSpan {
  const { startMs = START_MS, name = 'chat gpt-x', kind = 'client' } = shape
  return {
    traceId: '5b8efff798038103d269b633813fc60c',
    spanId: 'eee19b7ec3c1b174',
    name,
    kind,
    startMs,
    endMs: startMs + 2000,
    ...shape,
    attributes,
  }
}

export function requestOf(spans: readonly (readonly [OtlpAttributes, Shape])[]): object {
  return otlpRequest(
    spans.map(([attributes, shape]) => ({
      resource: { 'service.name': shape.service ?? 'shop', ...shape.resource },
      scope: { name: shape.scope ?? '' },
      spans: [rawSpan(attributes, shape)],
    })),
  )
}

export function readOne(attributes: OtlpAttributes, shape: Shape = {}, options: IntakeOptions = {}): Read {
  return readValue(requestOf([[attributes, shape]]), options)
}

/** The only span that came out. */
export function spanOf(attributes: OtlpAttributes, shape: Shape = {}, options: IntakeOptions = {}) {
  const { spans, counts } = readOne(attributes, shape, options)
  const [span] = spans
  if (span === undefined || spans.length !== 1)
    throw new Error(`${spans.length} spans: ${JSON.stringify(counts)}`)
  return span
}
