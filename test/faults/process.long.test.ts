/** Faults that befall the process itself: memory, a held-up loop, a stop, a clock that is set, a slow reader, a file too long to hold. */
import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { encodeSnapshot } from '../../src/snapshot/format.js'
import { otlpLine } from '../../src/span/otlp-envelope.js'
import { simulatedSnapshot } from '../compare/simulated-snapshot.js'
import type { RunningCli, Workspace } from '../support/cli.js'
import { cliPath, runCli, startCli, workspace } from '../support/cli.js'
import type { FakeTarget } from '../support/fake-target.js'
import { fakeTarget, stream } from '../support/fake-target.js'

// However busy the machine: none of these is about speed.
vi.setConfig({ testTimeout: 300_000 })

const BLOCKS = 10

/** A run of some seconds, and code that strikes in it when asked. Its server answers some and then waits for that: no run is over before. */
async function startStruck(
  here: Workspace,
  code: string,
  flags: string,
): Promise<{ run: RunningCli; target: FakeTarget; strike(): void }> {
  let release = (): void => undefined
  const struck = new Promise<void>((resolve) => (release = resolve))
  const target = await fakeTarget(async (asked, response) => {
    if (asked.number > BLOCKS / 2) await struck
    await stream(asked, response, { firstMs: 30, gapMs: 20 })
  })
  here.write('s.yaml', scenario(target.url))
  const trigger = join(here.path, 'strike')
  const file = here.write(
    'fault.cjs',
    `const { existsSync } = require('node:fs')
if (process.argv[1]?.endsWith('main.js') && require('node:worker_threads').isMainThread) {
  const timer = setInterval(() => {
    if (!existsSync(${JSON.stringify(trigger)})) return
    clearInterval(timer)
    ${code}
  }, 5)
  timer.unref()
}
`,
  )
  const env = { NODE_OPTIONS: `${flags} --require ${file}`.trim() }
  const run = await startCli(['run', 's.yaml'], { cwd: here.path, env })
  const strike = (): void => {
    here.write('strike', '')
    release()
  }
  return { run, target, strike }
}

const scenario = (url: string): string => `targets:
  - { name: t, baseUrl: '${url}', model: m, tokenizer: o200k_base }
probes:
  - { probe: prompt-length, promptTokens: [64], outputTokens: 8, blocks: ${BLOCKS} }
warmup: { requests: 1 }
`

