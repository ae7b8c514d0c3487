/** What lets a target's requests in: keys in headers, or credentials of its cloud. */
import { readSecrets } from '../credentials/api-key.js'
import type { Environment } from '../credentials/api-key.js'
import { openAws } from '../credentials/aws.js'
import type { Authorize, CloudAccess, OnSecret } from '../credentials/authorize.js'
import { openGoogle } from '../credentials/google.js'
import type { KeyHeader } from '../protocol/protocol.js'
import type { Target } from '../scenario/scenario.js'
import type { Clock } from '../units/time.js'
import type { Prepared } from './prepare.js'

export type Access =
  | {
      ok: true
      headers: Readonly<Record<string, string>>
      secrets: string[]
      /** Undefined where the headers are all. */
      authorize: Authorize | undefined
    }
  | { ok: false; message: string }

export interface AccessOptions {
  clock: Clock
  env: Environment
  /** Secret headers given on the command line. */
  extraHeaders: Readonly<Record<string, string>>
  onSecret?: OnSecret | undefined
}

/** A variable that holds the key goes before the credentials of a cloud, and a header given by hand before both. */
export async function openAccess(
  target: Target,
  keyHeader: KeyHeader,
  origin: string,
  { clock, env, extraHeaders, onSecret }: AccessOptions,
): Promise<Access> {
  const { name, apiKeyEnv, cloud } = target
  const isGiven = (header: string): boolean =>
    [...Object.keys(target.headers), ...Object.keys(extraHeaders)].some((key) => key.toLowerCase() === header)
  const hasKey = apiKeyEnv !== null && Boolean(env[apiKeyEnv]?.trim())
  if (cloud === null || hasKey || isGiven('authorization')) {
    // Beside a cloud the variable is one way of several.
    const sources = { ...target, keyHeader, apiKeyEnv: cloud === null || hasKey ? apiKeyEnv : null }
    const read = readSecrets(sources, env, extraHeaders)
    return read.ok ? { ...read, authorize: undefined } : read
  }
  const read = readSecrets({ ...target, keyHeader, apiKeyEnv: null }, env, extraHeaders)
  if (!read.ok) return read
  const utcMs = clock.utcMs()
  const opened: CloudAccess =
    cloud === 'aws'
      ? await openAws({ name, origin, region: target.region, env, utcMs, onSecret })
      : await openGoogle({ name, tokenEnv: apiKeyEnv ?? 'GOOGLE_ACCESS_TOKEN', onSecret }, utcMs)
  if (!opened.ok) return opened
  return {
    ok: true,
    headers: read.headers,
    secrets: [...read.secrets, ...opened.secrets],
    authorize: opened.authorize,
  }
}

/** Signs the request, or puts its token in, unless what it has still holds. Null, or why it cannot be done. */
export async function authorize(prepared: Prepared, utcMs: number): Promise<string | null> {
  const { target, request, authorizedUntilUtcMs = 0 } = prepared
  if (target.authorize === undefined || utcMs < authorizedUntilUtcMs) return null
  const authorization = await target.authorize(request, utcMs)
  if ('problem' in authorization) return `target ${target.target.name}: ${authorization.problem}`
  prepared.request = { ...request, headers: { ...request.headers, ...authorization.headers } }
  prepared.authorizedUntilUtcMs = authorization.untilUtcMs
  return null
}
