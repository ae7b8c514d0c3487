/** What the command line writes, and where to: pipes, JSON, samples, quiet, dry run, one traced exchange. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { cliPath, runCli, workspace } from '../support/cli.js'
import { fakeTarget, stream } from '../support/fake-target.js'

const scenario = (url: string, rest = ''): string => `targets:
  - { name: t, baseUrl: '${url}', model: m, tokenizer: o200k_base }
probes:
  - { probe: prompt-length, promptTokens: [64, 256], outputTokens: 8, blocks: 3 }
${rest}`
const MEASURED = 6

/** Escape sequences, carriage returns, anything that is no text. */
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/

test.each([{}, { CI: '1', FORCE_COLOR: '3', TERM: 'xterm-256color' }])(
  'on a pipe there are plain lines and no control codes (environment %j)',
  async (env) => {
    const { url } = await fakeTarget()
    const here = workspace()
    here.write('s.yaml', scenario(url))
    const { code, stdout, stderr } = await runCli(['run', 's.yaml'], { cwd: here.path, env })
    expect(code).toBe(0)
    expect(CONTROL.exec(stdout)).toBeNull()
    expect(CONTROL.exec(stderr)).toBeNull()
    expect(stderr.split('\n')).toEqual(expect.arrayContaining(['warming up', 'measuring']))
    expect(stdout).toContain('prompt-length')
    expect(stdout).toMatch(/snapshot: .*results\/s\/.*\.json/)
  },
)

