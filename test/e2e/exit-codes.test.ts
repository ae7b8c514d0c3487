/** How a run ends when something is wrong: by the table of exit codes, with a sentence that says what to do. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { runCli, startSimulate, workspace } from '../support/cli.js'
import { countTokens, fakeTarget, refuse, stream } from '../support/fake-target.js'

interface Plan {
  url: string
  target?: string
  probes?: string
  rest?: string
}

const scenario = ({ url, target = '', probes, rest = '' }: Plan): string =>
  `targets:
  - { name: t, baseUrl: '${url}', model: m, tokenizer: o200k_base${target} }
probes:
  - ${probes ?? '{ probe: prompt-length, promptTokens: [64, 128], outputTokens: 8, blocks: 2 }'}
${rest}`

async function run(plan: Plan, flags: readonly string[] = [], env: Record<string, string> = {}) {
  const here = workspace()
  here.write('s.yaml', scenario(plan))
  const result = await runCli(['run', 's.yaml', '--quiet', ...flags], { cwd: here.path, env })
  return { ...result, here }
}

/** An address that nobody listens at. */
async function closedUrl(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return `http://127.0.0.1:${port}/v1`
}

test('a run that did all it should exits 0', async () => {
  const { url } = await fakeTarget()
  expect(await run({ url })).toMatchObject({ code: 0, stderr: '' })
})

test('a wrong scenario exits 2 with file, line and column, and nothing is sent', async () => {
  const { url, asked } = await fakeTarget()
  const probes = "{ probe: prompt-length, promptTokens: [64, '8k'] }"
  const { code, stderr, stdout } = await run({ url, probes })
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(
    /^s\.yaml:4:\d+: probes\[0\]\.promptTokens\[1\] must be a whole number ≥ 1, got '8k'/,
  )
  expect(asked).toEqual([])
})

test('a missing key variable exits 2 with its name, and nothing is sent', async () => {
  const { url, asked } = await fakeTarget()
  const { code, stderr } = await run({ url, target: ', apiKeyEnv: PLUMBLINE_TEST_KEY' })
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('PLUMBLINE_TEST_KEY') })
  expect(asked).toEqual([])
})

test('a refused connection exits 3 with the URL', async () => {
  const url = await closedUrl()
  const { code, stderr } = await run({ url })
  expect({ code, stderr }).toEqual({
    code: 3,
    stderr: expect.stringContaining(`${url} refused the connection`),
  })
})

test('a wrong key exits 3 at the first request and names the variable', async () => {
  const { url, asked } = await fakeTarget((_, response) =>
    refuse(response, 401, 'Incorrect API key provided'),
  )
  const { code, stderr } = await run({ url, target: ', apiKeyEnv: MY_KEY' }, [], {
    MY_KEY: 'sk-0123456789abcdef',
  })
  expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringMatching(/401 from t: .*check MY_KEY/s) })
  expect(asked).toHaveLength(1)
})

test('a server that does not stream exits 3 and hears so', async () => {
  const { url, asked } = await fakeTarget((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end('{"choices":[{"message":{"content":"whole"}}]}')
  })
  const { code, stderr } = await run({ url })
  expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringContaining('it does not stream') })
  expect(asked).toHaveLength(1)
})

test('an error share above the limit exits 3 after 20 tries, and no latency is taken from a failure', async () => {
  const { url, asked } = await fakeTarget((_, response) => refuse(response, 500, 'out of order'))
  const probes = '{ probe: prompt-length, promptTokens: [64], outputTokens: 8, blocks: 100 }'
  const rest = 'retries: { attempts: 1 }\nwarmup: { requests: 0 }'
  const { code, stderr, here } = await run({ url, probes, rest })
  expect({ code, stderr }).toEqual({
    code: 3,
    stderr: expect.stringMatching(/20 of 20 requests failed, .*5 %/),
  })
  expect(asked).toHaveLength(20)
  const { summary } = await here.snapshot('s')
  expect(summary).toEqual([
    expect.objectContaining({ n: 0, ttft: null, e2e: null, errors: { 'http-5xx': 20 } }),
  ])
})

test('a small run of which too much failed exits 3 as well', async () => {
  const { url } = await fakeTarget((asked, response) =>
    asked.number === 4 ? refuse(response, 400, 'no') : stream(asked, response),
  )
  const { code, stderr } = await run({ url, rest: 'warmup: { requests: 1 }' })
  expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringContaining('1 of 5 requests failed') })
})

test('an expectation that is not met exits 1', async () => {
  const { url } = await fakeTarget()
  const { code, stdout } = await run({ url, rest: 'expectations: [ttft.p50 < 0.001 ms, errors < 1%]' })
  expect({ code, stdout }).toEqual({ code: 1, stdout: expect.stringContaining('ttft.p50 < 0.001 ms') })
})

test('a spent budget of requests exits 3, and the server saw no more than the budget', async () => {
  const { url, asked } = await fakeTarget()
  const { code, stderr, here } = await run({ url }, ['--budget-requests', '4'])
  expect({ code, stderr }).toEqual({
    code: 3,
    stderr: expect.stringContaining('budget of requests leaves no room'),
  })
  expect(asked).toHaveLength(4)
  expect(await here.snapshot('s')).toMatchObject({ partial: true, spent: { requests: 4 } })
})

