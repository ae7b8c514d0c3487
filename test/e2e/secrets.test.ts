/** A server that throws the key back in every way it can: no byte of ours holds it. */
import { readFileSync, readdirSync, statSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { CliResult } from '../support/cli.js'
import { runCli, startCli, workspace } from '../support/cli.js'
import type { Asked } from '../support/fake-target.js'
import { fakeTarget, refuse, stream } from '../support/fake-target.js'
import { formsOf, jsonEscaped } from '../support/secret-forms.js'

/** Every character that some encoding changes, and long enough to be a key. */
const KEY = 'k3y"with\\every+kind/of=odd&<sign>%~0123456789'
/** A second one, as the value of a header. */
const HEADER_SECRET = 'Zm9v-tenant-secret:98765432'

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const url64 = (text: string): string => Buffer.from(text).toString('base64url')
const hex = (text: string): string => Buffer.from(text).toString('hex')

/** What a server may send back of a secret; in base64 at all three alignments. */
const echoes = (secret: string): string[] => [
  secret,
  ...[secret, `Bearer ${secret}`, `u:${secret}`].flatMap((text) => [base64(text), url64(text)]),
  encodeURIComponent(secret),
  jsonEscaped(secret),
  jsonEscaped(jsonEscaped(secret)),
  hex(secret),
  hex(secret).toUpperCase(),
]

/** What must stand nowhere. */
const FORBIDDEN = [KEY, HEADER_SECRET].flatMap(formsOf)

/** Which forms of a secret stand in the text, however it is cut. */
const leaks = (text: string): string[] => FORBIDDEN.filter((form) => text.includes(form))

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
}

function expectNoLeak(folder: string, result: CliResult): void {
  expect(leaks(result.stdout), 'stdout').toEqual([])
  expect(leaks(result.stderr), 'stderr').toEqual([])
  const files = filesUnder(folder)
  for (const file of files) expect(leaks(readFileSync(file, 'latin1')), file).toEqual([])
}

/** All of a secret's forms, on one line. */
const echoOf = (asked: Asked): string =>
  [asked.headers.authorization?.slice('Bearer '.length), String(asked.headers['x-tenant-token'])]
    .flatMap((secret) => echoes(secret ?? ''))
    .join(' ')

/** Each request meets another way of being told its own key. */
function echo(asked: Asked, response: ServerResponse): void | Promise<void> {
  const said = echoOf(asked)
  const headers = { 'x-request-id': said, 'openai-processing-ms': said, 'cf-ray': said, server: said }
  switch (asked.number % 5) {
    case 0:
      return refuse(response, 500, said, headers)
    case 1:
      response.writeHead(503, { 'content-type': 'text/html', ...headers })
      response.end(`<html>${said}</html>`)
      return
    case 2:
      response.writeHead(200, { 'content-type': 'text/event-stream', ...headers })
      response.end(`data: ${JSON.stringify({ error: { message: said, type: said, code: said } })}\n\n`)
      return
    case 3:
      response.writeHead(200, { 'content-type': 'text/event-stream', ...headers })
      response.end(`data: ${said}\n\ndata: {"choices": "${KEY}"}\n\ndata: [DONE]\n\n`)
      return
    default:
      return stream(asked, response, { headers, model: said, fingerprint: said, text: said })
  }
}

const ENV = { PLUMBLINE_TEST_KEY: KEY, PLUMBLINE_TEST_TENANT: HEADER_SECRET }

const scenario = (url: string, rest = ''): string => `targets:
  - name: t
    baseUrl: '${url}'
    model: m
    apiKeyEnv: PLUMBLINE_TEST_KEY
    headers: { x-tenant-token: { env: PLUMBLINE_TEST_TENANT } }
    tokenizer: o200k_base
probes:
  - { probe: prompt-length, promptTokens: [64, 128], outputTokens: 8, blocks: 10 }
errorLimit: 100%
retries: { attempts: 1 }
${rest}`

const secretFlags = ['--api-key-env', 'PLUMBLINE_TEST_KEY', '--header', `x-tenant-token: ${HEADER_SECRET}`]

test('run: an echoed key is in no output, snapshot, sample file or message', async () => {
  const { url, asked } = await fakeTarget(echo)
  const here = workspace()
  here.write('s.yaml', scenario(url))
  const result = await runCli(['run', 's.yaml', '--samples', 'samples.ndjson'], { cwd: here.path, env: ENV })
  expect(result.code).toBe(0)
  expect(asked[0]!.headers.authorization).toBe(`Bearer ${KEY}`)
  expect(asked[0]!.headers['x-tenant-token']).toBe(HEADER_SECRET)
  const { samples } = await here.snapshot('s')
  expect(new Set(samples.map(({ outcome }) => outcome))).toEqual(
    new Set(['ok', 'http-5xx', 'stream-error', 'empty']),
  )
  // It did come back: what replaces it stands there.
  expect(here.read('samples.ndjson')).toContain('[redacted]')
  expectNoLeak(here.path, result)
})

test('run --json: an echoed key is not in the document', async () => {
  const { url } = await fakeTarget(echo)
  const here = workspace()
  here.write('s.yaml', scenario(url))
  const result = await runCli(['run', 's.yaml', '--json'], { cwd: here.path, env: ENV })
  expect(JSON.parse(result.stdout)).toMatchObject({ exit: 0 })
  expectNoLeak(here.path, result)
})

test('SIGKILL: an echoed key is not in the journal', async () => {
  // One after another: when the last is asked, which nobody answers, those before it are in the journal.
  const { url, asked } = await fakeTarget((one, response) =>
    one.number > 15 ? undefined : echo(one, response),
  )
  const here = workspace()
  here.write('s.yaml', scenario(url))
  const run = await startCli(['run', 's.yaml'], { cwd: here.path, env: ENV })
  await run.until(() => asked.length > 15)
  run.process.kill('SIGKILL')
  const result = await run.ended
  expect(here.journals('s')).toHaveLength(1)
  expect(readFileSync(here.journals('s')[0]!, 'utf8')).toContain('[redacted]')
  expectNoLeak(here.path, result)
})

test.each([401, 404])('a %i whose body is the key names the variable, not the key', async (status) => {
  const { url } = await fakeTarget((asked, response) => refuse(response, status, echoOf(asked)))
  const here = workspace()
  const result = await runCli(['probe', url, '--model', 'm', ...secretFlags], { cwd: here.path, env: ENV })
  expect(result.code).toBe(3)
  if (status !== 404) expect(result.stderr).toContain('PLUMBLINE_TEST_KEY')
  expectNoLeak(here.path, result)
})

test.each(['', '--json'])('probe --once --trace %s: an echoed key is not in the events', async (json) => {
  for (const number of [2, 3, 4]) {
    const { url } = await fakeTarget((asked, response) => echo({ ...asked, number }, response))
    const here = workspace()
    const flags = ['--model', 'm', '--once', '--trace', ...secretFlags, ...(json === '' ? [] : [json])]
    const result = await runCli(['probe', url, ...flags], { cwd: here.path, env: ENV })
    expect(result.stdout).not.toBe('')
    expectNoLeak(here.path, result)
  }
})

test('a key inside the base URL is refused and not repeated', async () => {
  const here = workspace()
  const url = `http://user:${encodeURIComponent(KEY)}@127.0.0.1:1/v1?api_key=${encodeURIComponent(KEY)}`
  const result = await runCli(['probe', url, '--model', 'm'], { cwd: here.path, env: ENV })
  expect(result.code).toBe(2)
  expectNoLeak(here.path, result)
})
