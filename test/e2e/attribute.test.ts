/** `plumbline attribute` as a process: files, pipes, a receiver that a real SDK exports to. */
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Attribution } from '../../src/attribute/attribution.js'
import { encodeSnapshot } from '../../src/snapshot/format.js'
import { LAW, simulatedSnapshot } from '../compare/simulated-snapshot.js'
import { startSdk } from '../serve/open-telemetry.js'
import { readText } from '../span/read.js'
import { ensureBuilt } from '../support/build.js'
import { runCli, startCli, workspace } from '../support/cli.js'
import { traceLines } from '../support/trace-lines.js'

const law = { baseMs: LAW.base, freshUs: LAW.fresh, hitUs: LAW.hit, tpotMs: LAW.step + 3 }
const isCold = (i: number): boolean => i >= 100 && i % 20 === 7
const lines = traceLines({
  model: 'm',
  spans: 600,
  seed: 'e2e',
  startMs: Date.UTC(2026, 10, 23, 10),
  law,
  fault: (i) => (isCold(i) ? 'cold-cache' : undefined),
})
const BASELINE = '20261123T090000Z-9c1e'
const baselineText = encodeSnapshot(simulatedSnapshot(BASELINE))

/** Of a call that the SDK traces. */
const attributes = {
  'gen_ai.operation.name': 'chat',
  'gen_ai.provider.name': 'openai',
  'gen_ai.request.model': 'm',
  'gen_ai.request.stream': true,
  'gen_ai.response.time_to_first_chunk': 0.45,
  'gen_ai.usage.input_tokens': 1200,
  'gen_ai.usage.cache_read.input_tokens': 1024,
  'gen_ai.usage.output_tokens': 80,
}

function place() {
  const folder = workspace()
  const baseline = folder.write('20261123T090000Z-9c1e.json', baselineText)
  const spans = folder.write('spans.jsonl', `${lines.join('\n')}\n`)
  return { folder, baseline, spans }
}

function parsed(stdout: string): Attribution[] {
  return stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Attribution]))
}

beforeAll(async () => void (await ensureBuilt()))

describe('files', () => {
  it('on a pipe each of 600 spans is a line; of 25 cold caches 22 or more are named, of the others 25 at most', async () => {
    const { baseline, spans } = place()
    const { code, stdout, stderr } = await runCli(['attribute', baseline, spans])
    const found = parsed(stdout)
    expect([code, found.length]).toEqual([0, 600])
    expect(found.map(({ spanId }) => spanId)).toEqual(lines.map((line) => /"spanId":"(\w+)"/.exec(line)?.[1]))
    const cold = found.filter((_, i) => isCold(i))
    const others = found.filter((_, i) => !isCold(i) && i >= 100)
    expect(cold.length).toBe(25)
    expect(cold.filter(({ verdict }) => verdict === 'cold-cache').length).toBeGreaterThanOrEqual(22)
    expect(others.filter(({ verdict }) => verdict === 'cold-cache').length).toBeLessThanOrEqual(25)
    for (const { phases, durationMs } of found)
      expect(Object.values(phases).reduce((a, b) => a + b, 0)).toBeCloseTo(durationMs, 1)
    expect(stderr).toContain('600 calls attributed')
    expect(stderr.replace(/\s+/g, ' ')).toContain(`baseline ${BASELINE} of test`)
  })

  it('gzip on standard input gives the same lines as the file', async () => {
    const { folder, baseline, spans } = place()
    const plain = await runCli(['attribute', baseline, spans, '--quiet'])
    const zipped = folder.write('spans.jsonl.gz', '')
    writeFileSync(zipped, gzipSync(`${lines.join('\n')}\n`))
    const ofGzip = await runCli(['attribute', baseline, zipped, '--quiet'])
    const ofStdin = await runCli(['attribute', baseline, '-', '--quiet'], { input: `${lines.join('\n')}\n` })
    expect(ofGzip.stdout).toBe(plain.stdout)
    expect(ofStdin.stdout).toBe(plain.stdout)
    expect([ofStdin.code, ofStdin.stderr]).toEqual([0, ''])
  })

  it('--otlp FILE holds the phases below each call, and our own reader counts no new call in it', async () => {
    const { folder, baseline, spans } = place()
    const { code } = await runCli([
      'attribute',
      baseline,
      spans,
      '--quiet',
      '--otlp',
      join(folder.path, 'out.jsonl'),
    ])
    expect(code).toBe(0)
    const text = folder.read('out.jsonl')
    const roots = text.match(/"name":"plumbline (?:none|unknown|cold-cache|[a-z-]+)","kind":1[^}]*/g) ?? []
    expect(roots.length).toBeGreaterThan(600)
    const { counts } = await readText(text)
    expect(counts.spans).toBe(0)
    expect(counts.seen).toBeGreaterThan(600 * 3)
    expect(counts.faults).toEqual({})
  })

  it.each([
    ['json', false],
    ['protobuf', false],
    ['protobuf', true],
  ] as const)(
    'what a real OpenTelemetry SDK sent over a socket as %s (gzip: %s), kept in files, is read: 120 calls, model, service and tier',
    async (encoding, isGzip) => {
      const { folder, baseline } = place()
      const traces = join(folder.path, 'traces')
      mkdirSync(traces)
      let bodies = 0
      const collector = createServer((request, response) => {
        const parts: Buffer[] = []
        request.on('data', (part: Buffer) => parts.push(part))
        request.on('end', () => {
          writeFileSync(join(traces, `${++bodies}.bin`), Buffer.concat(parts))
          response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
        })
      }).listen(0, '127.0.0.1')
      await once(collector, 'listening')
      onTestFinished(() => void collector.close())
      const sdk = startSdk(`http://127.0.0.1:${(collector.address() as AddressInfo).port}`, encoding, isGzip)
      for (let i = 0; i < 120; i++) sdk.call(attributes, 1300 + (i % 7))
      await sdk.shutdown()
      expect(bodies).toBeGreaterThanOrEqual(3)
      const { code, stdout } = await runCli(['attribute', baseline, traces, '--quiet'])
      const found = parsed(stdout)
      expect([code, found.length]).toEqual([0, 120])
      for (const each of found)
        expect(each).toMatchObject({ service: 'shop', model: 'm', tier: 'B', baseline: { id: BASELINE } })
      expect(new Set(found.map(({ spanId }) => spanId)).size).toBe(120)
    },
  )

  it('a reader that goes away after one line ends it quietly', async () => {
    const { baseline, folder } = place()
    const many = folder.write(
      'many.jsonl',
      `${Array.from({ length: 40 }, () => lines.join('\n')).join('\n')}\n`,
    )
    const running = await startCli(['attribute', baseline, many, '--quiet'])
    running.process.stdout?.once('data', () => running.process.stdout?.destroy())
    const { code, stderr } = await running.ended
    expect([code, stderr]).toEqual([0, ''])
  })
})

