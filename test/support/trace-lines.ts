/** Traces of a made-up service as OTLP/JSON lines: healthy by a law of its own, and with faults of known size. */
import { otlpLine } from '../../src/span/otlp-envelope.js'
import type { OtlpSpan } from '../../src/span/otlp-envelope.js'
import { createRandom } from '../../src/random/random.js'

export interface TraceOptions {
  model: string
  spans: number
  seed: string
  startMs: number
  /** Of the provider: milliseconds at no length, µs a fresh and a cached token, ms an output token. */
  law: { baseMs: number; freshUs: number; hitUs: number; tpotMs: number }
  /** Which fault befalls a span; none by default. */
  fault?: (i: number) => 'cold-cache' | 'queueing' | 'long-output' | undefined
  service?: string | undefined
}

/** A prompt of 6,000 tokens in the mean, all but some 200 of them usually cached; one line a span. */
export function traceLines(options: TraceOptions): string[] {
  const { model, spans, startMs, law, fault = () => undefined, service = 'shop' } = options
  const random = createRandom(options.seed)
  const around = (median: number, sigma: number): number => median * Math.exp(sigma * random.normal())
  let atMs = startMs
  return Array.from({ length: spans }, (_, i) => {
    atMs += random.exponential() * 1500
    const what = fault(i)
    const input = Math.round(around(6000, 0.2))
    const fresh = what === 'cold-cache' ? input : Math.min(input, Math.round(around(200, 0.3)))
    const output = Math.round(around(30, 0.3) * (what === 'long-output' ? 12 : 1))
    const noise = around(1, 0.05)
    const queueMs = what === 'queueing' ? 2500 : 0
    const ttftMs = (law.baseMs + (fresh * law.freshUs + (input - fresh) * law.hitUs) / 1000) * noise + queueMs
    const endMs = atMs + ttftMs + law.tpotMs * (output - 1) * around(1, 0.03)
    const hex = i.toString(16).padStart(8, '0')
    const span: OtlpSpan = {
      traceId: `5b8efff798038103d269b633${hex}`,
      spanId: `eee19b7e${hex}`,
      name: `chat ${model}`,
      kind: 'client',
      startMs: atMs,
      endMs,
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'openai',
        'gen_ai.request.model': model,
        'gen_ai.request.stream': true,
        'gen_ai.response.time_to_first_chunk': ttftMs / 1000,
        'gen_ai.usage.input_tokens': input,
        'gen_ai.usage.cache_read.input_tokens': input - fresh,
        'gen_ai.usage.output_tokens': output,
        'gen_ai.conversation.id': `c${i % 7}`,
        'server.address': '127.0.0.1',
      },
    }
    return otlpLine([{ resource: { 'service.name': service }, scope: { name: 'app.llm' }, spans: [span] }])
  })
}
