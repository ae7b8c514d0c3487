/** Reads OTLP log records of tools that tell their calls as events: Claude Code, Codex. */
import { offer, setScope, startSpan } from './draft.js'
import type { Draft } from './draft.js'
import { isObject, listOf, textOf } from './json-value.js'
import type { JsonObject } from './json-value.js'
import { anyValue, idOf, resourceOf, scopeName } from './otlp-json.js'
import type { SpanSink } from './otlp-json.js'

/** Each is one call that has ended. Of Codex's stream events only the last holds the usage. */
const EVENTS: ReadonlyMap<string, { kind?: string; provider: string }> = new Map([
  ['claude_code.api_request', { provider: 'anthropic' }],
  ['codex.sse_event', { kind: 'response.completed', provider: 'openai' }],
])

export function readOtlpLogs(request: JsonObject, draft: Draft, sink: SpanSink): void {
  for (const group of listOf(request['resourceLogs'] ?? request['resource_logs'])) {
    if (!isObject(group)) continue
    draft.resource = resourceOf(group['resource'])
    for (const scope of listOf(group['scopeLogs'] ?? group['scope_logs'])) {
      if (!isObject(scope)) continue
      setScope(draft, scopeName(scope))
      for (const record of listOf(scope['logRecords'] ?? scope['log_records'])) {
        if (isObject(record)) readRecord(record, draft, sink)
        else sink.fault('a log record that is no object')
      }
    }
  }
}

function readRecord(record: JsonObject, draft: Draft, sink: SpanSink): void {
  const attributes = new Map<string, string | number | boolean>()
  for (const attribute of listOf(record['attributes'])) {
    if (!isObject(attribute) || typeof attribute['key'] !== 'string') continue
    const value = anyValue(attribute['value'])
    if (value !== undefined) attributes.set(attribute['key'], value)
  }
  const name = eventName(record, attributes)
  const event = name === undefined ? undefined : EVENTS.get(name)
  if (name === undefined || event === undefined) return
  if (event.kind !== undefined && attributes.get('event.kind') !== event.kind) return
  startSpan(draft)
  draft.name = name
  draft.scopeDialect = name.startsWith('codex.') ? 'codex' : 'claude-code'
  draft.traceId = idOf(record['traceId'] ?? record['trace_id'], 16)
  draft.spanId = idOf(record['spanId'] ?? record['span_id'], 8)
  for (const [key, value] of attributes) offer(draft, key, value)
  offer(draft, 'event.name', name)
  offer(draft, 'gen_ai.provider.name', event.provider)
  const time = record['timeUnixNano'] ?? record['time_unix_nano'] ?? record['observedTimeUnixNano']
  if (typeof time === 'string' || typeof time === 'number') offer(draft, 'timestamp', time)
  sink.span()
}

/** Claude Code leaves its own name off `event.name` and has it in the body. */
function eventName(
  record: JsonObject,
  attributes: ReadonlyMap<string, string | number | boolean>,
): string | undefined {
  const told = attributes.get('event.name') ?? textOf(record['eventName'])
  const body = anyValue(record['body'])
  if (typeof told === 'string' && EVENTS.has(told)) return told
  if (typeof body === 'string' && EVENTS.has(body)) return body
  return told === 'api_request' ? 'claude_code.api_request' : undefined
}
