/** Spans of 1.5 kB and 18 attributes as a bench and the memory check feed them: OTLP/JSON lines and protobuf. */
import { otlpLine } from '../../src/span/otlp-envelope.js'
import type { OtlpGroup, OtlpSpan } from '../../src/span/otlp-envelope.js'

/** Prose that fills a span up to its size, as a name of a function or a template would. */
const PADDING = 'the-template-of-the-quarterly-report-of-the-river-authority/'

export function benchSpan(i: number): OtlpSpan {
  const hex = i.toString(16).padStart(8, '0')
  const startMs = 1_790_000_000_000 + i * 7
  const input = 200 + ((i * 7919) % 8000)
  const output = 20 + ((i * 104_729) % 400)
  const ttft = 0.2 + input / 20_000
  return {
    traceId: `5b8efff798038103d269b633${hex}`,
    spanId: `eee19b7e${hex}`,
    parentSpanId: undefined,
    name: 'chat gpt-5-mini',
    kind: 'client',
    startMs,
    endMs: startMs + ttft * 1000 + output * 12,
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'gpt-5-mini',
      'gen_ai.response.model': `gpt-5-mini-2026-08-0${1 + (i % 3)}`,
      'gen_ai.response.id': `chatcmpl-${hex}AbCdEfGh`,
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.request.max_tokens': 1024,
      'gen_ai.request.temperature': 0.7,
      'gen_ai.request.stream': true,
      'gen_ai.response.time_to_first_chunk': ttft,
      'gen_ai.usage.input_tokens': input,
      'gen_ai.usage.cache_read.input_tokens': Math.floor(input / 256) * 128,
      'gen_ai.usage.output_tokens': output,
      'gen_ai.conversation.id': `conv-${i % 997}`,
      'server.address': 'api.openai.com',
      'openai.response.system_fingerprint': 'fp_44709d6fcb',
      'app.prompt.template': PADDING.repeat(4),
      'app.release': '2026.11.3-canary',
    },
  }
}

export function benchGroups(from: number, count: number): OtlpGroup[] {
  return [
    {
      resource: { 'service.name': 'shop', 'deployment.environment.name': 'production' },
      scope: { name: 'app.llm', version: '1.0.0' },
      spans: Array.from({ length: count }, (_, i) => benchSpan(from + i)),
    },
  ]
}

export function benchLine(from: number, count: number): string {
  return otlpLine(benchGroups(from, count))
}
