import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRedactor, looksLikeSecret, REDACTED } from '../../src/border/redact.js'

const key = 'canary/Key+42&"quoted" <é>'

/** Everyday encodings, each made by the platform and not by the redactor. */
const encodings: [name: string, encode: (secret: string) => string][] = [
  ['plain', (s) => s],
  ['JSON', (s) => JSON.stringify({ key: s })],
  ['JSON within JSON', (s) => JSON.stringify(JSON.stringify({ key: s }))],
  ['base64', (s) => Buffer.from(s).toString('base64')],
  ['base64url', (s) => Buffer.from(s).toString('base64url')],
  ['basic credentials, 0 before', (s) => Buffer.from(`${s}:password`).toString('base64')],
  ['basic credentials, 1 before', (s) => Buffer.from(`u${s}:password`).toString('base64')],
  ['basic credentials, 2 before', (s) => Buffer.from(`u:${s}`).toString('base64url')],
  ['basic credentials, 3 before', (s) => Buffer.from(`me:${s}\n`).toString('base64')],
  ['percent', (s) => encodeURIComponent(s)],
  [
    'percent in small letters',
    (s) => encodeURIComponent(s).replace(/%../g, (escape) => escape.toLowerCase()),
  ],
  ['form', (s) => new URLSearchParams({ k: s }).toString()],
  ['hex', (s) => Buffer.from(s).toString('hex')],
  ['hex in capitals', (s) => Buffer.from(s).toString('hex').toUpperCase()],
  ['header line', (s) => `> x-secret: ${s}\r\n`],
]

/** Any five letters of the middle of the secret that stay would show in one of these readings. */
function reveals(output: string, secret: string): boolean {
  const middle = secret.slice(1, -1)
  const readings = [output, decodeSafely(output), Buffer.from(output, 'hex').toString('utf8')]
  for (const run of output.match(/[A-Za-z0-9+/_-]{4,}/g) ?? []) {
    for (const skip of [0, 1, 2, 3]) readings.push(Buffer.from(run.slice(skip), 'base64').toString('latin1'))
  }
  return readings.some((reading) => reading.includes(middle))
}

function decodeSafely(text: string): string {
  return text.replace(/(?:%[0-9a-fA-F]{2})+/g, (run) => {
    return Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8')
  })
}

test.each(encodings)('threat 2: a secret in %s form is taken out', (_, encode) => {
  const encoded = encode(key)
  const output = createRedactor([key]).text(`before ${encoded} after`)
  expect(output).toContain(REDACTED)
  expect(output).not.toContain(encoded)
  expect(reveals(output, key)).toBe(false)
  expect(output).toMatch(/^before .* after$/s)
})

test('threat 2: any secret in any form, anywhere in a text, is taken out', () => {
  const secret = fc.string({
    unit: fc.constantFrom(...'abcXYZ019-_.~+/=:&% "é'),
    minLength: 8,
    maxLength: 40,
  })
  const printable = secret.filter((s) => s.trim().length >= 8)
  fc.assert(
    fc.property(
      printable,
      fc.constantFrom(...encodings),
      fc.string(),
      fc.string(),
      (s, [, encode], left, right) => {
        const trimmed = s.trim()
        const output = createRedactor([trimmed]).text(`${left}|${encode(trimmed)}|${right}`)
        expect(output).not.toContain(trimmed)
        expect(output).not.toContain(encode(trimmed))
      },
    ),
    { numRuns: 2000 },
  )
})

test('a secret that holds another is taken out whole', () => {
  const { text } = createRedactor(['abcdef', 'abcdef-0123456789'])
  expect(text('x abcdef-0123456789 y abcdef z')).toBe(`x ${REDACTED} y ${REDACTED} z`)
})

test('a key of several lines is taken out line by line too', () => {
  const pem = `-----BEGIN PRIVATE KEY-----\n${'QUJD'.repeat(16)}\n${'REVG'.repeat(10)}\n-----END PRIVATE KEY-----`
  const { text } = createRedactor([pem])
  expect(text(`line: ${'REVG'.repeat(10)}`)).toBe(`line: ${REDACTED}`)
  expect(text(JSON.stringify({ pem }))).toBe(`{"pem":"${REDACTED}"}`)
})

