import { createServer } from 'node:http'
import { expect, it, onTestFinished } from 'vitest'
import { scenarioContext } from '../../src/run/load-scenario.js'
import { traceOnce } from '../../src/run/trace-once.js'
import { scenarioFromFlags } from '../../src/scenario/flags.js'
import { systemClock } from '../../src/units/time.js'

const KEY = 'a-key-of-28-characters-in-all'

/** Says the authorization header in every field that a stream has. */
async function echo(): Promise<string> {
  const server = createServer((request, response) => {
    request.resume()
    const { authorization } = request.headers
    const event = (fields: object): string => `data: ${JSON.stringify(fields)}\n\n`
    response.writeHead(200, { 'content-type': 'text/event-stream', 'x-request-id': authorization })
    response.write(event({ model: authorization, system_fingerprint: authorization, choices: [] }))
    response.write(
      event({ choices: [{ delta: { content: authorization, reasoning_content: authorization } }] }),
    )
    response.write(event({ choices: [{ delta: {}, finish_reason: authorization }] }))
    response.write(event({ error: { message: authorization, type: authorization } }))
    response.end('data: [DONE]\n\n')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return `http://127.0.0.1:${address.port}/v1`
}

it('a trace holds what the server said, and 0 copies of the key that it echoed', async () => {
  const env = { TRACE_KEY: KEY }
  const flags = { baseUrl: await echo(), model: 'm', apiKeyEnv: 'TRACE_KEY' }
  const made = scenarioFromFlags(flags, scenarioContext(env))
  if (!made.ok) throw new Error(made.problems.join('\n'))
  const trace = await traceOnce(made.scenario, { clock: systemClock, env, extraHeaders: {} })
  if (trace.kind === 'refused') throw new Error(trace.message)
  const kinds = new Set(trace.events.flatMap(({ says }) => says.map(({ kind }) => kind)))
  expect([...kinds].sort()).toEqual(['end', 'error', 'finish', 'output', 'route'])
  expect(JSON.stringify(trace).split(KEY)).toHaveLength(1)
  expect(JSON.stringify(trace.events)).toContain('[redacted]')
})
