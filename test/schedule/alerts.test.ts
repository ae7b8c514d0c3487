import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Alert, AlertState, Health } from '../../src/schedule/alert.js'
import { nextAlertState } from '../../src/schedule/alert.js'
import { createTell, faultOfWebhook } from '../../src/schedule/tell.js'

const HOUR = 3_600_000

/** What is told over a series of runs, one an hour, when everything that is due is delivered. */
function toldOver(runs: readonly Health[], repeatMs = 24 * HOUR): string[] {
  let state: AlertState | null = null
  return runs.map((health, hour) => {
    const nowMs = hour * HOUR
    const next = nextAlertState(state, health, { nowMs, repeatMs })
    state = next.alert === null || next.state === null ? next.state : { ...next.state, toldMs: nowMs }
    return next.alert === null ? '-' : `${next.alert.kind}${next.alert.repeated ? ' again' : ''}`
  })
}

describe('when an alert is due', () => {
  it.each<[string, Health[], string[]]>([
    ['good from the first run on is no news', ['ok', 'ok'], ['-', '-']],
    ['bad at the first run is', ['failure', 'failure'], ['failure', '-']],
    [
      'once a change of state',
      ['ok', 'regression', 'regression', 'ok', 'ok'],
      ['-', 'regression', '-', 'recovery', '-'],
    ],
    ['a failure that becomes a regression is a change', ['failure', 'regression'], ['failure', 'regression']],
    [
      'undecided ends a failure and no regression',
      ['failure', 'undecided', 'regression', 'undecided'],
      ['failure', 'recovery', 'regression', '-'],
    ],
    ['interrupted says nothing', ['regression', 'interrupted', 'regression'], ['regression', '-', '-']],
  ])('%s', (_, runs, told) => expect(toldOver(runs)).toEqual(told))

  it('what lasts is told again after the set time: a failure of 7 hours, every 3, is told 3 times', () => {
    expect(
      toldOver(
        Array.from({ length: 7 }, () => 'failure' as const),
        3 * HOUR,
      ),
    ).toEqual(['failure', '-', '-', 'failure again', '-', '-', 'failure again'])
  })

  it('what was never delivered is due at each run, and its recovery is no news', () => {
    const first = nextAlertState(null, 'failure', { nowMs: 0, repeatMs: HOUR })
    const second = nextAlertState(first.state, 'failure', { nowMs: 1, repeatMs: HOUR })
    expect(second.alert).toEqual({ kind: 'failure', repeated: false })
    expect(nextAlertState(second.state, 'ok', { nowMs: 2, repeatMs: HOUR }).alert).toBeNull()
  })
})

const alert = (target: string): Alert => {
  return {
    kind: 'failure',
    scenario: 'a',
    targets: [target],
    at: '2027-01-01T00:00:00.000Z',
    since: '2027-01-01T00:00:00.000Z',
    repeated: false,
    sentences: ['nobody answers'],
    snapshot: null,
  }
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'plumbline-alert-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

function program(path: string, script: string): string {
  const file = join(path, 'page me')
  writeFileSync(file, `#!/bin/sh\n${script}\n`)
  chmodSync(file, 0o755)
  return file
}

describe('an alert command', () => {
  it('is started without a shell: a target named ;touch x makes no file, and arrives on stdin as it is', async () => {
    const here = folder()
    const command = program(
      here,
      `cat > "${here}/seen"; echo "$#" > "${here}/arguments"; env > "${here}/env"`,
    )
    const name = `;touch ${here}/x;$(touch ${here}/x)`
    const env = { PATH: process.env['PATH'], OPENAI_API_KEY: 'sk-canary' }
    expect(await createTell({ command, env })(alert(name))).toBeNull()
    expect(JSON.parse(readFileSync(join(here, 'seen'), 'utf8'))).toEqual(alert(name))
    expect(readFileSync(join(here, 'arguments'), 'utf8')).toBe('0\n')
    expect(existsSync(join(here, 'x'))).toBe(false)
    expect(readFileSync(join(here, 'env'), 'utf8')).not.toContain('canary')
  })

  it.each([
    ['that fails is told with its code', 'exit 7', 'ended with 7'],
    ['that hangs is ended at the deadline', 'sleep 20', 'ended with SIGKILL'],
    ['that does not read is no fault', 'exec <&-; exit 0', null],
  ])('%s', async (_, script, fault) => {
    const command = program(folder(), script)
    const said = await createTell({ command, env: process.env, timeoutMs: 500 })(alert('t'))
    if (fault === null) expect(said).toBeNull()
    else expect(said).toContain(fault)
  })

  it('that is not there is told', async () => {
    const said = await createTell({ command: '/nowhere/page', env: {} })(alert('t'))
    expect(said).toContain('ENOENT')
  })
})

describe('a webhook', () => {
  async function hook(status: number, location?: string) {
    const got: string[] = []
    const server = createServer((request, response) => {
      let text = ''
      request.setEncoding('utf8').on('data', (part: string) => (text += part))
      request.on('end', () => {
        got.push(text)
        response.writeHead(status, location === undefined ? {} : { location }).end()
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    return { got, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?token=secret` }
  }

  it('gets the alert as JSON; an answer that is no success is told without the address', async () => {
    const good = await hook(204)
    expect(await createTell({ webhook: good.url, env: {} })(alert('t'))).toBeNull()
    expect(JSON.parse(good.got[0] ?? '')).toEqual(alert('t'))
    const bad = await hook(500)
    const said = await createTell({ webhook: bad.url, env: {} })(alert('t'))
    expect(said).toBe('the webhook answered 500')
  })

  it('is not followed where it redirects', async () => {
    const second = await hook(200)
    const first = await hook(307, second.url)
    expect(await createTell({ webhook: first.url, env: {} })(alert('t'))).toBe('the webhook answered 307')
    expect(second.got).toEqual([])
  })

  it.each([
    'http://169.254.169.254/latest/meta-data/',
    'http://[fe80::1]/',
    'http://[::ffff:169.254.169.254]/',
    'http://[fd00:ec2::254]/',
    'http://2852039166/',
    'http://0xa9.0xfe.0xa9.0xfe/',
  ])('at %s is refused', async (url) => {
    expect(faultOfWebhook(url)).toContain('link-local')
    expect(await createTell({ webhook: url, env: {} })(alert('t'))).toContain('link-local')
  })

  it('must be http or https', () => {
    expect(faultOfWebhook('file:///etc/passwd')).toContain('http')
    expect(faultOfWebhook('nonsense')).toContain('no URL')
    expect(faultOfWebhook('https://hooks.example/T0/B0')).toBeNull()
  })
})