test('secrets below 6 characters, empty ones and placeholders leave the text readable', () => {
  const { text } = createRedactor(['', undefined, 'EMPTY', 'abc', 'ollama'])
  expect(text('the abc of ollama; EMPTY')).toBe('the abc of ollama; EMPTY')
})

test.each([
  ['https://user:p@ss@host/v1', `https://${REDACTED}@host/v1`],
  ['Invalid URL: "http://me:secret@127.0.0.1:80/"', `Invalid URL: "http://${REDACTED}@127.0.0.1:80/"`],
  ['GET /v1beta/models?key=AbC-1&alt=sse', `GET /v1beta/models?key=${REDACTED}&alt=sse`],
  ['?api_key=1&api-key=2&access_token=3&X-Amz-Signature=4&model=m', null],
  ['authorization: Bearer abcdefgh', `authorization: Bearer ${REDACTED}`],
  ['{"Authorization":"Bearer abcdefgh"}', `{"Authorization":"Bearer ${REDACTED}"}`],
])('without knowing the secret, %j loses it', (input, expected) => {
  const output = createRedactor([]).text(input)
  if (expected === null) {
    expect(output).toBe(
      `?api_key=${REDACTED}&api-key=${REDACTED}&access_token=${REDACTED}&X-Amz-Signature=${REDACTED}&model=m`,
    )
  } else expect(output).toBe(expected)
})

test.each([
  'https://host/v1?model=m&stream=true',
  'mailto:me@host',
  'user@host: 3 tokens/s at http://host:80/a@b',
  'authorization failed: check OPENAI_API_KEY',
  'sk-learn and risk-management-of-the-long-run-portfolio',
])('%j stays as it is', (text) => {
  expect(createRedactor([]).text(text)).toBe(text)
})

test('a value is copied deep, keys and values redacted, the rest unchanged', () => {
  const secret = 'canary-0123456789'
  const value = {
    [secret]: [1, null, true, { note: `x ${secret}`, at: new Date(0), bytes: new Uint8Array(3) }],
    headers: new Map([['x-api-key', 'abc']]),
    error: Object.assign(new Error(`bad ${secret}`), { code: 'E', input: secret, data: Buffer.from(secret) }),
  }
  const output = createRedactor([secret]).value(value)
  expect(output).toEqual({
    [REDACTED]: [
      1,
      null,
      true,
      { note: `x ${REDACTED}`, at: '1970-01-01T00:00:00.000Z', bytes: '[3 bytes]' },
    ],
    headers: { 'x-api-key': REDACTED },
    error: { name: 'Error', message: `bad ${REDACTED}`, code: 'E' },
  })
  expect(JSON.stringify(output)).not.toContain('canary')
})

test('a value that holds itself, or the key __proto__, is copied without harm', () => {
  const loop: Record<string, unknown> = { a: 1 }
  loop['self'] = loop
  const redactor = createRedactor([])
  expect(redactor.value(loop)).toEqual({ a: 1, self: '[circular]' })
  const copied = redactor.value(JSON.parse('{"__proto__":{"polluted":1}}'))
  expect(Object.keys(copied as object)).toEqual(['__proto__'])
  expect('polluted' in {}).toBe(false)
})

test('redacting twice changes nothing more', () => {
  const { text } = createRedactor([key])
  fc.assert(
    fc.property(fc.string(), fc.constantFrom(...encodings), (around, [, encode]) => {
      const once = text(`${around}${encode(key)}?key=1 https://u:p@h ${around}`)
      expect(text(once)).toBe(once)
    }),
  )
})

test('a hostile text of 300 kB is redacted without backtracking', () => {
  const { text } = createRedactor([key])
  for (const piece of [
    'a://',
    '?key',
    'authorization:',
    'sk-',
    'eyJ',
    'eyJ-',
    'eyJaaaaaaaa.',
    'sk-a',
    'sk-ant-',
    '-----BEGIN ',
    '%41',
    'aaaa',
    ' ',
  ]) {
    expect(text(piece.repeat(300_000 / piece.length)).length).toBeGreaterThan(0)
  }
})

