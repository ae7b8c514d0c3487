/** A server's metrics are read beside a run, over a connection of their own. */
import { createServer } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { summaryOf } from '../../src/report/summary.js'
import { terminalSummary } from '../../src/report/terminal.js'
import { fakeTarget, stream } from '../support/fake-target.js'
import { finished, runHere } from './run-here.js'

const KEY = 'key-of-the-tests-0123456789'

interface MetricsServer {
  url: string
  asked: IncomingHttpHeaders[]
}

async function metricsServer(page: (number: number) => string | number): Promise<MetricsServer> {
  const asked: IncomingHttpHeaders[] = []
  const server = createServer((request, response) => {
    asked.push(request.headers)
    const answer = page(asked.length)
    response.writeHead(typeof answer === 'number' ? answer : 200, { 'content-type': 'text/plain' })
    response.end(typeof answer === 'number' ? '' : answer)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/metrics`, asked }
}

const yaml = (url: string, metrics: string): string => `targets:
  - { name: t, baseUrl: '${url}', model: m, tokenizer: o200k_base, apiKeyEnv: TEST_KEY, metrics: '${metrics}' }
probes:
  - { probe: prompt-length, promptTokens: [64], outputTokens: 8, blocks: 20 }
warmup: { requests: 1 }
`

it('its gauges and times stand in the snapshot, in its samples and in the summary; the key goes to no other address', async () => {
  const { url } = await fakeTarget((asked, response) => stream(asked, response, { firstMs: 60 }))
  const server = await metricsServer(
    (number) => `vllm:num_requests_running{engine="0"} 1
vllm:num_requests_waiting{engine="0"} 0
vllm:kv_cache_usage_perc{engine="0"} 0.125
vllm:request_success_total{finished_reason="length"} ${number * 10}
vllm:request_queue_time_seconds_sum ${number * 10 * 0.004}
vllm:request_queue_time_seconds_count ${number * 10}
vllm:request_prefill_time_seconds_sum ${number * 10 * 0.05}
vllm:request_prefill_time_seconds_count ${number * 10}
`,
  )
  const here = await runHere(yaml(url, server.url), { env: { TEST_KEY: KEY } })
  const { snapshot } = finished(here)
  const [metrics] = snapshot.serverMetrics ?? []
  expect(metrics).toMatchObject({
    target: 't',
    engine: 'vllm',
    failed: 0,
    running: { mean: 1, max: 1 },
    kvUse: { mean: 0.125, max: 0.125 },
    queueMs: expect.closeTo(4, 6),
    prefillMs: expect.closeTo(50, 6),
  })
  // A reading at the begin, one a second, one at the end.
  expect(metrics!.scrapes).toBeGreaterThanOrEqual(3)
  expect(metrics!.scrapes).toBe(server.asked.length)
  const joined = snapshot.samples.filter(({ server: state }) => state !== undefined)
  expect(joined.length).toBeGreaterThan(0)
  expect(joined[0]!.server).toEqual({ running: 1, waiting: 0, kvUse: 0.125 })
  expect(terminalSummary(summaryOf(snapshot)).replace(/\s+/g, ' ')).toContain(
    `server metrics: vllm, ${metrics!.scrapes} readings; running 1.00, at most 1.00;`,
  )
  expect(server.asked.flatMap(({ authorization }) => authorization ?? [])).toEqual([])
})

it.each([
  ['a page of something else', 'go_goroutines 1\n', 'no metrics of vLLM, SGLang, llama.cpp or TGI'],
  ['a page that is not there', 404, 'it answered 404'],
  ['a page beyond 4 MiB', 'x'.repeat(5 * 1024 * 1024), 'larger than 4 MiB'],
])('%s costs a note and nothing else', async (_, page, why) => {
  const { url } = await fakeTarget((asked, response) => stream(asked, response, { gapMs: 0 }))
  const server = await metricsServer(() => page)
  const { snapshot, stop } = finished(await runHere(yaml(url, server.url), { env: { TEST_KEY: KEY } }))
  expect(stop).toBeNull()
  expect(snapshot.serverMetrics).toBeUndefined()
  const notes = snapshot.notes.filter((note) => note.includes('metrics'))
  expect(notes).toEqual([expect.stringContaining(why)])
})

it('a reading that is under way when the run ends is waited for, not broken off and told as a fault', async () => {
  const { url } = await fakeTarget()
  const slow = createServer((_, response) => {
    setTimeout(() => response.end('vllm:num_requests_running 1\n'), 700)
  })
  await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void slow.close())
  const { port } = slow.address() as AddressInfo
  const probe = '{ probe: prompt-length, promptTokens: [64], outputTokens: 2, blocks: 1 }'
  const scenario = yaml(url, `http://127.0.0.1:${port}/metrics`).replace(/\{ probe: .*\}/, probe)
  const { snapshot } = finished(await runHere(scenario, { env: { TEST_KEY: KEY } }))
  expect(snapshot.serverMetrics?.[0]).toMatchObject({ scrapes: 2, failed: 0 })
  expect(snapshot.notes.filter((note) => note.includes('metrics'))).toEqual([])
})
