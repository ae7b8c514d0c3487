import { expect, it } from 'vitest'
import { toOtlp } from '../../src/attribute/to-otlp.js'
import { otlpLine } from '../../src/span/otlp-envelope.js'
import { attributed } from '../report/attribution-data.js'
import { readText } from '../span/read.js'

const call = attributed(7, 2000, 'cold-cache')

it('the phases lie end to end below the attribution, from the start of the call to its end', () => {
  const [group] = toOtlp([call])
  const [root, ...parts] = group?.spans ?? []
  expect(root).toMatchObject({
    parentSpanId: call.span.spanId,
    traceId: call.span.traceId,
    name: 'plumbline cold-cache',
  })
  expect(parts.map(({ name }) => name)).toEqual([
    'plumbline network',
    'plumbline prefillFresh',
    'plumbline decode',
  ])
  let atMs = call.span.startedAtMs
  for (const part of parts) {
    expect(part.parentSpanId).toBe(root?.spanId)
    expect(part.startMs).toBe(atMs)
    atMs = part.endMs
  }
  expect(atMs).toBeCloseTo(call.span.startedAtMs + 2000, 6)
})

it('the cause stands in attributes, the original in a link', () => {
  const [root] = toOtlp([call])[0]?.spans ?? []
  expect(root?.attributes).toMatchObject({
    'plumbline.verdict': 'cold-cache',
    'plumbline.confidence': 0.86,
    'plumbline.cause.cold-cache.ms': 1000,
    'plumbline.cause.cold-cache.probability': 0.86,
    'plumbline.evidence': ['so it was'],
    'plumbline.baseline.id': '20261123T085000Z-9c1e',
  })
  expect(root?.links).toEqual([{ traceId: call.span.traceId, spanId: call.span.spanId }])
})

it('attributed twice, the same spans come out; another call gives other ids', () => {
  expect(toOtlp([call])).toEqual(toOtlp([call]))
  const ids = toOtlp([call, attributed(8, 2000, 'none')]).flatMap(({ spans }) =>
    spans.map(({ spanId }) => spanId),
  )
  expect(new Set(ids).size).toBe(8)
})

it('ids of another make become valid ones, without a parent that OTLP could not know', () => {
  const uuid = '018f3c1e-7b2a-7c3d-9e4f-5a6b7c8d9e0f'
  const [root] =
    toOtlp([attributed(0, 2000, 'none', { span: { traceId: uuid, spanId: 'run-1' } })])[0]?.spans ?? []
  expect(root?.traceId).toBe(uuid.replaceAll('-', ''))
  expect(root?.spanId).toMatch(/^[0-9a-f]{16}$/)
  expect(root?.parentSpanId).toBeUndefined()
  expect(root?.links).toBeUndefined()
})

it('what comes back through the receiver is no call of a model: 4 spans read, none attributed again', async () => {
  const { counts } = await readText(otlpLine(toOtlp([call])))
  expect(counts).toMatchObject({ seen: 4, spans: 0, other: 4, faults: {} })
})
