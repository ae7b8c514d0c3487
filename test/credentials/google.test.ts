import { expect, it } from 'vitest'
import { openGoogle, type Token } from '../../src/credentials/google.js'

const AT = Date.UTC(2026, 10, 24)
const MINUTE = 60_000
const request = { method: 'POST', path: '/', headers: {}, body: '{}' }
const options = { name: 'vx', tokenEnv: 'GOOGLE_ACCESS_TOKEN' }

/** Tokens of an hour, numbered. */
function hourly() {
  const seen = { calls: 0, broken: false, nowMs: AT }
  const source = (): Promise<Token> => {
    if (seen.broken) return Promise.reject(new Error('invalid_grant'))
    seen.calls++
    return Promise.resolve({ value: `ya29.${seen.calls}`, expiresUtcMs: seen.nowMs + 60 * MINUTE })
  }
  return { seen, source: () => Promise.resolve(source) }
}

it('a token is fetched once an hour, 5 minutes before it expires, whatever the number of requests', async () => {
  const { seen, source } = hourly()
  const told: string[] = []
  const onSecret = (secret: string): void => void told.push(secret)
  const opened = await openGoogle({ ...options, source, onSecret }, AT)
  if (!opened.ok) throw new Error(opened.message)
  expect(opened.secrets).toEqual(['ya29.1'])
  for (let minute = 0; minute < 120; minute++) {
    seen.nowMs = AT + minute * MINUTE
    const made = await opened.authorize(request, seen.nowMs)
    if ('problem' in made) throw new Error(made.problem)
    expect(made.headers).toEqual({ authorization: `Bearer ya29.${seen.calls}` })
    expect(made.untilUtcMs).toBeGreaterThanOrEqual(seen.nowMs)
  }
  expect(seen.calls).toBe(3)
  expect(told).toEqual(['ya29.2', 'ya29.3'])
})

it('a renewal that fails is borne until the token has expired, then told', async () => {
  const { seen, source } = hourly()
  const opened = await openGoogle({ ...options, source }, AT)
  if (!opened.ok) throw new Error(opened.message)
  seen.broken = true
  expect(await opened.authorize(request, AT + 58 * MINUTE)).toMatchObject({ headers: expect.anything() })
  expect(await opened.authorize(request, AT + 60 * MINUTE)).toMatchObject({
    problem: expect.stringContaining('invalid_grant'),
  })
})

it('without the library: which variable to set and what to install', async () => {
  const opened = await openGoogle({ ...options, source: () => Promise.resolve(null) }, AT)
  expect(opened).toMatchObject({
    ok: false,
    message: expect.stringMatching(/set GOOGLE_ACCESS_TOKEN.*npm install google-auth-library/),
  })
})

it('without credentials: the reason, and what to do', async () => {
  const { seen, source } = hourly()
  seen.broken = true
  const opened = await openGoogle({ ...options, source }, AT)
  expect(opened).toMatchObject({
    ok: false,
    message: expect.stringContaining('gcloud auth application-default'),
  })
})
