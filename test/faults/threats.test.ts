/** The threat model, point by point where no other test shows it, and hostile text on the terminal. */
import { chmodSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { createTell, faultOfWebhook } from '../../src/schedule/tell.js'
import { startHealth } from '../../src/serve/health.js'
import { runCli, workspace } from '../support/cli.js'
import { fakeTarget, refuse } from '../support/fake-target.js'

const CANARY = 'sk-proj-Q7wE9rTyUiOpAsDfGhJkLzXcVbNm1234567890abcd'

/** Checks one scenario file. */
async function validate(text: string, flags: readonly string[] = []) {
  const here = workspace()
  here.write('s.yaml', text)
  return runCli(['validate', 's.yaml', ...flags], { cwd: here.path, env: { GITHUB_TOKEN: 'ghs_canary' } })
}

const PROBES = 'probes: [{ probe: prompt-length, promptTokens: [64], outputTokens: 8, blocks: 1 }]\n'

test.each([
  ['as the value of a header', `headers: { x-key: ${CANARY} }`],
  ['as the name of the key variable', `apiKeyEnv: ${CANARY}`],
  ['in the body', `body: { user: ${CANARY} }`],
])('threat 1: a literal key %s exits 2, and is not repeated', async (_, field) => {
  const text = `targets: [{ name: t, baseUrl: 'http://127.0.0.1:1/v1', model: m, ${field} }]\n${PROBES}`
  const { code, stdout, stderr } = await validate(text)
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(/s\.yaml:1:\d+: /) })
  expect(stdout + stderr).not.toContain(CANARY.slice(8))
})

test('threat 4: the key of a preset goes to no other host: an OpenAI target at another address gets none', async () => {
  const target = await fakeTarget()
  const here = workspace()
  here.write(
    's.yaml',
    `targets: [{ provider: openai, baseUrl: '${target.url}', model: gpt-4o-mini }]\n${PROBES}warmup: { requests: 0 }\n`,
  )
  const { stdout, stderr } = await runCli(['run', 's.yaml'], {
    cwd: here.path,
    env: { OPENAI_API_KEY: CANARY },
  })
  for (const { headers } of target.asked) expect(JSON.stringify(headers)).not.toContain(CANARY)
  expect(stdout + stderr).not.toContain(CANARY)
})

test('threat 5: workflows have least permissions, actions by hash, no pull_request_target, no inherited secrets', () => {
  const folder = new URL('../../.github/workflows/', import.meta.url)
  const Workflow = z.looseObject({ permissions: z.record(z.string(), z.string()), on: z.unknown() })
  const files = readdirSync(folder).filter((name) => /\.ya?ml$/.test(name))
  expect(files.length).toBeGreaterThan(0)
  for (const name of files) {
    const text = readFileSync(new URL(name, folder), 'utf8')
    const { permissions } = Workflow.parse(parse(text))
    expect(
      Object.values(permissions).filter((each) => each !== 'read' && each !== 'none'),
      name,
    ).toEqual([])
    expect(text, name).not.toMatch(/pull_request_target|secrets: *inherit/)
    for (const [, action = ''] of text.matchAll(/uses: *(\S+)/g))
      expect(action, name).toMatch(/@[0-9a-f]{40}$/)
  }
})

test('threat 7: a probe file outside of the folder of its scenario exits 2, and any with --no-code', async () => {
  const target = `targets: [{ name: t, baseUrl: 'http://127.0.0.1:1/v1', model: m }]\n`
  const outside = await validate(`${target}probes: [{ probe: ../../tmp/evil.mjs }]\n`)
  expect(outside).toMatchObject({ code: 2, stderr: expect.stringContaining('s.yaml:2') })
  const own = await validate(`${target}probes: [{ probe: ./mine.mjs }]\n`, ['--no-code'])
  expect(own).toMatchObject({ code: 2, stderr: expect.stringContaining('--no-code') })
})

test('threat 8: a variable that the scenario does not list is not filled in: ${GITHUB_TOKEN} exits 2', async () => {
  const text = `targets: [{ name: t, baseUrl: 'http://127.0.0.1:1/v1', model: m, body: { user: '\${GITHUB_TOKEN}' } }]\n${PROBES}`
  const { code, stdout, stderr } = await validate(text)
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('GITHUB_TOKEN') })
  expect(stdout + stderr).not.toContain('ghs_canary')
})

test('threat 9: an alert of a target named ";touch x" reaches the command as JSON on stdin, and no shell', async () => {
  const here = workspace()
  const command = here.write(
    'alert.sh',
    `#!/bin/sh\ncat > '${here.path}/told'\nenv > '${here.path}/env'\necho $# > '${here.path}/args'\n`,
  )
  chmodSync(command, 0o700)
  const name = `;touch ${join(here.path, 'x')}; $(touch ${join(here.path, 'x')})`
  const tell = createTell({ command, env: { PATH: process.env['PATH'], OPENAI_API_KEY: CANARY } })
  const alert = {
    kind: 'regression' as const,
    scenario: name,
    targets: [name],
    at: '2026-11-24T10:00:00.000Z',
    since: '2026-11-24T10:00:00.000Z',
    repeated: false,
    sentences: [name],
    snapshot: null,
  }
  expect(await tell(alert)).toBeNull()
  expect(JSON.parse(here.read('told'))).toEqual(alert)
  expect(here.read('args')).toBe('0\n')
  expect(here.read('env')).not.toContain(CANARY)
  expect(existsSync(join(here.path, 'x'))).toBe(false)
})

test.each([
  'http://169.254.169.254/latest/meta-data',
  'http://[fe80::1]/',
  'http://[::ffff:169.254.169.254]/',
  'http://2852039166/', // the same address as one number
  'http://[fd00:ec2::254]/',
  'ftp://example.com/',
])('threat 10: a webhook at %s is refused', (url) => {
  expect(faultOfWebhook(url)).not.toBeNull()
})

test('threat 11: metrics and the simulated provider are not offered to other machines without a token', async () => {
  const health = await startHealth({
    host: '0.0.0.0',
    port: 0,
    token: undefined,
    isAlive: () => true,
    metrics: () => '',
  })
  if (health.ok) await health.server.close()
  expect(health).toMatchObject({ ok: false, message: expect.stringContaining('--token-env') })
  const simulate = await runCli(['simulate', '--host', '0.0.0.0', '--port', '0'])
  expect(simulate).toMatchObject({ code: 2, stderr: expect.stringContaining('0.0.0.0') })
})

test('58: escapes, title changes, C1 and bidi controls in an error body reach neither terminal nor snapshot raw', async () => {
  const hostile = 'bad \u001b]0;owned\u0007 \u001b[2J \u009b31m \u202e evil \r over'
  const { url } = await fakeTarget((_, response) => refuse(response, 400, hostile))
  const here = workspace()
  const { code, stdout, stderr } = await runCli(['probe', url, '--model', 'm'], { cwd: here.path })
  expect(code).toBe(3)
  expect(stderr).toContain('owned')
  expect(stdout + stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/)
})

test('57: a broken answer that quotes the key, and an address that holds one, are never printed', async () => {
  const here = workspace()
  const secret = await runCli(['probe', `http://user:${CANARY}@127.0.0.1:1/v1`, '--model', 'm'], {
    cwd: here.path,
  })
  expect(secret.code).toBe(2)
  expect(secret.stdout + secret.stderr).not.toContain(CANARY)
  const broken = await runCli(['probe', `http://[${CANARY}`, '--model', 'm'], { cwd: here.path })
  expect(broken.code).toBe(2)
  expect(broken.stdout + broken.stderr).not.toContain(CANARY)
})
