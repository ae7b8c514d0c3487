/** Brings an alert to a command's stdin or to a webhook. */
import { spawn } from 'node:child_process'
import { lookup } from 'node:dns'
import { BlockList, isIP } from 'node:net'
import type { LookupFunction } from 'node:net'
import { Agent, request } from 'undici'
import type { Alert } from './alert.js'

export interface TellOptions {
  /** Path of a program; it is given the alert as JSON on stdin, and no arguments. */
  command?: string | undefined
  webhook?: string | undefined
  /** What the command sees of the environment: no keys. */
  env: Readonly<Record<string, string | undefined>>
  /** @default 30000 */
  timeoutMs?: number | undefined
}

/** Why it was not delivered, or null. Never more than the timeout. */
export type Tell = (alert: Alert) => Promise<string | null>

const PASSED_ON = ['PATH', 'HOME', 'USER', 'LANG', 'TZ', 'TMPDIR', 'SystemRoot'] as const

export function createTell({ command, webhook, env, timeoutMs = 30_000 }: TellOptions): Tell {
  return async (alert) => {
    const body = `${JSON.stringify(alert)}\n`
    const faults = await Promise.all([
      command === undefined ? null : tellCommand(command, body, env, timeoutMs),
      webhook === undefined ? null : tellWebhook(webhook, body, timeoutMs),
    ])
    const said = faults.filter((fault) => fault !== null)
    return said.length === 0 ? null : said.join('; ')
  }
}

/** No shell, no argument: whatever a target is called, it is data. */
function tellCommand(
  command: string,
  body: string,
  env: TellOptions['env'],
  timeoutMs: number,
): Promise<string | null> {
  return new Promise((resolve) => {
    const child = spawn(command, [], {
      shell: false,
      stdio: ['pipe', 'ignore', 'ignore'],
      env: Object.fromEntries(PASSED_ON.map((name) => [name, env[name]])),
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    })
    child.once('error', (error) => {
      const code = 'code' in error ? String(error.code) : error.name
      resolve(`the alert command cannot be run (${code})`)
    })
    child.once('close', (code, signal) =>
      resolve(code === 0 ? null : `the alert command ended with ${code ?? signal ?? 'an error'}`),
    )
    child.stdin.on('error', () => undefined) // it need not read
    child.stdin.end(body)
  })
}

/** Where the clouds' metadata services answer, with credentials: 169.254.0.0/16, fe80::/10, AWS's address in IPv6. */
const refused = new BlockList()
refused.addSubnet('169.254.0.0', 16, 'ipv4')
refused.addSubnet('::ffff:169.254.0.0', 112, 'ipv6')
refused.addSubnet('fe80::', 10, 'ipv6')
refused.addAddress('fd00:ec2::254', 'ipv6')

function isRefused(address: string): boolean {
  const version = isIP(address)
  return version !== 0 && refused.check(address, version === 6 ? 'ipv6' : 'ipv4')
}

/** What is wrong with a webhook's address, or null. The address itself may be a secret, so it is never repeated. */
export function faultOfWebhook(url: string): string | null {
  if (!URL.canParse(url)) return 'the address of the webhook is no URL'
  const { protocol, hostname } = new URL(url)
  if (protocol !== 'http:' && protocol !== 'https:') return 'the webhook must start with http:// or https://'
  if (isRefused(hostname.replace(/^\[|\]$/g, ''))) {
    return 'the webhook is at a link-local address, where clouds keep credentials: it is not called'
  }
  return null
}

/** Asked at the connection itself: a name may have led elsewhere when it was checked. */
const guardedLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, [])
    if (addresses.some(({ address }) => isRefused(address))) {
      return callback(Object.assign(new Error('link-local'), { code: 'LINK_LOCAL' }), [])
    }
    if (options.all === true) return callback(null, addresses)
    const [first] = addresses
    return callback(null, first?.address ?? '', first?.family)
  })
}

async function tellWebhook(url: string, body: string, timeoutMs: number): Promise<string | null> {
  const fault = faultOfWebhook(url)
  if (fault !== null) return fault
  const agent = new Agent({ connect: { lookup: guardedLookup, timeout: timeoutMs } })
  try {
    // undici's request follows no redirect.
    const { statusCode, body: answer } = await request(url, {
      dispatcher: agent,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      signal: AbortSignal.timeout(timeoutMs),
    })
    await answer.dump({ limit: 65_536 })
    return statusCode < 300 ? null : `the webhook answered ${statusCode}`
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'no answer in time'
    return `the webhook was not reached (${code})`
  } finally {
    await agent.destroy()
  }
}