const letters = 'abcdefghijklmnopqrstuvwxyz'
// Made here, of the right shape and of no use anywhere.
test.each([
  ['an OpenAI key', `sk-proj-${letters}0123`],
  ['an OpenAI key', `sk-1${letters}`],
  ['an Anthropic key', `sk-ant-api03-${letters}`],
  ['a Google key', `AIza${letters}0123456789`],
  ['an AWS key id', 'AKIAABCDEFGHIJKLMNOP'],
  ['a Groq key', `gsk_${letters}`],
  ['a GitHub token', `ghp_${letters}0123456789`],
  ['a Slack token', 'xoxb-0123456789-abc'],
  ['a Hugging Face token', `hf_${letters}`],
  ['a JSON web token', `eyJ${letters}.eyJ${letters}.${letters}`],
  ['a private key', '-----BEGIN RSA PRIVATE KEY-----'],
  ['a long random token', 'f3A9kQz71LmP0xVb82TsYw6Rd4'],
  ['a long random token', `0123456789abcdef0123456789abcdef`],
])('threat 1: %s is known by its shape', (kind, text) => {
  expect(looksLikeSecret(text)).toBe(kind)
  expect(looksLikeSecret(`Bearer ${text}`)).toBe(kind)
  expect(looksLikeSecret(text)).toBe(kind) // no state is left from the call before
})

test.each([
  'gpt-4o-mini-2024-07-18',
  'meta-llama/Llama-3.3-70B-Instruct-Turbo',
  'anthropic.claude-3-5-sonnet-20241022-v2:0',
  'MixtralInstruct8x22BQuantizedV2',
  'gemma-3-270m-it-Q4_K_M.gguf',
  'accounts/fireworks/models/qwen2p5-coder-32b-instruct',
  'https://my-resource-name.openai.azure.com/openai/deployments/gpt-4o',
  '123e4567-e89b-12d3-a456-426614174000',
  'OPENAI_API_KEY',
  'sk-learn-model-of-the-second-generation',
  `sha256:${'0123456789abcdef'.repeat(4)}`,
  'Donaudampfschifffahrtsgesellschaftskapitaen',
])('threat 1: %j is no secret', (text) => {
  expect(looksLikeSecret(text)).toBeNull()
})

test('threat 1: of random tokens of 32 letters and digits at least 95 % are known', () => {
  const base62 = fc.string({
    unit: fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'),
    minLength: 32,
    maxLength: 32,
  })
  const tokens = fc.sample(base62, { numRuns: 1000, seed: 1 })
  expect(tokens.filter((token) => looksLikeSecret(token) !== null).length).toBeGreaterThan(950)
})

test('a secret that comes to be known later is covered from then on, beside the earlier ones', () => {
  const redactor = createRedactor(['first-secret'])
  const { text } = redactor
  expect(text('first-secret renewed-secret')).toBe(`${REDACTED} renewed-secret`)
  redactor.add('renewed-secret')
  expect(text('first-secret renewed-secret')).toBe(`${REDACTED} ${REDACTED}`)
  expect(redactor.mask('renewed-secret')).toBe('*'.repeat(14))
})

test.each([
  String.raw`{"url":"https://b.example/k?X-Amz-Date=D\u0026X-Amz-Credential=CRED0\u0026X-Amz-Security-Token=TOKEN\u0026X-Amz-Signature=0123"}`,
  'https://b.example/k?X-Amz-Date=D&amp;X-Amz-Credential=CRED0&amp;X-Amz-Security-Token=TOKEN&amp;X-Amz-Signature=0123',
  'https://b.example/k?id_token=CRED0&refresh_token=TOKEN&sig=0123',
])('0 of 3 secret parameters of a signed address stay, escaped or not: %s', (address) => {
  const { text, mask } = createRedactor([])
  for (const output of [text(address), mask(address)]) {
    expect(output).not.toMatch(/CRED0|TOKEN|0123/)
    expect(output).toContain('https://b.example/k?')
  }
})
