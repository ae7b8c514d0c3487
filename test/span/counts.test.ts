import { expect, test } from 'vitest'
import { createIntake } from '../../src/span/intake.js'

const START_NS = 1_764_000_000_000_000_000n

/** A span that is no call of a model. */
const tool = (index: number, text: string, more: object = {}): object => ({
  traceId: String(index).padStart(32, 'a'),
  spanId: String(index).padStart(16, 'b'),
  name: 'tool',
  kind: 1,
  startTimeUnixNano: String(START_NS),
  endTimeUnixNano: String(START_NS + 1_000_000_000n),
  attributes: [{ key: 'error.type', value: { stringValue: text } }],
  ...more,
})

test('a line that is read a second time, for one of its spans is written otherwise, counts each span once', () => {
  const spans = [tool(1, 'x'.repeat(2000)), tool(2, 'y'), tool(3, 'z', { end_time_unix_nano: '1' })]
  const bytes = Buffer.from(
    JSON.stringify({ resourceSpans: [{ resource: { attributes: [] }, scopeSpans: [{ scope: {}, spans }] }] }),
  )
  const intake = createIntake()
  if (!intake.otlpText(bytes, 0, bytes.length)) intake.otlpJson(JSON.parse(bytes.toString()))
  intake.end()
  intake.take()
  expect(intake.counts).toMatchObject({ seen: 3, spans: 0, other: 3 })
})
