/** The sixty faults and the fifteen threats: what must come of each, and which test shows it. `docs/faults.md` is made from this. */

/** A test by its file under test/ and the beginning of its name, or of the row of a table of cases. */
export type Shown = readonly [file: string, name: string]

export interface Fault {
  fault: string
  /** What the user sees of it. */
  outcome: string
  /** Exit code; E: 0 while the share of errors is under the limit of the scenario, else 3. `–`: it ends nothing. */
  exit: string
  shown: readonly Shown[]
}

const WIRE = 'faults/wire.test.ts'
const REFUSALS = 'faults/refusals.test.ts'
const PROCESS = 'faults/process.long.test.ts'
const THREATS = 'faults/threats.test.ts'
const FAILURES = 'wire/failures.test.ts'
const HTTP2 = 'wire/http2.test.ts'
const EXITS = 'e2e/exit-codes.test.ts'
const STOP = 'e2e/stop.test.ts'
const DISK = 'snapshot/disk.test.ts'
const JOURNAL = 'snapshot/journal.test.ts'
const JSON_TESTS = 'border/json.test.ts'
const YAML = 'border/yaml.test.ts'
const ESCAPE = 'border/escape.test.ts'
const RECEIVER = 'serve/receiver.test.ts'
const SCHEDULER = 'schedule/scheduler.test.ts'

/** A row of the one run against servers that misbehave. */
const met = (server: string): Shown => [WIRE, server]

