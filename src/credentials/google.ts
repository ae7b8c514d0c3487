/** Access tokens of Google Cloud, from application default credentials; renewed before they expire. */
import { loadOptional, reasonOf, type CloudAccess, type OnSecret } from './authorize.js'

export interface GoogleOptions {
  /** Name of the target, for sentences. */
  name: string
  /** Variable that could hold a token instead, for sentences. */
  tokenEnv: string
  onSecret?: OnSecret | undefined
  /** Where tokens come from. @default loadSource */
  source?: (() => Promise<TokenSource | null>) | undefined
}

export interface Token {
  value: string
  /** Wall clock, milliseconds; undefined where the source does not say. */
  expiresUtcMs?: number | undefined
}

export type TokenSource = () => Promise<Token>

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform'
/** A token is renewed this long before it expires, so that none expires under a long answer. */
const RENEW_BEFORE_MS = 5 * 60_000
const RETRY_AFTER_MS = 30_000
// Google's last an hour.
const USUAL_LIFE_MS = 55 * 60_000

/** Asks once for a token, so that what is missing shows before anything is sent. */
export async function openGoogle(options: GoogleOptions, utcMs: number): Promise<CloudAccess> {
  const { name, tokenEnv } = options
  const ways = `set ${tokenEnv} (gcloud auth print-access-token), or run gcloud auth application-default login`
  const source = await (options.source ?? loadSource)()
  if (source === null) {
    const message = `target ${name} needs a Google Cloud token: set ${tokenEnv} (gcloud auth print-access-token), or run npm install google-auth-library beside llm-plumbline to use application default credentials`
    return { ok: false, message }
  }
  const fetched = await fetchToken(source, utcMs)
  if ('problem' in fetched)
    return {
      ok: false,
      message: `target ${name} found no Google Cloud credentials (${fetched.problem}): ${ways}`,
    }

  let current = fetched
  let triedUtcMs = utcMs
  return {
    ok: true,
    secrets: [current.value],
    authorize: async (_request, nowUtcMs) => {
      const leftMs = current.expiresUtcMs - nowUtcMs
      if (leftMs < RENEW_BEFORE_MS && (nowUtcMs - triedUtcMs > RETRY_AFTER_MS || leftMs <= 0)) {
        triedUtcMs = nowUtcMs
        const renewed = await fetchToken(source, nowUtcMs)
        if (!('problem' in renewed)) {
          current = renewed
          options.onSecret?.(renewed.value)
        } else if (leftMs <= 0)
          return { problem: `the Google Cloud token could not be renewed: ${renewed.problem}` }
      }
      const untilUtcMs = Math.max(current.expiresUtcMs - RENEW_BEFORE_MS, nowUtcMs)
      return { headers: { authorization: `Bearer ${current.value}` }, untilUtcMs }
    },
  }
}

async function fetchToken(
  source: TokenSource,
  utcMs: number,
): Promise<{ value: string; expiresUtcMs: number } | { problem: string }> {
  try {
    const { value, expiresUtcMs } = await source()
    return { value, expiresUtcMs: expiresUtcMs ?? utcMs + USUAL_LIFE_MS }
  } catch (error) {
    return { problem: reasonOf(error) }
  }
}

async function loadSource(): Promise<TokenSource | null> {
  const module = await loadOptional(() => import('google-auth-library'))
  if (module === null) return null
  const auth = new module.GoogleAuth({ scopes: [SCOPE] })
  return async () => {
    const client = await auth.getClient()
    const { token } = await client.getAccessToken()
    if (!token) throw new Error('the credentials gave no token')
    const { expiry_date: expiresUtcMs } = client.credentials
    return { value: token, ...(typeof expiresUtcMs === 'number' && { expiresUtcMs }) }
  }
}