test('a budget of tokens holds at concurrency 8 by the count of the server', async () => {
  const cap = 3000
  let used = 0
  const target = await fakeTarget((asked, response) => {
    used += countTokens(asked.prompt) + asked.outputTokens
    return stream(asked, response, { firstMs: 5 })
  })
  const probes = '{ probe: concurrency, concurrency: [8], promptTokens: 100, outputTokens: 20, blocks: 20 }'
  const { code, stderr } = await run({ url: target.url, probes }, ['--budget-tokens', String(cap)])
  expect({ code, stderr }).toEqual({
    code: 3,
    stderr: expect.stringContaining('budget of tokens leaves no room'),
  })
  expect(target.mostInFlight()).toBe(8)
  expect(used).toBeLessThanOrEqual(cap)
  // Nor is it left lying: what remains would not have carried one more request at its worst.
  expect(used).toBeGreaterThan(cap - 8 * (100 + 20 + 64))
})

test('a budget of money holds at the prices of the target', async () => {
  const { url, asked } = await fakeTarget()
  const price = ', price: { currency: USD, inputPerM: 1000, outputPerM: 1000 }'
  const { code, stderr, here } = await run({ url, target: price }, ['--budget-cost', '0.4'])
  expect({ code, stderr }).toEqual({
    code: 3,
    stderr: expect.stringContaining('budget of cost leaves no room'),
  })
  const charged = asked.reduce((sum, one) => sum + countTokens(one.prompt) + one.outputTokens, 0) / 1000
  expect(charged).toBeLessThanOrEqual(0.4)
  const { spent } = await here.snapshot('s')
  expect(spent.cost?.currency).toBe('USD')
  expect(spent.cost?.amount).toBeCloseTo(charged, 9)
})

test('a redirect is never followed: exit 3 with its host, and the other server sees nothing', async () => {
  const other = await fakeTarget()
  const { url, asked } = await fakeTarget((_, response) => {
    response.writeHead(307, { location: `${other.url}/chat/completions?token=of-the-server` }).end()
  })
  const { code, stderr } = await run({ url, target: ', apiKeyEnv: MY_KEY' }, [], {
    MY_KEY: 'sk-0123456789abcdef',
  })
  expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringContaining(new URL(other.url).host) })
  expect(stderr).not.toContain('of-the-server')
  expect(asked).toHaveLength(1)
  expect(other.asked).toEqual([])
})

test('429 with retry-after is waited for, and each try is a sample of its own with a prompt of its own', async () => {
  const { url, asked } = await fakeTarget((one, response) =>
    one.number === 2 ? refuse(response, 429, 'slow down', { 'retry-after': '1' }) : stream(one, response),
  )
  const { code, here } = await run({ url, rest: 'warmup: { requests: 1 }' })
  expect(code).toBe(0)
  expect(asked[2]!.atMs - asked[1]!.atMs).toBeGreaterThanOrEqual(1000)
  expect(asked[2]!.prompt).not.toBe(asked[1]!.prompt)
  const { samples, summary } = await here.snapshot('s')
  const [, refused, again] = samples
  expect(refused).toMatchObject({ outcome: 'http-429', attempt: 1, status: 429, ttft: null })
  expect(again).toMatchObject({ outcome: 'ok', attempt: 2, cell: refused!.cell, block: refused!.block })
  // The wait is in no latency but the one that is counted from the intended start.
  expect(again!.ttftIntended! - again!.ttft!).toBeGreaterThanOrEqual(1000)
  expect(summary.map(({ n }) => n)).toEqual([2, 2])
})

test('a Retry-After beyond what the scenario is willing to wait fails the request at once', async () => {
  const { url, asked } = await fakeTarget((one, response) =>
    one.number === 2 ? refuse(response, 429, 'tomorrow', { 'retry-after': '86400' }) : stream(one, response),
  )
  const { code, stderr } = await run({ url, rest: 'warmup: { requests: 1 }' })
  expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringContaining('1 of 5 requests failed') })
  expect(asked).toHaveLength(5)
})

test('a results folder that cannot be written exits 2 before anything is sent', async () => {
  const { url, asked } = await fakeTarget()
  const here = workspace()
  here.write('s.yaml', scenario({ url }))
  here.write('file', 'no folder')
  const { code, stderr } = await runCli(['run', 's.yaml', '--out', 'file'], { cwd: here.path })
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('file') })
  expect(asked).toEqual([])
})

test('the simulated provider asks for its key, and the wrong one exits 3', async () => {
  const url = await startSimulate(
    ['--profile', 'exact', '--model', 'm', '--api-key-env', 'PLUMBLINE_SIM_KEY'],
    {
      PLUMBLINE_SIM_KEY: 'sk-of-the-simulator-1234',
    },
  )
  const target = ', apiKeyEnv: MY_KEY'
  const right = await run({ url, target }, [], { MY_KEY: 'sk-of-the-simulator-1234' })
  expect(right).toMatchObject({ code: 0 })
  const wrong = await run({ url, target }, [], { MY_KEY: 'sk-of-somebody-else-1234' })
  expect(wrong).toMatchObject({ code: 3, stderr: expect.stringContaining('check MY_KEY') })
})
