// @ts-check
/** Valid input for every reader, as rich as it comes: what the fuzzer begins with. */
import { readFileSync } from 'node:fs'
import { EventStreamCodec } from '@smithy/eventstream-codec'

/** By reader. @type {Record<string, readonly (string | Buffer)[]>} */
export const examples = {
  sse: [
    'data: {"id":"x","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\ndata: {"choices":[{"delta":{"content":" the","reasoning_content":"r","tool_calls":[{"function":{"name":"f","arguments":"{}"}}]},"finish_reason":"stop"}]}\n\n: ping\n\ndata: {"choices":[],"usage":{"prompt_tokens":64,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":1}},"timings":{"prompt_ms":3.5,"predicted_ms":1e3}}\n\ndata: [DONE]\n\n',
    'event: message_start\ndata: {"type":"message_start","message":{"model":"m","usage":{"input_tokens":5,"cache_read_input_tokens":3,"cache_creation_input_tokens":1,"output_tokens":1}}}\n\nevent: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hé"}}\n\nevent: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9}}\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n',
    'data: {"candidates":[{"content":{"parts":[{"text":"a","thought":true}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":2,"thoughtsTokenCount":1,"cachedContentTokenCount":0},"modelVersion":"m"}\r\n\r\n',
    'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"a"}\n\nevent: response.completed\ndata: {"type":"response.completed","response":{"model":"m","usage":{"input_tokens":5,"input_tokens_details":{"cached_tokens":0},"output_tokens":3,"output_tokens_details":{"reasoning_tokens":0}}}}\n\n',
  ],
  ndjson: [
    '{"model":"m","message":{"role":"assistant","content":"a","thinking":"t"},"done":false}\n{"model":"m","message":{"content":""},"done":true,"done_reason":"stop","total_duration":5000000,"load_duration":1,"prompt_eval_count":26,"prompt_eval_duration":130000000,"eval_count":259,"eval_duration":4232710000}\n',
  ],
  'event-stream': [eventStream()],
  'otlp-json': [
    '{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},"scopeSpans":[{"scope":{"name":"app.llm"},"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","parentSpanId":"","name":"chat m","kind":3,"startTimeUnixNano":"1790000000000000000","endTimeUnixNano":"1790000002000000000","attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"chat"}},{"key":"gen_ai.request.model","value":{"stringValue":"m"}},{"key":"gen_ai.usage.input_tokens","value":{"intValue":"500"}},{"key":"gen_ai.usage.output_tokens","value":{"intValue":40}},{"key":"x","value":{"arrayValue":{"values":[{"doubleValue":1.5},{"boolValue":true},{"kvlistValue":{"values":[]}}]}}}],"events":[{"timeUnixNano":"1790000000500000000","name":"first_token"}],"status":{"code":2,"message":"x"}}]}]}]}\n',
  ],
  'otlp-proto': [proto()],
  yaml: [
    "name: s\nenv: [HOST]\ntargets:\n  - { name: t, baseUrl: 'http://127.0.0.1:1/v1', model: &m gpt, tokenizer: o200k_base, headers: { x: 'a${HOST:-b}' }, price: { inputPerM: 1, outputPerM: 2 } }\n  - { provider: anthropic, model: *m, apiKeyEnv: KEY }\nprobes:\n  - { probe: prompt-length, promptTokens: [64, 128], outputTokens: 8, blocks: 3, precision: 5% }\n  - probe: concurrency\n    concurrency: [1, 2, 4]\nbudget: { requests: 10, tokens: 1000, cost: 0.5 }\nexpectations: ['ttft{promptTokens=1024,cache=fresh}.p95 < 800 ms', 'errors < 1%']\ngate: { margins: { ttft: 5% } }\nschedule: { cron: '30 2 * * *', timezone: Europe/Berlin }\n",
  ],
  snapshot: [readFileSync(new URL('fuzz-snapshot.json', import.meta.url))],
  'retry-after': [
    '120',
    'Wed, 21 Oct 2026 07:28:00 GMT',
    '-1',
    '1e400',
    '0.5',
    'Wed, 21 Oct 2026 07:28:00 GMT, 5',
    '{"error":{"code":429,"details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"37.5s"}]}}',
    '{"error":{"code":429,"metadata":{"headers":{"X-RateLimit-Remaining":"0","X-RateLimit-Reset":"1790000000000"}}}}',
  ],
  usage: [
    '{"promptTokens":64,"outputTokens":5,"cost":0.001}',
    '{"promptTokens":-1,"outputTokens":1e308}',
    '{}',
  ],
}

function eventStream() {
  const text = new TextEncoder()
  const codec = new EventStreamCodec(
    (bytes) => (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString()),
    (value) => text.encode(value),
  )
  const message = (/** @type {string} */ type, /** @type {object} */ body) =>
    codec.encode({
      headers: {
        ':message-type': { type: 'string', value: 'event' },
        ':event-type': { type: 'string', value: type },
        ':content-type': { type: 'string', value: 'application/json' },
      },
      body: text.encode(JSON.stringify(body)),
    })
  return Buffer.concat([
    message('messageStart', { role: 'assistant' }),
    message('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'a' } }),
    message('messageStop', { stopReason: 'end_turn' }),
    message('metadata', {
      usage: { inputTokens: 5, outputTokens: 3, totalTokens: 8 },
      metrics: { latencyMs: 5 },
    }),
  ])
}

/** An ExportTraceServiceRequest with one span. */
function proto() {
  const field = (/** @type {number} */ number, /** @type {Buffer} */ bytes) =>
    Buffer.concat([Buffer.from([number * 8 + 2, ...varint(bytes.length)]), bytes])
  const text = (/** @type {number} */ number, /** @type {string} */ value) =>
    field(number, Buffer.from(value))
  const pair = (/** @type {string} */ key, /** @type {Buffer} */ value) =>
    Buffer.concat([text(1, key), field(2, value)])
  const time = (/** @type {number} */ number, /** @type {bigint} */ ns) => {
    const bytes = Buffer.alloc(9)
    bytes[0] = number * 8 + 1
    bytes.writeBigUInt64LE(ns, 1)
    return bytes
  }
  const span = Buffer.concat([
    field(1, Buffer.alloc(16, 7)),
    field(2, Buffer.alloc(8, 9)),
    text(5, 'chat m'),
    Buffer.from([6 * 8, 3]),
    time(7, 1_790_000_000_000_000_000n),
    time(8, 1_790_000_002_000_000_000n),
    field(9, pair('gen_ai.operation.name', text(1, 'chat'))),
    field(9, pair('gen_ai.request.model', text(1, 'm'))),
    field(9, pair('gen_ai.usage.input_tokens', Buffer.from([3 * 8, 100]))),
    field(11, Buffer.concat([time(1, 1_790_000_000_500_000_000n), text(2, 'first_token')])),
  ])
  const scope = field(2, Buffer.concat([field(1, text(1, 'app.llm')), field(2, span)]))
  const request = field(1, Buffer.concat([field(1, field(1, pair('service.name', text(1, 'shop')))), scope]))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(request.length)
  return Buffer.concat([length, request])
}

/** @param {number} value */
function varint(value) {
  const bytes = []
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) + 128)
  return [...bytes, value]
}
