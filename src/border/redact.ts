/** The one redactor: whatever leaves the process passes it, and no secret passes with it. */

export interface Redactor {
  /** The text without secrets. Redact before cutting a text to length: half a secret is no longer found. */
  text(text: string): string
  /** The same with each secret covered by stars, so that the text keeps its length. */
  mask(text: string): string
  /** A deep copy as plain data, keys and values redacted. Errors become name, message and code, bytes their length. */
  value(value: unknown): unknown
  /** One more secret from now on: a token that was renewed. */
  add(secret: string): void
}

export const REDACTED = '[redacted]'

/** A shorter secret is ignored: replacing `abc` everywhere destroys the output and, by the holes, gives it away. */
const MIN_SECRET_LENGTH = 6

/** What people put where a server wants some key and checks none. Taking these words out would hide real names. */
const PLACEHOLDERS = new Set([
  'ollama',
  'lm-studio',
  'not-needed',
  'no-key-required',
  'sk-no-key-required',
  'placeholder',
])

const MAX_DEPTH = 100

/**
 * Each secret is found as it stands and as base64 (at all three alignments), base64url, percent-encoded, escaped in
 * JSON, HTML, or hexadecimal. Beside them go user and password of a URL, query parameters and headers whose names
 * say that they are secret, and whatever has the unmistakable shape of a provider's key.
 */