/** In the order of the list, from 1. */
export const faults: readonly Fault[] = [
  {
    fault: 'reset before the headers',
    outcome: '`reset`',
    exit: 'E',
    shown: [met('reset-before-headers'), [FAILURES, 'reset before headers (1)']],
  },
  {
    fault: 'FIN before the headers',
    outcome: '`closed`',
    exit: 'E',
    shown: [met('fin-before-headers'), [FAILURES, 'FIN before headers (2)']],
  },
  {
    fault: 'reset or FIN inside a chunked body',
    outcome: '`truncated`, what had come is kept',
    exit: 'E',
    shown: [met('fin-in-chunked'), met('reset-in-chunked')],
  },
  {
    fault: 'reset of a body that only the end of the connection ends',
    outcome: '`truncated`: no terminal event had come',
    exit: 'E',
    shown: [met('reset-close-delimited')],
  },
  {
    fault: 'HTTP/2 RST_STREAM after data',
    outcome: '`truncated`',
    exit: 'E',
    shown: [met('h2-cancel'), met('h2-internal')],
  },
  {
    fault: 'HTTP/2 GOAWAY in mid-stream',
    outcome: '`goaway`; a stream that the server still serves is let end',
    exit: 'E',
    shown: [met('h2-goaway'), [HTTP2, 'after GOAWAY the server finishes its stream']],
  },
  {
    fault: 'Content-Length too long or too short',
    outcome: '`truncated`',
    exit: 'E',
    shown: [met('length-too-long'), met('length-too-short')],
  },
  {
    fault: 'bad chunk size, overflow, missing CRLF',
    outcome: '`malformed`',
    exit: 'E',
    shown: [met('chunk-size'), met('chunk-overflow'), met('chunk-no-crlf')],
  },
  {
    fault: 'two Content-Length, or one beside chunks',
    outcome: '`malformed`',
    exit: 'E',
    shown: [met('two-lengths'), met('length-and-chunked')],
  },
  {
    fault: '10,000 early hints; an unasked 100 or 101',
    outcome: 'hints pass; `malformed`',
    exit: 'E',
    shown: [met('early-hints'), met('unasked-100'), [FAILURES, 'unasked 101 (10)']],
  },
  {
    fault: 'redirect to another host',
    outcome: '`redirect`: never followed, the host is named',
    exit: '3',
    shown: [[EXITS, 'a redirect is never followed']],
  },
  {
    fault: 'slow drip, a byte per 500 ms',
    outcome: '`timeout` at the total deadline',
    exit: 'E',
    shown: [met('drip'), [FAILURES, 'a slow drip']],
  },
  {
    fault: 'no headers ever; no TLS hello',
    outcome: '`timeout`, with the phase',
    exit: 'E',
    shown: [met('no-headers'), met('no-hello')],
  },
  {
    fault: '100 MB header; 1 MiB chunk extension',
    outcome: '`oversized` at 16 KiB; the extension passes; memory below 400 MB',
    exit: 'E',
    shown: [met('huge-header'), met('chunk-extension'), [WIRE, 'a run in which 26 servers misbehave']],
  },
  {
    fault: 'a body packed against our asking: a bomb of 100 MB',
    outcome: '`malformed`: content-encoding, never unpacked',
    exit: 'E',
    shown: [met('bomb'), [FAILURES, 'a packed body (15)']],
  },
  {
    fault: 'one event of 100 MB',
    outcome: '`oversized` at 1 MiB',
    exit: 'E',
    shown: [met('endless-line'), [FAILURES, 'an event over 1 MiB']],
  },
  {
    fault: 'NUL, bad UTF-8, half a surrogate pair, a character cut by a chunk',
    outcome: '`ok`, replaced and counted, the same at every cut',
    exit: 'E',
    shown: [met('bad-text'), ['protocol/frame.test.ts', 'any bytes at all give the same frames']],
  },
  {
    fault: 'bytes behind the terminal event; a second response',
    outcome: '`ok`, counted; the connection is closed',
    exit: 'E',
    shown: [met('after-done'), ['wire/http1.test.ts', 'a second response on a kept connection']],
  },
  {
    fault: '413 or FIN while a prompt of 20 MB is sent',
    outcome: '`http-4xx`, `reset` or `closed`; never hangs',
    exit: 'E',
    shown: [[FAILURES, 'a large prompt that is refused']],
  },
  {
    fault: 'a host without an address',
    outcome: '`dns`, the host is named',
    exit: '3',
    shown: [[REFUSALS, '20: a host without an address']],
  },
  {
    fault: 'certificate expired, self-signed, for another host',
    outcome: '`tls`: says "custom CA", never to switch checks off',
    exit: '3',
    shown: [
      [REFUSALS, '21: a certificate that does not hold'],
      ['wire/tls.test.ts', '%s: tls, says "custom CA"'],
    ],
  },
  {
    fault: 'https to a plain port, http to a TLS port',
    outcome: 'says which of the two to write',
    exit: '3',
    shown: [
      [REFUSALS, '22: https to a plain port'],
      [REFUSALS, '22: http to a TLS port'],
    ],
  },
  {
    fault: '401 and 403',
    outcome: 'stops at the first, the variable of the key is named',
    exit: '3',
    shown: [
      [EXITS, 'a wrong key exits 3 at the first request'],
      ['e2e/secrets.test.ts', 'a %i whose body is the key'],
    ],
  },
  {
    fault: 'a storm of 429',
    outcome: 'slows down; the load counts as not delivered',
    exit: 'E',
    shown: [
      ['run/rate-limit.test.ts', 'a storm of refusals'],
      ['run/rate-limit.test.ts', 'where every request is refused'],
    ],
  },
  {
    fault: 'Retry-After huge, negative, past, text',
    outcome: 'read by our own parser, clamped',
    exit: 'E',
    shown: [
      ['protocol/retry-after.test.ts', 'whatever a server sends, the wait is between 0 and the limit'],
      [EXITS, 'a Retry-After beyond what the scenario'],
    ],
  },
  {
    fault: '200 with JSON, or the page of a captive portal',
    outcome: '`not-streaming`',
    exit: '3',
    shown: [
      [EXITS, 'a server that does not stream'],
      [REFUSALS, '26: a captive HTML page'],
    ],
  },
  {
    fault: 'SIGKILL at any write of the journal',
    outcome: 'every acknowledged sample is back',
    exit: '0',
    shown: [
      [JOURNAL, 'in the middle of write k'],
      [STOP, 'SIGKILL twice, --resume twice'],
      ['faults/journal.test.ts', '27: a run killed between its snapshot'],
    ],
  },
  {
    fault: 'a limit on the size of files',
    outcome: 'a short write is gone on with, the torn line is cut off',
    exit: '3',
    shown: [
      [DISK, 'what the journal took is whole'],
      ['faults/full-disk.test.ts', '28: a limit'],
    ],
  },
  {
    fault: 'a full disk; no inode left',
    outcome: 'sending stops at once; what fitted is whole',
    exit: '3',
    shown: [
      [DISK, 'the journal says so, and what it took is whole'],
      [DISK, 'no inode left'],
      ['faults/full-disk.test.ts', '29: a disk'],
    ],
  },
  {
    fault: 'results that cannot be written',
    outcome: 'found before the first request',
    exit: '2',
    shown: [
      [EXITS, 'a results folder that cannot be written'],
      [DISK, 'read-only file system'],
    ],
  },
  {
    fault: 'no descriptor left',
    outcome: '`resource`: `ulimit -n` is named; the journal goes on',
    exit: '3',
    shown: [
      [DISK, '31: out of descriptors'],
      [FAILURES, 'no descriptor left'],
    ],
  },
  {
    fault: 'two runs of one scenario, two writers of one file',
    outcome: 'the second is refused; every reader finds a whole file',
    exit: '2',
    shown: [
      ['snapshot/lock.test.ts', 'the second is refused while the first lives'],
      [DISK, 'two writers at once'],
    ],
  },
  {
    fault: 'a snapshot cut at any byte, a bit flipped',
    outcome: 'refused with the byte, or by its checksum',
    exit: '2',
    shown: [
      [REFUSALS, '33: a snapshot that was cut'],
      ['snapshot/format.test.ts', 'a snapshot cut at any byte'],
      ['snapshot/format.test.ts', 'one bit flipped'],
      ['faults/journal.test.ts', '33: a snapshot that cannot be read'],
    ],
  },
  {
    fault: 'a snapshot of a newer format',
    outcome: 'both formats are named',
    exit: '5',
    shown: [[REFUSALS, '34: a snapshot of a newer format']],
  },
  {
    fault: 'a journal with a torn or repeated last line',
    outcome: 'cut off and said; a repeated line counts once',
    exit: '0',
    shown: [
      [JOURNAL, 'cut at each byte of the last line'],
      [JOURNAL, 'a repeated line counts once'],
      ['faults/journal.test.ts', '35: a journal that was torn'],
    ],
  },
  {
    fault: 'linked results, a linked baseline',
    outcome: 'the link stays, its target is replaced',
    exit: '0',
    shown: [
      [DISK, 'a linked baseline.json stays a link'],
      [DISK, 'a linked results folder'],
    ],
  },
  {
    fault: 'a span file longer than any buffer or string',
    outcome: 'read as a stream, below 400 MB',
    exit: '0',
    shown: [[PROCESS, '37: a span file of 2.1 GiB']],
  },
  {
    fault: 'JSON a million deep',
    outcome: 'refused at depth 100',
    exit: '2',
    shown: [
      [REFUSALS, '38, 39, 40'],
      [JSON_TESTS, 'fault 38'],
    ],
  },
  {
    fault: 'a key that stands twice',
    outcome: 'refused',
    exit: '2',
    shown: [
      [REFUSALS, '38, 39, 40'],
      [JSON_TESTS, 'fault 39'],
    ],
  },
  {
    fault: '`__proto__` as a key',
    outcome: 'refused; no prototype is touched',
    exit: '2',
    shown: [
      [REFUSALS, '38, 39, 40'],
      [JSON_TESTS, 'fault 40'],
      [YAML, 'fault 40'],
    ],
  },
  {
    fault: 'YAML: a billion laughs',
    outcome: 'refused by the count of aliases and values',
    exit: '2',
    shown: [
      [REFUSALS, '41, 42, 43'],
      [YAML, 'fault 41'],
    ],
  },
  {
    fault: 'YAML: 900 brackets',
    outcome: 'refused before it is parsed',
    exit: '2',
    shown: [
      [REFUSALS, '41, 42, 43'],
      [YAML, 'fault 42'],
    ],
  },
  {
    fault: 'YAML: merge key `<<`',
    outcome: 'not supported, and said',
    exit: '2',
    shown: [[REFUSALS, '41, 42, 43']],
  },
  {
    fault: 'OTLP: 250 MB of zeros packed',
    outcome: '413, counted as they come out; the server lives',
    exit: '–',
    shown: [
      [RECEIVER, '413 for 250 MB of zeros'],
      ['span/hostile.test.ts', '250 MB of zeros in gzip or zstd'],
    ],
  },
  {
    fault: 'OTLP: wrong type, undecodable, a slow sender',
    outcome: '415, 400, 408',
    exit: '–',
    shown: [
      [RECEIVER, '%d for %s, and the next request is served'],
      [RECEIVER, '408 for a sender that stops'],
    ],
  },
  {
    fault: 'SIGINT once, twice',
    outcome: 'drains and saves; stops at once',
    exit: '130',
    shown: [
      [STOP, '%s once: what is in flight is waited for'],
      [STOP, 'SIGINT twice'],
    ],
  },
  {
    fault: 'SIGTERM, SIGHUP',
    outcome: 'as SIGINT',
    exit: '130',
    shown: [[STOP, '%s once: what is in flight is waited for']],
  },
  {
    fault: '`| head -1`',
    outcome: 'the run goes on and saves',
    exit: '0',
    shown: [['e2e/output.test.ts', 'a reader that goes away']],
  },
  {
    fault: '5 MB to a pipe that is read late',
    outcome: 'every line arrives',
    exit: '0',
    shown: [[PROCESS, '49: 5 MB of output']],
  },
  {
    fault: 'a worker dies or runs out of memory',
    outcome: 'its requests fail, the load is said to be short',
    exit: '3',
    shown: [['run/crew.test.ts', 'a worker out of memory']],
  },
  {
    fault: 'the process runs out of memory',
    outcome: 'the journal is whole, `--resume` completes the plan',
    exit: '134',
    shown: [[PROCESS, '51: out of memory']],
  },
  {
    fault: 'the event loop is held up for 500 ms',
    outcome: 'flagged as overloaded; compare refuses',
    exit: '5',
    shown: [[PROCESS, '52: a loop held up']],
  },
  {
    fault: 'the process is stopped for a second, the machine sleeps',
    outcome: 'flagged; nothing is lost',
    exit: 'E',
    shown: [
      [PROCESS, '53: a process that was stopped'],
      ['instrument/watch-loop.test.ts', 'tells a machine that slept'],
    ],
  },
  {
    fault: 'the clock is set 2 h forward',
    outcome: 'durations are right, the jump is recorded',
    exit: '0',
    shown: [
      [PROCESS, '54: a clock set 2 h forward'],
      [SCHEDULER, '2 h ahead'],
    ],
  },
  {
    fault: 'daylight saving',
    outcome: 'the skipped hour runs once after, the repeated once',
    exit: '–',
    shown: [
      ['schedule/firing.test.ts', 'Berlin, 28 March 2027'],
      ['schedule/firing.test.ts', 'Berlin, 31 October 2027'],
    ],
  },
  {
    fault: 'SIGKILL at any time',
    outcome: 'what was counted is in the journal',
    exit: '0',
    shown: [
      [JOURNAL, 'at 24 random times'],
      [STOP, 'SIGKILL in mid-run'],
    ],
  },
  {
    fault: 'the key echoed in every form, in an address, in a broken answer',
    outcome: 'in no byte of output, journal or snapshot',
    exit: '0, 2, 3',
    shown: [
      ['e2e/secrets.test.ts', 'run: an echoed key'],
      ['e2e/secrets.test.ts', 'SIGKILL: an echoed key'],
      [THREATS, '57: a broken answer'],
    ],
  },
  {
    fault: 'terminal escapes in an error body',
    outcome: 'shown escaped',
    exit: '3',
    shown: [
      [THREATS, '58: escapes'],
      [ESCAPE, 'fault 58'],
    ],
  },
  {
    fault: 'markup and scripts in output',
    outcome: 'text only',
    exit: '0',
    shown: [
      [ESCAPE, 'fault 59: no text becomes a tag'],
      [ESCAPE, 'fault 59: only http'],
    ],
  },
  {
    fault: 'workflow commands, delimiters, formulas in cells',
    outcome: 'random delimiter; quoted',
    exit: '0',
    shown: [
      [ESCAPE, 'fault 60: a workflow command'],
      [ESCAPE, 'fault 60: a value that knows'],
      [ESCAPE, 'a CSV cell is read back'],
    ],
  },
]