test('a reader that goes away (| head -1) ends the output, not the run', async () => {
  const { url } = await fakeTarget()
  const here = workspace()
  here.write('s.yaml', scenario(url))
  const command = '"$0" "$1" run s.yaml 2>&1 | head -1; echo "exit ${PIPESTATUS[0]}"'
  const shell = spawn('bash', ['-c', command, process.execPath, await cliPath()], {
    cwd: here.path,
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  shell.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  await once(shell, 'close')
  expect(stdout.trimEnd().split('\n')).toEqual([expect.any(String), 'exit 0'])
  const { partial, samples } = await here.snapshot('s')
  expect(partial).toBe(false)
  expect(samples.filter(({ warmup }) => !warmup)).toHaveLength(MEASURED)
})

test('--json writes exactly one JSON document to stdout, --samples one sample a line as in the snapshot', async () => {
  const { url } = await fakeTarget()
  const here = workspace()
  here.write('s.yaml', scenario(url))
  const flags = ['--json', '--samples', 'samples.ndjson']
  const { code, stdout, stderr } = await runCli(['run', 's.yaml', ...flags], { cwd: here.path })
  expect(code).toBe(0)
  expect(stderr).toContain('measuring')
  const snapshot = await here.snapshot('s')
  const Document = z.object({
    exit: z.number(),
    runs: z.array(z.looseObject({ snapshot: z.looseObject({}) })),
  })
  const { exit, runs } = Document.parse(JSON.parse(stdout))
  const { samples, ...rest } = snapshot
  expect({ exit, runs: runs.length }).toEqual({ exit: 0, runs: 1 })
  expect(runs[0]!.snapshot).toEqual(JSON.parse(JSON.stringify(rest)))
  const lines = here.read('samples.ndjson').split('\n')
  expect(lines.pop()).toBe('')
  expect(lines.map((line): unknown => JSON.parse(line))).toEqual(JSON.parse(JSON.stringify(samples)))
})

test('--json of a run that was refused is one JSON document with the reason', async () => {
  const here = workspace()
  here.write(
    's.yaml',
    scenario('http://127.0.0.1:9/v1').replace('model: m,', 'model: m, apiKeyEnv: NOT_SET_KEY,'),
  )
  const { code, stdout } = await runCli(['run', 's.yaml', '--json'], { cwd: here.path })
  expect(code).toBe(2)
  expect(JSON.parse(stdout)).toMatchObject({
    exit: 2,
    runs: [{ error: expect.stringContaining('NOT_SET_KEY') }],
  })
})

test('output.keep: summary keeps the curves and no samples; output.samples still receives every one', async () => {
  const { url } = await fakeTarget()
  const here = workspace()
  here.write(
    's.yaml',
    scenario(url, 'output: { keep: summary, samples: all.ndjson }\nwarmup: { requests: 1 }'),
  )
  expect(await runCli(['run', 's.yaml', '--quiet'], { cwd: here.path })).toMatchObject({ code: 0 })
  const { samples, summary, curves } = await here.snapshot('s')
  expect(samples).toEqual([])
  expect(summary.map(({ n }) => n)).toEqual([3, 3])
  expect(curves.length).toBeGreaterThan(0)
  expect(here.read('all.ndjson').trimEnd().split('\n')).toHaveLength(MEASURED + 1)
})

test('--quiet writes the result and nothing else', async () => {
  const { url } = await fakeTarget()
  const here = workspace()
  here.write('s.yaml', scenario(url))
  const { code, stdout, stderr } = await runCli(['run', 's.yaml', '--quiet'], { cwd: here.path })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toContain('snapshot:')
})

test('two scenarios in one command: both run, one document, and the worse exit code', async () => {
  const { url } = await fakeTarget()
  const here = workspace()
  here.write('a.yaml', scenario(url))
  here.write('b.yaml', scenario(url, 'expectations: [ttft.p50 < 0.001 ms]'))
  const { code, stdout } = await runCli(['run', 'a.yaml', 'b.yaml', '--json'], { cwd: here.path })
  expect(code).toBe(1)
  expect(JSON.parse(stdout)).toMatchObject({ exit: 1, runs: [{ exit: 0 }, { exit: 1 }] })
})

test('--dry-run sends nothing, writes nothing, and prints plan, tokens and cost', async () => {
  const { url, asked } = await fakeTarget()
  const here = workspace()
  const price = 'model: m, price: { inputPerM: 10, outputPerM: 30 },'
  here.write('s.yaml', scenario(url, 'warmup: { requests: 2 }').replace('model: m,', price))
  const { code, stdout } = await runCli(['run', 's.yaml', '--dry-run'], { cwd: here.path })
  expect(code).toBe(0)
  expect(stdout).toContain('nothing was sent')
  expect(stdout).toMatch(/t, prompt-length\n.*\n +64\/8\/fresh\/c1\/reused +3 /)
  expect(stdout).toMatch(/t, warm-up\n.*\n +64\/8\/fresh\/c1\/reused +2 /)
  expect(stdout).toMatch(/8 requests, warm-up and priming\s+included/)
  const json = await runCli(['run', 's.yaml', '--dry-run', '--json'], { cwd: here.path })
  const tokens = { in: 3 * (64 + 256) + 2 * 64, out: 8 * 8 }
  const cost: unknown = expect.closeTo((tokens.in * 10 + tokens.out * 30) / 1e6, 9)
  expect(JSON.parse(json.stdout)).toMatchObject({
    exit: 0,
    runs: [
      {
        requests: 8,
        promptTokens: tokens.in,
        outputTokens: tokens.out,
        cost: [{ currency: 'USD', expected: cost, worst: cost }],
      },
    ],
  })
  expect(asked).toEqual([])
  expect(await here.snapshots('s')).toEqual([])
})

test('a dry run needs no key', async () => {
  const here = workspace()
  here.write(
    's.yaml',
    scenario('http://127.0.0.1:9/v1').replace('model: m,', 'model: m, apiKeyEnv: NOT_SET_KEY,'),
  )
  expect(await runCli(['run', 's.yaml', '--dry-run'], { cwd: here.path })).toMatchObject({ code: 0 })
})

test('probe measures an endpoint without a file, by its flags', async () => {
  const target = await fakeTarget()
  const here = workspace()
  const lists = ['--prompt-tokens', '64,128', '--output-tokens', '10', '--requests', '3']
  const flags = ['--model', 'm', ...lists, '--header', 'x-team: blue', '--api-key-env', 'MY_KEY', '--json']
  const { code, stdout } = await runCli(['probe', target.url, ...flags], {
    cwd: here.path,
    env: { MY_KEY: 'sk-0123456789abcdef' },
  })
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    exit: 0,
    runs: [{ scenario: 'probe', exit: 0, snapshot: { targets: [{ baseUrl: target.url, model: 'm' }] } }],
  })
  const { summary } = await here.snapshot('probe')
  expect(
    new Set(summary.map(({ promptTokens, outputTokens, n }) => `${promptTokens} ${outputTokens} ${n}`)),
  ).toEqual(new Set(['64 10 3', '128 10 3']))
  expect(target.asked.map(({ headers }) => [headers['x-team'], headers.authorization])).toEqual(
    target.asked.map(() => ['blue', 'Bearer sk-0123456789abcdef']),
  )
})