it('--suggest prints a scenario that plumbline validate takes', async () => {
  const { folder, spans } = place()
  const { code, stdout } = await runCli(['attribute', '--suggest', spans])
  expect(code).toBe(0)
  const file = folder.write('production.yaml', stdout)
  const validated = await runCli(['validate', file])
  expect([validated.code, validated.stderr]).toEqual([0, ''])
})

describe('--listen', () => {
  async function listening(args: readonly string[], env: Record<string, string> = {}) {
    const { baseline } = place()
    const running = await startCli(['attribute', baseline, '--listen', '0', ...args], { env })
    await running.until(() => /listening on (http\S+):/.test(running.stderr()))
    return { running, url: /listening on (http\S+):/.exec(running.stderr())?.[1] ?? '' }
  }
  it.each(['json', 'protobuf'] as const)(
    '120 spans of a real OpenTelemetry SDK as %s come out as lines; SIGTERM ends it with the summary and exit 0',
    async (encoding) => {
      const { running, url } = await listening([])
      const sdk = startSdk(url, encoding)
      for (let i = 0; i < 120; i++) sdk.call(attributes, 1300 + (i % 7))
      await sdk.shutdown()
      running.process.kill('SIGTERM')
      const { code, signal, stdout, stderr } = await running.ended
      expect([code, signal]).toEqual([0, null])
      const found = parsed(stdout)
      expect(found.length).toBe(120)
      expect(new Set(found.map(({ spanId }) => spanId)).size).toBe(120)
      expect(found[0]).toMatchObject({ service: 'shop', model: 'm', tier: 'B' })
      expect(stderr).toContain('120 calls attributed')
    },
  )

  it('--forward passes the bytes on unchanged and adds the attributions, which come after them', async () => {
    const got: { body: Buffer; headers: Record<string, unknown> }[] = []
    const upstream = createServer((request, response) => {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part))
      request.on('end', () => {
        got.push({ body: Buffer.concat(parts), headers: request.headers })
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
      })
    }).listen(0, '127.0.0.1')
    await once(upstream, 'listening')
    onTestFinished(() => void upstream.close())
    const { port } = upstream.address() as AddressInfo
    const env = { OTEL_EXPORTER_OTLP_HEADERS: 'x-team=river%20authority' }
    const { running, url } = await listening(['--forward', `http://127.0.0.1:${port}`, '--quiet'], env)
    const sent = lines.slice(0, 30).join('\n').split('\n')
    for (const body of sent) {
      const headers = { 'content-type': 'application/json' }
      expect((await fetch(`${url}/v1/traces`, { method: 'POST', headers, body })).status).toBe(200)
    }
    running.process.kill('SIGINT')
    expect((await running.ended).code).toBe(0)
    expect(got.slice(0, 30).map(({ body }) => body.toString())).toEqual(sent)
    const own = got.slice(30).map(({ body }) => body.toString())
    expect(own.join('').match(/"plumbline\.verdict"/g)?.length).toBe(30)
    expect(got[30]?.headers['x-team']).toBe('river authority')
  })

  it('senders without the token get 401', async () => {
    const { running, url } = await listening(['--token-env', 'RIVER_TOKEN'], { RIVER_TOKEN: 'open-sesame' })
    const headers = { 'content-type': 'application/json' }
    const post = async (more: Record<string, string>) =>
      (
        await fetch(`${url}/v1/traces`, {
          method: 'POST',
          headers: { ...headers, ...more },
          body: lines[0] ?? '',
        })
      ).status
    expect(await post({})).toBe(401)
    expect(await post({ authorization: 'Bearer open-sesame' })).toBe(200)
    running.process.kill('SIGTERM')
    const { stdout, stderr } = await running.ended
    expect(parsed(stdout).length).toBe(1)
    expect(stdout + stderr).not.toContain('open-sesame')
  })
})
