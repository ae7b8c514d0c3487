/** Reading and normalising spans of 1.5 kB and 18 attributes: 1,000 an iteration, so that hz × 1000 is spans a second. */
import { bench, describe } from 'vitest'
import { createIntake } from '../../src/span/intake.js'
import { encodeRequest } from '../span/proto-encode.js'
import { benchGroups, benchLine } from './span-stream.js'

describe('1000 spans', () => {
  const intake = createIntake({ window: 1000 })
  // Ids go round: those of one pass have left the window when they come again.
  const lines = Array.from({ length: 4000 }, (_, i) => Buffer.from(benchLine(i, 1)))
  const requests = Array.from({ length: 40 }, (_, i) => encodeRequest(benchGroups(i * 100, 100)))
  let line = 0
  let request = 0

  bench('OTLP/JSON lines', () => {
    for (let i = 0; i < 1000; i++)
      intake.value(JSON.parse(lines[line++ % lines.length]?.toString('utf8') ?? ''))
    intake.take()
  })

  bench('OTLP protobuf', () => {
    for (let i = 0; i < 10; i++) intake.otlpProto(requests[request++ % requests.length] ?? Buffer.alloc(0))
    intake.take()
  })
})
