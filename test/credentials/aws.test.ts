/** Signatures against AWS's published test suite, and where keys and regions come from. */
import { describe, expect, it } from 'vitest'
import { openAws } from '../../src/credentials/aws.js'
import { signAws } from '../../src/credentials/aws-signature.js'

// "Signature Version 4 test suite" of AWS: one set of example keys, one instant, one signature for each request.
const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }
const AT = Date.UTC(2015, 7, 30, 12, 36, 0)
const scope = { host: 'example.amazonaws.com', region: 'us-east-1', service: 'service' }
const FORM = 'application/x-www-form-urlencoded'
const TOKEN =
  'AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=='

describe('AWS Signature Version 4, published test suite', () => {
  it.each([
    [
      'get-vanilla',
      'GET',
      '/',
      {},
      null,
      {},
      'host;x-amz-date',
      '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
    ],
    [
      'post-vanilla',
      'POST',
      '/',
      {},
      '',
      {},
      'host;x-amz-date',
      '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
    ],
    [
      'get-vanilla-query-order-key-case',
      'GET',
      '/?Param2=value2&Param1=value1',
      {},
      null,
      {},
      'host;x-amz-date',
      'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    ],
    [
      'post-x-www-form-urlencoded',
      'POST',
      '/',
      { 'content-type': FORM },
      'Param1=value1',
      {},
      'content-type;host;x-amz-date',
      'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
    ],
    [
      'post-sts-header-before',
      'POST',
      '/',
      {},
      '',
      { sessionToken: TOKEN },
      'host;x-amz-date;x-amz-security-token',
      '85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead',
    ],
  ])('%s', async (_, method, path, headers, body, extra, signed, signature) => {
    const made = await signAws({ method, path, headers, body }, scope, { ...keys, ...extra }, AT)
    expect(made['authorization']).toBe(
      `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=${signed}, Signature=${signature}`,
    )
    expect(made['x-amz-date']).toBe('20150830T123600Z')
  })

  it('the ListUsers example of the IAM guide', async () => {
    const made = await signAws(
      {
        method: 'GET',
        path: '/?Action=ListUsers&Version=2010-05-08',
        headers: { 'content-type': `${FORM}; charset=utf-8` },
        body: null,
      },
      { host: 'iam.amazonaws.com', region: 'us-east-1', service: 'iam' },
      keys,
      AT,
    )
    expect(made['authorization']).toMatch(
      /Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7$/,
    )
  })

  it('any byte of the body and any signed header changes the signature, an accept header does not', async () => {
    const sign = async (body: string, headers: Record<string, string> = {}) =>
      (await signAws({ method: 'POST', path: '/', headers, body }, scope, keys, AT))['authorization']
    expect(await sign('a')).not.toBe(await sign('b'))
    expect(await sign('a', { 'x-amz-meta': '1' })).not.toBe(await sign('a'))
    expect(await sign('a', { accept: '*/*' })).toBe(await sign('a'))
  })
})

describe('keys and region', () => {
  const env = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'a-secret', AWS_REGION: 'us-west-2' }
  const options = { name: 'br', origin: 'http://127.0.0.1:1', region: null, env, utcMs: AT }
  const request = { method: 'POST', path: '/model/m/converse-stream', headers: {}, body: '{}' }

  it.each([
    ['https://bedrock-runtime.eu-west-1.amazonaws.com', 'ap-south-1', 'eu-west-1'],
    ['https://vpce-1.bedrock-runtime.us-gov-west-1.vpce.amazonaws.com', null, 'us-gov-west-1'],
    ['http://127.0.0.1:1', 'ap-south-1', 'ap-south-1'],
    ['http://127.0.0.1:1', null, 'us-west-2'],
  ])('%s with region %s signs for %s', async (origin, region, expected) => {
    const opened = await openAws({ ...options, origin, region })
    if (!opened.ok) throw new Error(opened.message)
    const made = await opened.authorize(request, AT)
    if ('problem' in made) throw new Error(made.problem)
    expect(made.headers['authorization']).toContain(`/${expected}/bedrock/aws4_request`)
    expect(made.untilUtcMs).toBe(AT + 4 * 60_000)
    expect(opened.secrets).toEqual(['a-secret'])
  })

  it('no region: says which variable to set', async () => {
    const opened = await openAws({ ...options, env: { ...env, AWS_REGION: undefined } })
    expect(opened).toMatchObject({ ok: false, message: expect.stringContaining('set AWS_REGION') })
  })

  it('no keys and no chain installed: says what to set and what to install', async () => {
    const opened = await openAws({
      ...options,
      env: { AWS_REGION: 'us-west-2' },
      chain: () => Promise.resolve(null),
    })
    expect(opened).toMatchObject({
      ok: false,
      message: expect.stringMatching(/AWS_ACCESS_KEY_ID.*npm install @aws-sdk\/credential-provider-node/),
    })
  })

  it('a chain that fails tells its first line', async () => {
    const chain = () => Promise.resolve(() => Promise.reject(new Error('no profile\nat line 2')))
    const opened = await openAws({ ...options, env: { AWS_REGION: 'us-west-2' }, chain })
    expect(opened).toMatchObject({ ok: false, message: expect.stringContaining('(no profile)') })
  })

  it('temporary keys are renewed 5 minutes before they expire, and a failing renewal is borne until they have', async () => {
    let calls = 0
    let broken = false
    const hour = 3_600_000
    const chain = () =>
      Promise.resolve(() => {
        if (broken) return Promise.reject(new Error('the role is gone'))
        calls++
        return Promise.resolve({
          ...keys,
          sessionToken: `t${calls}`,
          expiration: new Date(AT + calls * hour),
        })
      })
    const told: string[] = []
    const onSecret = (secret: string): void => void told.push(secret)
    const opened = await openAws({ ...options, env: { AWS_REGION: 'us-west-2' }, chain, onSecret })
    if (!opened.ok) throw new Error(opened.message)
    const tokenAt = async (utcMs: number) => {
      const made = await opened.authorize(request, utcMs)
      return 'problem' in made ? made.problem : made.headers['x-amz-security-token']
    }
    expect(await tokenAt(AT + hour - 6 * 60_000)).toBe('t1')
    expect(await tokenAt(AT + hour - 4 * 60_000)).toBe('t2')
    // A service whose signature does not match says back what was signed, the token among it.
    expect(told).toEqual([keys.secretAccessKey, 't2'])
    broken = true
    expect(await tokenAt(AT + 2 * hour - 60_000)).toBe('t2')
    expect(await tokenAt(AT + 2 * hour)).toContain('the role is gone')
    expect(calls).toBe(2)
  })
})