test('probe --concurrency keeps so many in flight', async () => {
  const target = await fakeTarget((asked, response) => stream(asked, response, { firstMs: 20 }))
  const here = workspace()
  const flags = [
    '--model',
    'm',
    '--prompt-tokens',
    '64',
    '--output-tokens',
    '8',
    '--concurrency',
    '1,4',
    '--requests',
    '8',
  ]
  expect(await runCli(['probe', target.url, ...flags], { cwd: here.path })).toMatchObject({ code: 0 })
  expect(target.mostInFlight()).toBe(4)
  const { summary } = await here.snapshot('probe')
  expect(new Set(summary.map(({ concurrency }) => concurrency))).toEqual(new Set([1, 4]))
})

test('probe refuses an address that nobody listens at with a sentence', async () => {
  const here = workspace()
  const { code, stdout, stderr } = await runCli(['probe', 'http://127.0.0.1:1/v1', '--model', 'm'], {
    cwd: here.path,
  })
  expect({ code, stdout: stdout.includes('    at ') }).toEqual({ code: 3, stdout: false })
  expect(stderr).toContain('http://127.0.0.1:1/v1 refused the connection: is the server running?')
})

test('probe --once --trace prints every event of one exchange with its time', async () => {
  const target = await fakeTarget((asked, response) => stream(asked, response, { firstMs: 30, gapMs: 15 }))
  const here = workspace()
  const flags = ['--model', 'm', '--prompt-tokens', '64', '--output-tokens', '8', '--once', '--trace']
  const { code, stdout } = await runCli(['probe', target.url, ...flags], { cwd: here.path })
  expect(code).toBe(0)
  expect(target.asked).toHaveLength(1)
  const rows = stdout.split('\n').flatMap((line) => {
    const [, at, gap, , what] = /^ *(\d+\.\d\d) +(-?\d+\.\d\d) +(\d+) +(.*)$/.exec(line) ?? []
    return at === undefined ? [] : [{ atMs: Number(at), gapMs: Number(gap), what }]
  })
  const output = rows.filter(({ what }) => what?.includes('text " the"'))
  expect(output).toHaveLength(8)
  expect(output[0]!.atMs).toBeGreaterThan(29)
  // A busy machine may hold one event up until the next is close behind; together they take seven gaps of 15 ms.
  for (const { gapMs } of output.slice(1)) expect(gapMs).toBeGreaterThanOrEqual(0)
  expect(output.at(-1)!.atMs - output[0]!.atMs).toBeGreaterThan(70)
  expect(rows[0]).toMatchObject({ what: expect.not.stringContaining('text') })
  expect(rows.at(-1)!.what).toContain('end of stream')
  expect(await here.snapshots('probe')).toEqual([])
})

test('probe without --model, or with --rate beside --concurrency, exits 2', async () => {
  const here = workspace()
  const url = 'http://127.0.0.1:1/v1'
  expect(await runCli(['probe', url], { cwd: here.path })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--model'),
  })
  const both = ['--rate', '5', '--max-in-flight', '9', '--concurrency', '2']
  expect(await runCli(['probe', url, '--model', 'm', ...both], { cwd: here.path })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--rate cannot stand beside --concurrency'),
  })
})
