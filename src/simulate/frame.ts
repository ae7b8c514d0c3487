/** From events to the bytes of a stream: server-sent events, lines of JSON, or one JSON array. */
import type { Framing, WireEvent } from './face.js'

export interface Framer {
  event(event: WireEvent): string
  /** An SSE comment; nothing where the framing has none. */
  comment(text: string): string
  /** What ends the body. */
  end(): string
}

export function createFramer(framing: Framing, newline: string): Framer {
  let isFirst = true
  switch (framing) {
    case 'sse':
      return {
        event: ({ name, data }) =>
          `${name === undefined ? '' : `event: ${name}${newline}`}data: ${data}${newline}${newline}`,
        comment: (text) => `: ${text}${newline}${newline}`,
        end: () => '',
      }
    case 'ndjson':
      return { event: ({ data }) => data + newline, comment: () => '', end: () => '' }
    case 'json-array':
      return {
        event({ data }) {
          const before = isFirst ? '[' : `,${newline}`
          isFirst = false
          return before + data
        },
        comment: () => '',
        end: () => (isFirst ? '[]' : `${newline}]`),
      }
    default:
      return framing satisfies never
  }
}

export const CONTENT_TYPES = {
  sse: 'text/event-stream; charset=utf-8',
  ndjson: 'application/x-ndjson',
  'json-array': 'application/json; charset=UTF-8',
} as const satisfies Record<Framing, string>
