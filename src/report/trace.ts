/** One exchange as text, event by event with its times. */
import { cut, terminalText } from '../border/escape.js'
import type { Route, StreamEvent } from '../protocol/protocol.js'
import type { Sample } from '../sample/sample.js'
import type { Trace, TracedEvent } from '../run/trace-once.js'
import { figure } from './numbers.js'
import { tableText, wrap } from './terminal.js'

export function traceText(trace: Trace, withEvents: boolean): string {
  const { sample } = trace
  const lines = [
    `one request to ${terminalText(trace.url)}: ${sample.outcome}, status ${sample.status ?? 'none'}`,
  ]
  if (sample.detail !== undefined) lines.push(wrap(`  ${terminalText(sample.detail, 2000)}`, '  '))
  if (withEvents) lines.push('', 'events, milliseconds from request start', eventTable(trace.events))
  lines.push('', ...summaryLines(sample, trace.chunks))
  return `${lines.join('\n')}\n`
}

function eventTable(events: readonly TracedEvent[]): string {
  const head = [
    { text: 'at ms', right: true },
    { text: '+ ms', right: true },
    { text: 'chunk', right: true },
    { text: 'what', right: false },
  ]
  const rows = events.map((event, i) => [
    { text: event.atMs.toFixed(2), right: true },
    { text: (event.atMs - (events[i - 1]?.atMs ?? 0)).toFixed(2), right: true },
    { text: String(event.chunk), right: true },
    { text: saying(event.says), right: false },
  ])
  return tableText({ title: '', head, rows })
}

function saying(says: readonly StreamEvent[]): string {
  return says.length === 0 ? '(no output)' : says.map(one).join('; ')
}

function one(event: StreamEvent): string {
  switch (event.kind) {
    case 'output':
      return `${event.channel} ${JSON.stringify(cut(event.text, 32))}`
    case 'hidden':
      return 'hidden reasoning'
    case 'usage':
      return `usage ${cut(JSON.stringify(event.usage), 60)}`
    case 'route':
      return `route ${cut(words(event.route), 40)}`
    case 'timings':
      return `server timings ${cut(JSON.stringify(event.timings.raw), 60)}`
    case 'finish':
      return `finish: ${cut(event.reason, 20)}`
    case 'end':
      return 'end of stream'
    case 'error':
      return `error: ${cut(event.message, 60)}`
    case 'malformed':
      return `malformed: ${cut(event.detail, 60)}`
    default:
      return event satisfies never
  }
}

function words({ raw, ...ours }: Route): string {
  return [...Object.values(ours), ...Object.values(raw ?? {})].filter(Boolean).join(' ')
}

function summaryLines(sample: Sample, chunks: number): string[] {
  const { reused, dns, connect, tls, itl } = sample
  const tokens = (value: number | undefined): string => (value === undefined ? 'not reported' : String(value))
  return [
    `connection: ${reused ? 'reused' : `new (dns ${figure(dns)}, connect ${figure(connect)}, tls ${figure(tls)} ms, not in the times below)`}`,
    `ttfb ${figure(sample.ttfb)}  ttfe ${figure(sample.ttfe)}  ttft ${figure(sample.ttft)}  ttfvt ${figure(sample.ttfvt)}  e2e ${figure(sample.e2e)} ms`,
    `tpot ${figure(sample.tpot)} ms/token, ${figure(sample.decodeRate)} tokens/s; gaps p50 ${figure(itl?.p50)}, p99 ${figure(itl?.p99)}, max ${figure(itl?.max)} ms; ${chunks} network chunks, ${sample.coalesced} events coalesced`,
    `tokens: prompt ${tokens(sample.promptTokens)} (asked ${sample.asked.promptTokens}), cached ${tokens(sample.cachedTokens)}, output ${tokens(sample.outputTokens)} (${sample.tokenSource ?? 'not known'}); cache ${sample.cacheState}`,
  ].map((line) => wrap(line, '  '))
}