export interface Threat {
  threat: string
  answer: string
  shown: readonly Shown[]
}

export const threats: readonly Threat[] = [
  { threat: 'a literal key in a scenario', answer: 'refused', shown: [[THREATS, 'threat 1: a literal key']] },
  {
    threat: 'a key in some output',
    answer: 'one redactor before all of it',
    shown: [
      ['border/redact.test.ts', 'threat 2: any secret in any form'],
      ['faults/canary.test.ts', 'a planted leak is found: the key %s'],
      ['e2e/secrets.test.ts', 'run: an echoed key'],
    ],
  },
  {
    threat: 'a redirect that takes the key along',
    answer: 'none is followed',
    shown: [[EXITS, 'a redirect is never followed']],
  },
  {
    threat: 'an address that was changed',
    answer: 'the key of a preset goes to its own host only',
    shown: [
      [THREATS, 'threat 4'],
      ['provider/address.test.ts', 'https://bedrock-runtime.us-east-1.amazonaws.com.evil.com'],
    ],
  },
  {
    threat: 'a fork that wants the key',
    answer: 'no `pull_request_target`, read permissions; a dry run needs no key',
    shown: [
      [THREATS, 'threat 5'],
      ['e2e/output.test.ts', 'a dry run needs no key'],
    ],
  },
  {
    threat: 'a hostile artifact in the job that comments',
    answer: 'what is read of it is text: bounded, checked, escaped',
    shown: [
      [JSON_TESTS, 'a text over the length limit'],
      [ESCAPE, 'fault 59: no text becomes a tag'],
    ],
  },
  {
    threat: 'probe files are code',
    answer: 'from the folder of the scenario only; none with `--no-code`',
    shown: [[THREATS, 'threat 7']],
  },
  {
    threat: 'a variable pulled into a prompt',
    answer: 'only those that the scenario lists',
    shown: [[THREATS, 'threat 8']],
  },
  {
    threat: 'a name that is a shell command',
    answer: 'no shell, data on stdin, no keys in the environment',
    shown: [[THREATS, 'threat 9']],
  },
  {
    threat: 'a webhook at the metadata service',
    answer: 'link-local addresses are refused',
    shown: [[THREATS, 'threat 10: a webhook at %s']],
  },
  {
    threat: 'our servers seen by others',
    answer: 'loopback, elsewhere a token',
    shown: [
      [THREATS, 'threat 11'],
      [RECEIVER, 'another address than loopback is refused'],
    ],
  },
  {
    threat: 'content of production spans',
    answer: 'dropped on reading',
    shown: [['span/normalise.test.ts', 'content is dropped on reading']],
  },
  {
    threat: 'results read by other users',
    answer: 'files 0600, folders 0700; `--record` warns',
    shown: [
      [DISK, 'threat 13'],
      ['e2e/record.test.ts', 'a recorded run replays'],
    ],
  },
  {
    threat: 'an HTML page that calls home',
    answer: 'no script from outside, no network; everything escaped',
    shown: [
      ['report/html.long.test.ts', 'hostile text stays text'],
      [ESCAPE, 'fault 59: no text becomes a tag'],
    ],
  },
  {
    threat: 'usage that lies about money',
    answer: 'the worst case is held before sending, and stays where the count is none',
    shown: [
      ['plan/budget.test.ts', 'a usage of %s frees nothing'],
      [EXITS, 'a budget of tokens holds'],
    ],
  },
]

/** The tables of docs/faults.md. */
export function pageTables(): string {
  const shownText = (shown: readonly Shown[]): string =>
    [...new Set(shown.map(([file]) => `\`${file.replace('.test.ts', '')}\``))].join(', ')
  const faultRows = faults.map(
    ({ fault, outcome, exit, shown }, i) =>
      `| ${i + 1} | ${fault} | ${outcome} | ${exit} | ${shownText(shown)} |`,
  )
  const threatRows = threats.map(
    ({ threat, answer, shown }, i) => `| ${i + 1} | ${threat} | ${answer} | ${shownText(shown)} |`,
  )
  return `| | fault | what comes of it | exit | tests |
| --- | --- | --- | --- | --- |
${faultRows.join('\n')}

## Threats

| | threat | answer | tests |
| --- | --- | --- | --- |
${threatRows.join('\n')}
`
}
