/** Attribution of spans of which about 5 % need the whole method: 1,000 an iteration, so that hz × 1000 is spans a second. */
import { bench, describe } from 'vitest'
import { createAttributor } from '../../src/attribute/attribute.js'
import { toSpan } from '../attribute/to-span.js'
import { drawWorld } from '../attribute/world.js'

describe('1000 spans', () => {
  const world = drawWorld('bench', { spans: 2000, faults: 1, among: ['queueing'] })
  const spans = world.outcomes.map((outcome, i) =>
    toSpan(outcome, world.conversations[i]!, world.epochMs, 'B', false),
  )
  const lastsMs = spans.at(-1)!.startedAtMs - spans[0]!.startedAtMs + 60_000
  const attributor = createAttributor({ known: world.known })
  let next = 0

  bench('server header, cache counts', () => {
    for (let i = 0; i < 1000; i++, next++) {
      const span = spans[next % spans.length]!
      attributor.push({
        ...span,
        startedAtMs: span.startedAtMs + Math.floor(next / spans.length) * lastsMs,
      })
    }
  })
})
