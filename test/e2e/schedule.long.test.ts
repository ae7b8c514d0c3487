/** `plumbline schedule` as a process: a minute of it, stopped in the middle of a run. */
import { once } from 'node:events'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { traceContextOf, traceparentOf } from '../../src/border/trace-context.js'
import { runCli, startCli, workspace } from '../support/cli.js'
import { fakeTarget, stream } from '../support/fake-target.js'

const scenario = (url: string, more = ''): string => `name: s
targets: [{ name: t, baseUrl: '${url}', model: m, tokenizer: o200k_base }]
probes: [{ probe: prompt-length, promptTokens: [64, 128], outputTokens: 8, blocks: 200 }]
schedule: { cron: '* * * * *', timezone: UTC }
${more}`

/** Counts what comes in, by path. */
async function collector() {
  const bodies: { path: string; body: string }[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (part: string) => (body += part))
    request.on('end', () => {
      bodies.push({ path: request.url ?? '', body })
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { bodies, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

test('it starts at the minute, gives each request a traceparent, and SIGTERM in mid-run saves, reports and exits 0', async () => {
  const here = workspace()
  const target = await fakeTarget((asked, response) => stream(asked, response, { firstMs: 20 }))
  const otlp = await collector()
  here.write('s.yaml', scenario(target.url))
  const flags = ['--port', '0', '--traceparent', '--otlp', otlp.url, '--json']
  const running = await startCli(['schedule', 's.yaml', ...flags], { cwd: here.path })
  await running.until(() => target.asked.length > 20)
  const url = /serving (\S+)\/healthz/.exec(running.stderr())?.[1] ?? ''
  expect((await fetch(`${url}/healthz`)).status).toBe(200)
  expect(await (await fetch(`${url}/metrics`)).text()).toContain(
    'plumbline_next_run_timestamp_seconds{scenario="s"}',
  )

  // A second one on the same results is refused while the first one lives.
  const second = await runCli(['schedule', 's.yaml'], { cwd: here.path })
  expect(second.code).toBe(2)

  running.process.kill('SIGTERM')
  const ended = await running.ended
  expect(ended.code).toBe(0)
  const events = ended.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { kind: string; outcome?: { health: string } })
  expect(events.map(({ kind }) => kind)).toEqual(['configured', 'started', 'finished'])
  expect(events.at(-1)?.outcome?.health).toBe('interrupted')
  const snapshot = await here.snapshot('s')
  expect(snapshot.partial).toBe(true)

  const [sample] = snapshot.samples
  const context = traceContextOf(snapshot.id, sample?.id ?? '')
  const headers = target.asked.map((asked) => asked.headers['traceparent'])
  expect(headers).toContain(traceparentOf(context))
  expect(new Set(headers).size).toBe(target.asked.length)
  const sent = (path: string): string =>
    otlp.bodies
      .filter((one) => one.path === path)
      .map(({ body }) => body)
      .join('')
  expect(sent('/v1/metrics')).toContain('gen_ai.client.operation.time_to_first_chunk')
  expect(sent('/v1/traces')).toContain(`"spanId":"${context.spanId}"`)

  // What fell into the pause is not made up: the state names the firing that was taken.
  const state = JSON.parse(here.read('results/.schedule/state.json')) as {
    jobs: { s: { lastDueMs: number } }
  }
  expect(state.jobs.s.lastDueMs % 60_000).toBe(0)
  expect(here.read('results/.schedule/ledger.ndjson').trim().split('\n').length).toBe(2)
}, 150_000)

test('a target that is not there is a failure, told once by the alert command; a changed file with a mistake is not applied', async () => {
  const here = workspace()
  here.write('s.yaml', scenario('http://127.0.0.1:9/v1', 'retries: { attempts: 1 }\n'))
  const told = join(here.path, 'told')
  const command = here.write('page', `#!/bin/sh\ncat >> "${told}"\n`)
  chmodSync(command, 0o755)
  const running = await startCli(['schedule', 's.yaml', '--alert-command', command], {
    cwd: here.path,
    env: { CANARY_KEY: 'sk-canary' },
  })
  await running.until(() => running.stdout().includes('s: failure'))
  expect(JSON.parse(readFileSync(told, 'utf8'))).toMatchObject({
    kind: 'failure',
    scenario: 's',
    targets: ['t'],
    repeated: false,
  })
  writeFileSync(join(here.path, 's.yaml'), 'name: s\ntargets: nonsense\n')
  await running.until(() => running.stdout().includes('not applied'))
  expect(running.stdout()).toMatch(/the old ones stay: s\.yaml:1:1: .*s\.yaml:2:10:/)
  running.process.kill('SIGTERM')
  expect((await running.ended).code).toBe(0)
}, 180_000)

test.each([
  [
    'no schedule',
    'name: s\ntargets: [{ name: t, simulate: { profile: exact } }]\nprobes: [{ probe: prompt-length }]\n',
    [],
    /has no schedule/,
  ],
  [
    'a day that never comes',
    scenario('http://127.0.0.1:9/v1').replace('* * * * *', '0 0 30 2 *'),
    [],
    /never comes/,
  ],
  [
    'a cap without the worst case of a run',
    scenario('http://127.0.0.1:9/v1'),
    ['--cost-per-day', '1'],
    /needs budget: \{ cost/,
  ],
  [
    'another address without a token',
    scenario('http://127.0.0.1:9/v1'),
    ['--port', '0', '--host', '0.0.0.0'],
    /set a token/,
  ],
  [
    'a webhook at the metadata service',
    scenario('http://127.0.0.1:9/v1'),
    ['--alert-webhook-env', 'HOOK'],
    /link-local/,
  ],
])('%s: refused before anything is sent, exit 2', async (_, text, flags, said) => {
  const here = workspace()
  here.write('s.yaml', text)
  const refused = await runCli(['schedule', 's.yaml', ...flags], {
    cwd: here.path,
    env: { HOOK: 'http://169.254.169.254/' },
  })
  expect(refused.code).toBe(2)
  expect(refused.stderr).toMatch(said)
  expect(existsSync(join(here.path, 'results', 's', 'baseline.json'))).toBe(false)
})