export function createRedactor(secrets: readonly (string | undefined)[]): Redactor {
  const forms = new Set<string>()
  let pattern: RegExp | null = null
  const learn = (added: readonly (string | undefined)[]): void => {
    for (const secret of added) {
      for (const part of partsOf(secret ?? '')) for (const form of formsOf(part)) forms.add(form)
    }
    // The longest first: where one secret holds another, none of it stays.
    const sorted = [...forms].sort((a, b) => b.length - a.length)
    pattern = sorted.length === 0 ? null : new RegExp(sorted.map(escapeForRegExp).join('|'), 'g')
  }
  learn(secrets)

  const cleaned = (input: string, cover: (secret: string) => string): string => {
    let output = pattern === null ? input : input.replace(pattern, cover)
    output = output.replace(
      USER_INFO,
      (whole, lead: string) => `${lead}${cover(whole.slice(lead.length, -1))}@`,
    )
    const behindLead = (whole: string, lead: string): string => lead + cover(whole.slice(lead.length))
    output = output.replace(QUERY_PARAMETER, behindLead)
    output = output.replace(AUTHORIZATION, behindLead)
    for (const { pattern: shape } of SHAPES) output = output.replace(shape, cover)
    return output
  }
  const text = (input: string): string => cleaned(input, () => REDACTED)
  const mask = (input: string): string => cleaned(input, (secret) => '*'.repeat(secret.length))

  function copy(value: unknown, around: readonly object[]): unknown {
    if (typeof value === 'string') return text(value)
    if (typeof value === 'function' || typeof value === 'symbol') return undefined
    if (typeof value !== 'object' || value === null) return value
    if (around.includes(value)) return '[circular]'
    if (around.length >= MAX_DEPTH) return '[too deep]'
    const inside = [...around, value]
    if (value instanceof Error) {
      const code: unknown = 'code' in value ? value.code : undefined
      return { name: text(value.name), message: text(value.message), code: copy(code, inside) }
    }
    if (value instanceof Date) return value.toISOString()
    if (value instanceof URL || value instanceof RegExp) return text(String(value))
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`
    if (Array.isArray(value)) return value.map((item) => copy(item, inside))
    if (value instanceof Set) return [...value].map((item) => copy(item, inside))
    const entries: Iterable<[unknown, unknown]> = value instanceof Map ? value : Object.entries(value)
    // fromEntries defines properties: a key __proto__ stays a key.
    return Object.fromEntries(
      Array.from(entries, ([key, item]) => {
        const secret = typeof item === 'string' && SECRET_HEADERS.has(String(key).toLowerCase())
        return [text(String(key)), secret ? REDACTED : copy(item, inside)]
      }),
    )
  }

  return { text, mask, value: (value) => copy(value, []), add: (secret) => learn([secret]) }
}

/** What kind of secret a text seems to hold, or null; to refuse keys that are written into a file. */
export function looksLikeSecret(text: string): string | null {
  for (const { kind, pattern } of SHAPES) {
    pattern.lastIndex = 0
    if (pattern.test(text)) return kind
  }
  for (const [run, before] of runsOf(text)) {
    if (isRandom(run) && !/(?:sha\d+|md5)[:-]$/i.test(before)) return 'a long random token'
  }
  return null
}

// A repetition that can fail after it is bounded: a text of many half-matches must not cost its length squared.
const SHAPES: readonly { kind: string; pattern: RegExp }[] = [
  { kind: 'an Anthropic key', pattern: /\bsk-ant-[A-Za-z0-9_-]{16,}/g },
  { kind: 'an OpenRouter key', pattern: /\bsk-or-[A-Za-z0-9_-]{16,}/g },
  {
    kind: 'an OpenAI key',
    pattern: /\bsk-(?:proj-|svcacct-|admin-)?(?=[A-Za-z_-]{0,80}\d)[A-Za-z0-9_-]{20,}/g,
  },
  { kind: 'a Google key', pattern: /\bAIza[A-Za-z0-9_-]{30,}/g },
  { kind: 'a Google token', pattern: /\bya29\.[A-Za-z0-9_-]{20,}/g },
  { kind: 'an AWS key id', pattern: /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g },
  { kind: 'a Groq key', pattern: /\bgsk_[A-Za-z0-9]{20,}/g },
  { kind: 'an xAI key', pattern: /\bxai-[A-Za-z0-9]{20,}/g },
  { kind: 'a Hugging Face token', pattern: /\bhf_[A-Za-z0-9]{20,}/g },
  { kind: 'an NVIDIA key', pattern: /\bnvapi-[A-Za-z0-9_-]{20,}/g },
  { kind: 'a Perplexity key', pattern: /\bpplx-[A-Za-z0-9]{20,}/g },
  { kind: 'a Replicate token', pattern: /\br8_[A-Za-z0-9]{20,}/g },
  { kind: 'a GitHub token', pattern: /\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})/g },
  { kind: 'a GitLab token', pattern: /\bglpat-[A-Za-z0-9_-]{20,}/g },
  { kind: 'a Slack token', pattern: /\bxox[abeoprs]-[A-Za-z0-9-]{10,}/g },
  {
    kind: 'a JSON web token',
    pattern: /\beyJ[A-Za-z0-9_-]{8,1000}\.eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?/g,
  },
  {
    kind: 'a private key',
    pattern: /-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,20}PRIVATE KEY-----)?/g,
  },
]

const USER_INFO = /\b([a-z][a-z0-9+.-]{0,31}:\/\/)[^\s/?#"'<>\\]*@/gi

// Encoders of JSON that fear HTML write & as \u0026.
const QUERY_PARAMETER =
  /((?:[?&;]|\\u0026)(?:(?:x-)?(?:api|access|auth|id|refresh|subscription|ocp-apim-subscription)[-_]?(?:key|token)|key|token|secret|client[-_]secret|password|code|sig|signature|x-(?:amz|goog)-(?:signature|credential|security-token))=)[^&\s"'#<>\\]*/gi

const AUTHORIZATION =
  /\b(authorization["']?\s{0,4}[:=]\s{0,4}["']?(?:[a-z][a-z0-9-]{1,31} +)?)[^\s"',;[\]\\]{6,}/gi

const SECRET_HEADERS = new Set([
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'x-api-key',
  'api-key',
  'x-goog-api-key',
  'x-amz-security-token',
  'ocp-apim-subscription-key',
])

/** A secret of several lines (a private key) may be wrapped anew or shown by the line. */
function partsOf(secret: string): string[] {
  const whole = secret.trim()
  const parts = [secret, whole]
  for (const line of whole.split(/\r\n|\n|\r/)) {
    if (line !== whole && line.trim().length >= 16 && !line.startsWith('-----')) parts.push(line.trim())
  }
  return parts.filter((part) => part.length >= MIN_SECRET_LENGTH && !PLACEHOLDERS.has(part.toLowerCase()))
}

function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret)
  const json = JSON.stringify(secret).slice(1, -1)
  const ascii = secret.replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  const component = bytesOf(bytes, /[A-Za-z0-9_.!~*'()-]/, '%20')
  const form = bytesOf(bytes, /[A-Za-z0-9_.*-]/, '+')
  const strict = bytesOf(bytes, /[A-Za-z0-9_.~-]/, '%20')
  const html = secret
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
  const hex = bytes.toString('hex')
  return [
    secret,
    json,
    JSON.stringify(json).slice(1, -1),
    json.replaceAll('/', '\\/'),
    ascii,
    ...[component, form, strict].flatMap((encoded) => [encoded, lowerEscapes(encoded)]),
    html,
    html.replaceAll("'", '&#39;'),
    hex,
    hex.toUpperCase(),
    ...base64Forms(bytes),
  ]
}

function bytesOf(bytes: Buffer, plain: RegExp, space: string): string {
  return Array.from(bytes, (byte) => {
    const character = String.fromCharCode(byte)
    if (byte === 0x20) return space
    return plain.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }).join('')
}

function lowerEscapes(encoded: string): string {
  return encoded.replace(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase())
}

/**
 * Base64 of the secret alone, and of the secret in the midst of other bytes (`user:secret`): with 0, 1 or 2 bytes
 * before it, less the characters that its neighbours share.
 */
function base64Forms(bytes: Buffer): string[] {
  const forms = [bytes.toString('base64')]
  for (const before of [0, 1, 2]) {
    const padded = Buffer.concat([Buffer.alloc(before), bytes])
    const shared = before === 0 ? 0 : before + 1
    const whole = padded.toString('base64').replace(/=+$/, '')
    forms.push(whole.slice(shared, Math.floor((padded.length * 8) / 6)))
  }
  const long = forms.filter((form) => form.length >= MIN_SECRET_LENGTH)
  return long.flatMap((form) => [form, form.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')])
}

/** Unbroken runs of 24 or more letters and digits, each with the few characters before it. */
function runsOf(text: string): [run: string, before: string][] {
  const runs: [string, string][] = []
  for (const match of text.matchAll(/[A-Za-z0-9]{24,}/g)) {
    runs.push([match[0], text.slice(Math.max(0, match.index - 8), match.index)])
  }
  return runs
}

/** Hexadecimal of 32 or more, or capitals, small letters and digits so mixed as no name of words mixes them. */
function isRandom(run: string): boolean {
  if (/^(?=.*\d)(?=.*[a-f])[0-9a-f]{32,}$/i.test(run)) return true
  const kinds = Array.from(run, (unit) => (/\d/.test(unit) ? 0 : /[a-z]/.test(unit) ? 1 : 2))
  const changes = kinds.filter((kind, index) => index > 0 && kind !== kinds[index - 1]).length
  // Random base-62 changes kind at 63 % of the places (standard deviation 10 % at 24); camel case at about 30 %.
  return new Set(kinds).size === 3 && changes / (run.length - 1) >= 0.42
}

function escapeForRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}
