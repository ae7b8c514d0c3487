import { expect, it } from 'vitest'
import { traceText } from '../../src/report/trace.js'
import { sampleOf } from './sample.js'

it('a route is told in words, the provider’s own among them', () => {
  const route = { model: 'claude-sonnet-5', raw: { inference_geo: 'global' } }
  const text = traceText(
    {
      kind: 'trace',
      url: 'http://localhost:9/v1',
      sample: sampleOf({}),
      events: [{ atMs: 1, chunk: 1, says: [{ kind: 'route', route }] }],
      chunks: 1,
    },
    true,
  )
  expect(text).toContain('route claude-sonnet-5 global')
})
