/** What a scheduler shows of itself, read by programs that did not write it. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { describe, expect, it, onTestFinished } from 'vitest'
import { traceContextOf } from '../../src/border/trace-context.js'
import { parsePrometheus } from '../../src/metrics/prometheus.js'
import type { Sample } from '../../src/sample/sample.js'
import { createForwarder } from '../../src/serve/forward.js'
import { startHealth } from '../../src/serve/health.js'
import type { HealthOptions } from '../../src/serve/health.js'
import { metricsPage } from '../../src/serve/metrics-page.js'
import type { Counts } from '../../src/serve/metrics.js'
import { countRun, createCounts, jobOf } from '../../src/serve/metrics.js'
import { otlpMetrics } from '../../src/serve/otlp-metrics.js'
import { probeSpans } from '../../src/serve/probe-spans.js'
import { startReceiver } from '../../src/serve/receiver.js'
import { createIntake } from '../../src/span/intake.js'
import { otlpRequest } from '../../src/span/otlp-envelope.js'
import type { Span } from '../../src/span/span.js'
import { simulatedSnapshot } from '../compare/simulated-snapshot.js'
import { ExportMetrics } from './otlp-metrics-proto.js'

const money = { spent: { day: 0.25, month: 4 }, caps: { perDay: 1, perMonth: null } }
const snapshot = simulatedSnapshot('20270101T000000Z-0001', { blocks: 6 }, { resamples: 9 })
const samples: readonly Sample[] = [
  ...snapshot.samples,
  { ...snapshot.samples[0]!, id: 's-f1', outcome: 'http-429', status: 429, ttft: null, e2e: 250 },
]

function counted(scenario = 'a "quoted" \\ name\nof two lines'): Counts {
  const counts = createCounts(1_000)
  const outcome = { health: 'ok', spent: 0, sentences: [], snapshot: null } as const
  countRun(counts, { scenario, outcome, endedMs: 60_000, snapshot, samples })
  countRun(counts, { scenario, outcome, endedMs: 90_000, snapshot, samples })
  jobOf(counts, scenario).missed.set('late', 3)
  jobOf(counts, scenario).nextS = 120
  return counts
}

/** Successful requests that are timed: the same as the counts must come to, twice. */
const timed = samples.filter(({ outcome, warmup }) => outcome === 'ok' && !warmup)

describe('/metrics', () => {
  const page = metricsPage(counted(), money)
  const { series, faults } = parsePrometheus(page)
  const of = (name: string) => series.filter((one) => one.name === name)

  it('a parser of the Prometheus format reads every line, labels with quotes, backslashes and line ends among them', () => {
    expect(faults).toBe(0)
    expect(series.length).toBe(page.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length)
    expect(of('plumbline_runs_total')).toEqual([
      {
        name: 'plumbline_runs_total',
        labels: { scenario: 'a "quoted" \\ name\nof two lines', result: 'ok' },
        value: 2,
      },
    ])
    expect(of('plumbline_missed_runs_total')[0]?.value).toBe(3)
    expect(of('plumbline_cost_cap').map(({ labels, value }) => [labels['period'], value])).toEqual([
      ['day', 1],
    ])
  })

  it('the buckets of a histogram never fall, the last one is +Inf and the count, and the sum is that of the samples', () => {
    const buckets = of('plumbline_ttft_seconds_bucket')
    const values = buckets.map(({ value }) => value)
    expect(values).toEqual([...values].sort((a, b) => a - b))
    expect(buckets.at(-1)?.labels['le']).toBe('+Inf')
    expect(values.at(-1)).toBe(2 * timed.length)
    expect(of('plumbline_ttft_seconds_count')[0]?.value).toBe(2 * timed.length)
    const sum = timed.reduce((total, { ttft }) => total + (ttft ?? 0) / 1000, 0)
    expect(of('plumbline_ttft_seconds_sum')[0]?.value).toBeCloseTo(2 * sum, 6)
  })

  it('each family has one HELP and one TYPE line before its series (format 0.0.4)', () => {
    const seen = new Set<string>()
    let family = ''
    for (const line of page.trim().split('\n')) {
      const head = /^# (HELP|TYPE) (\S+)/.exec(line)
      if (head?.[1] === 'HELP') {
        family = head[2] ?? ''
        expect(seen.has(family)).toBe(false)
        seen.add(family)
      } else if (head === null) expect(line.startsWith(family)).toBe(true)
      else expect(head[2]).toBe(family)
    }
    expect(seen.size).toBeGreaterThan(12)
  })
})

