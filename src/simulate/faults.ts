/** What can go wrong on the wire, on purpose: one table, name to effect. */

/** The effect of a fault on one answer. Several may hold at once; they are merged field by field. */
export interface Fault {
  /** Sent instead of an answer, at once, in the words of the API. */
  readonly reply?: FaultReply
  readonly headersDelayMs?: number
  /** Times every due time, counted from the arrival. */
  readonly slowdown?: number
  /** A stream was asked for and one JSON body comes. */
  readonly notStreaming?: true
  /** What happens in place of token `token` (from 0). */
  readonly breakAt?: { token: number; how: Break }
  readonly tokensPerEvent?: number
  /** Everything in one chunk at the end, as a buffering proxy does. */
  readonly buffered?: true
  readonly lineEnd?: '\r\n'
  /** A comment line before each event. */
  readonly comments?: true
  readonly noUsage?: true
  readonly doneEvents?: 0 | 2
  /** Text beyond ASCII, and each event in two writes with the cut inside a character. */
  readonly splitsUtf8?: true
  /** The body is packed whether or not the client can read that. */
  readonly gzip?: true
  /** A question that has one right answer gets another. */
  readonly wrongAnswer?: true
}

export type FaultReply =
  | { readonly kind: 'html-502' }
  | { readonly kind: 'status-429'; readonly seconds: number; readonly asDate: boolean }
  | { readonly kind: 'status-529' }

/** reset: RST. stall: silence on an open connection. cut: FIN between events. half-event: FIN inside one. */
export type Break = 'reset' | 'stall' | 'cut' | 'half-event' | 'error-event'

/** `value` is the number after the colon in `name:value`; what it means stands at each line. */
const FAULTS = {
  /** After how many tokens, 3. */
  reset: (value = 3) => ({ breakAt: { token: value, how: 'reset' } }),
  stall: (value = 3) => ({ breakAt: { token: value, how: 'stall' } }),
  cut: (value = 3) => ({ breakAt: { token: value, how: 'cut' } }),
  'half-event': (value = 3) => ({ breakAt: { token: value, how: 'half-event' } }),
  'error-event': (value = 3) => ({ breakAt: { token: value, how: 'error-event' } }),
  'html-502': () => ({ reply: { kind: 'html-502' } }),
  /** Seconds to wait, 1. */
  'status-429': (value = 1) => ({ reply: { kind: 'status-429', seconds: value, asDate: false } }),
  'status-429-date': (value = 1) => ({ reply: { kind: 'status-429', seconds: value, asDate: true } }),
  'status-529': () => ({ reply: { kind: 'status-529' } }),
  buffered: () => ({ buffered: true }),
  'two-per-event': () => ({ tokensPerEvent: 2 }),
  'no-usage': () => ({ noUsage: true }),
  'no-done': () => ({ doneEvents: 0 }),
  'dup-done': () => ({ doneEvents: 2 }),
  comments: () => ({ comments: true }),
  crlf: () => ({ lineEnd: '\r\n' }),
  'split-utf8': () => ({ splitsUtf8: true }),
  gzip: () => ({ gzip: true }),
  'wrong-answer': () => ({ wrongAnswer: true }),
  'not-streaming': () => ({ notStreaming: true }),
  /** ms before the headers, 500; tokens that are due before wait too. */
  'slow-headers': (value = 500) => ({ headersDelayMs: value }),
  /** Factor, 3. */
  slowdown: (value = 3) => ({ slowdown: value }),
} as const satisfies Record<string, (value?: number) => Fault>

type FaultName = keyof typeof FAULTS

export const FAULT_NAMES = Object.keys(FAULTS)

export type FaultsParsed = { ok: true; fault: Fault; names: string[] } | { ok: false; problem: string }

/** Reads `crlf, slowdown:2` as an option or the `x-plumbline-fault` header gives it. */
export function parseFaults(text: string): FaultsParsed {
  let fault: Fault = {}
  const names = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
  for (const given of names) {
    const [name = '', valueText] = given.split(':')
    const value = valueText === undefined ? undefined : Number(valueText)
    if (!isFaultName(name)) {
      return { ok: false, problem: `fault '${name}' is unknown; there are ${FAULT_NAMES.join(', ')}` }
    }
    if (value !== undefined && !(value >= 0 && value < 1e9)) {
      return { ok: false, problem: `fault '${given}': the value after the colon must be a number ≥ 0` }
    }
    fault = { ...fault, ...FAULTS[name](value) }
  }
  return { ok: true, fault, names }
}

function isFaultName(name: string): name is FaultName {
  return Object.hasOwn(FAULTS, name)
}

export const BAD_GATEWAY = `<html>\r
<head><title>502 Bad Gateway</title></head>\r
<body>\r
<center><h1>502 Bad Gateway</h1></center>\r
<hr><center>nginx</center>\r
</body>\r
</html>\r
`
