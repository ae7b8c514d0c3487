import { expect, test } from 'vitest'
import { createDraft, offer, startSpan } from '../../src/span/draft.js'
import { createHeldPool, type Held } from '../../src/span/held.js'
import { createNormaliser, traceIdOf } from '../../src/span/normalise.js'
import { compileRules } from '../../src/span/rules.js'
import { createSourceTable } from '../../src/span/sources.js'

const rules = compileRules()
const draft = createDraft(rules)
const pool = createHeldPool(createDraft(rules), createNormaliser(createSourceTable()))

function hold(model: string): Held {
  startSpan(draft)
  draft.traceId = 'a'.repeat(32)
  draft.startMs = Date.UTC(2026, 10, 24)
  draft.endMs = draft.startMs + 1000
  offer(draft, 'gen_ai.operation.name', 'chat')
  offer(draft, 'gen_ai.request.model', model)
  return pool.hold(draft, traceIdOf(draft), 0)
}

test('what waits to be used again keeps no text alive, and the next span has none of the last one', () => {
  const first = hold('m'.repeat(200))
  expect(first.values).toContain('m'.repeat(200))
  expect(pool.settle(first).span?.modelRequested).toBe('m'.repeat(200))
  expect(first.values.filter((value) => typeof value === 'string')).toEqual([])
  const second = hold('other')
  expect(second).toBe(first)
  expect(pool.settle(second).span?.modelRequested).toBe('other')
})

test('a text that no span keeps is not held in the waiting one either', () => {
  const held = hold('m'.repeat(1000))
  expect(JSON.stringify(held.values)).not.toContain('m'.repeat(300))
})