describe('the HTTP server', () => {
  const options = (more: Partial<HealthOptions> = {}): HealthOptions => {
    return {
      host: '127.0.0.1',
      port: 0,
      token: undefined,
      isAlive: () => true,
      metrics: () => 'x 1\n',
      ...more,
    }
  }
  const start = async (more: Partial<HealthOptions> = {}): Promise<string> => {
    const started = await startHealth(options(more))
    if (!started.ok) throw new Error(started.message)
    onTestFinished(() => started.server.close())
    return started.server.url
  }

  it('/healthz is 200 while the loop turns and 503 when it stands; other paths 404, other methods 405', async () => {
    let alive = true
    const url = await start({ isAlive: () => alive })
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
    alive = false
    expect((await fetch(`${url}/healthz`)).status).toBe(503)
    expect((await fetch(`${url}/`)).status).toBe(404)
    expect((await fetch(`${url}/metrics`, { method: 'POST' })).status).toBe(405)
    expect((await fetch(`${url}/metrics`)).headers.get('content-type')).toContain('version=0.0.4')
  })

  it('another address than loopback is refused without a token; with one /metrics wants it and /healthz does not', async () => {
    expect(await startHealth(options({ host: '0.0.0.0' }))).toMatchObject({ ok: false })
    const url = (await start({ host: '0.0.0.0', token: 'a secret' })).replace('0.0.0.0', '127.0.0.1')
    expect((await fetch(`${url}/metrics`)).status).toBe(401)
    const headers = { authorization: 'Bearer a secret' }
    expect((await fetch(`${url}/metrics`, { headers })).status).toBe(200)
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
  })
})

describe('OTLP', () => {
  it('a receiver that checks every field against opentelemetry-proto accepts the metrics, under the OpenTelemetry names', async () => {
    const received: unknown[] = []
    const server = createServer((request, response) => {
      let text = ''
      request.setEncoding('utf8').on('data', (part: string) => (text += part))
      request.on('end', () => {
        const read = ExportMetrics.safeParse(JSON.parse(text))
        received.push(
          request.url,
          request.headers['content-type'],
          read.success ? read.data : read.error.message,
        )
        response.writeHead(read.success ? 200 : 400, { 'content-type': 'application/json' }).end('{}')
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const forwarder = createForwarder({ url })
    onTestFinished(() => forwarder.close())
    const body = Buffer.from(JSON.stringify(otlpMetrics(counted('s'), 120_000, '0.1.0')))
    const answer = await forwarder.pass('/v1/metrics', { 'content-type': 'application/json' }, body)
    expect(received[2]).not.toBeTypeOf('string')
    expect(answer?.status).toBe(200)
    expect(received.slice(0, 2)).toEqual(['/v1/metrics', 'application/json'])

    const { resourceMetrics } = ExportMetrics.parse(received[2])
    const metrics = resourceMetrics[0]?.scopeMetrics[0]?.metrics ?? []
    expect(metrics.map(({ name, unit }) => [name, unit])).toEqual([
      ['gen_ai.client.operation.duration', 's'],
      ['gen_ai.client.operation.time_to_first_chunk', 's'],
      ['gen_ai.client.token.usage', '{token}'],
    ])
    for (const point of metrics.flatMap(({ histogram }) => histogram.dataPoints)) {
      const counts = point.bucketCounts.map(Number)
      expect(counts.length).toBe(point.explicitBounds.length + 1)
      expect(counts.reduce((a, b) => a + b, 0)).toBe(Number(point.count))
      const keys = point.attributes.map(({ key }) => key)
      expect(keys).toEqual(
        expect.arrayContaining([
          'gen_ai.operation.name',
          'gen_ai.provider.name',
          'user_agent.synthetic.type',
        ]),
      )
      expect(new Set(keys).size).toBe(keys.length)
    }
    const failed = metrics[0]?.histogram.dataPoints.find(({ attributes }) =>
      attributes.some(({ key }) => key === 'error.type'),
    )
    expect([failed?.count, failed?.sum]).toEqual(['2', 0.5])
  })

  it.each([
    ['as it is', (text: string) => text, samples.length, 0],
    [
      'without its mark',
      (text: string) => text.replaceAll('user_agent.synthetic.type', 'x'),
      0,
      samples.length,
    ],
  ])(
    'our own OTLP receiver counts a probe and leaves it out; without its mark it is read, in the trace of its traceparent: %s',
    async (_name, change, leftOut, read) => {
      const spans: Span[] = []
      const intake = createIntake()
      const started = await startReceiver({ intake, port: 0, onSpans: (some) => void spans.push(...some) })
      if (!started.ok) throw new Error(started.message)
      const forwarder = createForwarder({ url: started.receiver.url })
      const text = JSON.stringify(otlpRequest([probeSpans(snapshot, samples)]))
      expect(text).toContain('{"key":"user_agent.synthetic.type","value":{"stringValue":"test"}}')
      const answer = await forwarder.pass(
        '/v1/traces',
        { 'content-type': 'application/json' },
        Buffer.from(change(text)),
      )
      expect(answer?.status).toBe(200)
      await Promise.all([started.receiver.close(), forwarder.close()])
      expect([intake.counts.synthetic, spans.length]).toEqual([leftOut, read])
      if (read === 0) return
      const [sample] = timed
      const context = traceContextOf(snapshot.id, sample?.id ?? '')
      const span = spans.find(({ spanId }) => spanId === context.spanId)
      expect(span).toMatchObject({ traceId: context.traceId, inputTokens: sample?.promptTokens })
      expect(span?.ttftMs).toBeCloseTo(sample?.ttft ?? 0, 6)
    },
  )
})