test('51: out of memory ends with 134; the journal is whole, and --resume completes the plan', async () => {
  const here = workspace()
  const code = 'const held = []; for (;;) held.push(new Array(1e5).fill({}))'
  const { run, target, strike } = await startStruck(here, code, '--max-old-space-size=120')
  await run.until(() => target.asked.length >= 5)
  strike()
  const { code: exit, signal } = await run.ended
  expect([exit, signal]).toEqual(expect.arrayContaining([expect.toBeOneOf([134, 'SIGABRT'])]))
  const [journal = ''] = here.journals('s')
  const left = [...readFileSync(journal, 'utf8').matchAll(/"kind":"sample","sample":\{"id":"([^"]+)"/g)]
  expect(left.length).toBeGreaterThan(2)
  const resumed = await runCli(['run', 's.yaml', '--resume'], { cwd: here.path })
  expect(resumed.code).toBe(0)
  const { samples, partial } = await here.snapshot('s')
  const ids = samples.map(({ id }) => id)
  expect(partial).toBe(false)
  expect(left.map(([, id]) => id).filter((id) => !ids.includes(id ?? ''))).toEqual([])
  expect(samples.filter(({ warmup }) => !warmup)).toHaveLength(BLOCKS)
})

test('52: a loop held up for 500 ms in mid-stream is flagged, and a comparison with that run exits 5', async () => {
  const here = workspace()
  const code =
    'for (let i = 0; i < 3; i++) setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500), i * 700)'
  const { run, target, strike } = await startStruck(here, code, '')
  await run.until(() => target.asked.length >= 3)
  strike()
  expect(await run.ended).toMatchObject({ code: 0 })
  const { instrument, id } = await here.snapshot('s')
  expect(instrument.overloaded).toBe(true)
  const file = `results/s/${id}.json`
  const compared = await runCli(['compare', file, file], { cwd: here.path })
  expect(compared.code).toBe(5)
  expect(compared.stdout + compared.stderr).toMatch(/overloaded/i)
})

test('53: a process that was stopped for 1 s in mid-stream says so, loses nothing, and ends 0', async () => {
  const here = workspace()
  const { run, target, strike } = await startStruck(here, '', '')
  await run.until(() => target.asked.length >= 4)
  run.process.kill('SIGSTOP')
  await sleep(1000)
  run.process.kill('SIGCONT')
  strike()
  expect(await run.ended).toMatchObject({ code: 0 })
  const { instrument, samples } = await here.snapshot('s')
  expect(samples.map(({ outcome }) => outcome)).toEqual(samples.map(() => 'ok'))
  expect(instrument.overloaded).toBe(true)
  expect(instrument.loopDelay.max).toBeGreaterThan(700)
})

test('54: a clock set 2 h forward in mid-run changes no duration, is recorded, and the run ends 0', async () => {
  const here = workspace()
  const code = `const RealDate = Date
    globalThis.Date = class extends RealDate {
      constructor(...given) { given.length === 0 ? super(RealDate.now() + 7_200_000) : super(...given) }
      static now() { return RealDate.now() + 7_200_000 }
    }`
  const { run, target, strike } = await startStruck(here, code, '')
  await run.until(() => target.asked.length >= 4)
  strike()
  expect(await run.ended).toMatchObject({ code: 0 })
  const { instrument, samples } = await here.snapshot('s')
  expect(instrument.warnings.join('\n')).toMatch(/clock/)
  for (const { e2e, startDelay, atMs } of samples) {
    expect(e2e).toBeLessThan(20_000)
    expect(startDelay).toBeLessThan(20_000)
    expect(atMs).toBeLessThan(60_000)
  }
})

/** One production call, as an OTLP/JSON line. */
function spanLine(i: number): string {
  const id = i.toString(16).padStart(16, '0')
  const startMs = 1_790_000_000_000 + i * 100
  const attributes = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.request.model': 'm',
    'gen_ai.usage.input_tokens': 500 + (i % 500),
    'gen_ai.usage.output_tokens': 40,
  }
  const span = {
    traceId: `${id}${id}`,
    spanId: id,
    name: 'chat m',
    kind: 'client' as const,
    startMs,
    endMs: startMs + 2000,
    attributes,
  }
  return otlpLine([{ resource: { 'service.name': 'shop' }, scope: { name: 's' }, spans: [span] }])
}

test('49: 5 MB of output reach a reader that comes late, to the last line', async () => {
  const here = workspace()
  here.write('base.json', encodeSnapshot(simulatedSnapshot('base')))
  const spans = 6000
  here.write('spans.ndjson', Array.from({ length: spans }, (_, i) => spanLine(i + 1)).join('\n'))
  const command =
    '"$0" "$1" attribute base.json spans.ndjson --quiet | (sleep 1; wc -lc); echo "exit ${PIPESTATUS[0]}"'
  const shell = spawn('bash', ['-c', command, process.execPath, await cliPath()], {
    cwd: here.path,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  for await (const part of shell.stdout.setEncoding('utf8')) stdout += String(part)
  const [lines, bytes, exit] = /(\d+) +(\d+)\s+exit (\d+)/.exec(stdout)?.slice(1).map(Number) ?? []
  expect({ lines, exit }).toEqual({ lines: spans, exit: 0 })
  expect(bytes).toBeGreaterThan(3_000_000)
})

test('37: a span file of 2.1 GiB, longer than any buffer or string, is read as a stream in bounded memory', async () => {
  const here = workspace()
  here.write('base.json', encodeSnapshot(simulatedSnapshot('base')))
  const file = openSync(join(here.path, 'long.ndjson'), 'w')
  const blank = Buffer.alloc(64 << 20, `${' '.repeat((1 << 20) - 1)}\n`)
  for (let i = 0; i < 34; i++) writeSync(file, blank)
  writeSync(file, `${spanLine(1)}\n`)
  closeSync(file)
  const rss = join(here.path, 'rss')
  const code = `process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(rss)}, String(process.resourceUsage().maxRSS / 1024)))`
  const env = { NODE_OPTIONS: `--require ${here.write('rss.cjs', code)}` }
  const { code: exit, stdout } = await runCli(['attribute', 'base.json', 'long.ndjson', '--quiet'], {
    cwd: here.path,
    env,
  })
  expect({ exit, lines: stdout.trimEnd().split('\n').length }).toEqual({ exit: 0, lines: 1 })
  expect(Number(here.read('rss'))).toBeLessThan(400)
})
