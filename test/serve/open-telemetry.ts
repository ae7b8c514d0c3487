/** A real OpenTelemetry SDK that exports to a URL. */
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { OTLPTraceExporter as ProtoExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base'

type Attributes = Readonly<Record<string, string | number | boolean>>

/** CLIENT of the API. */
const CLIENT = 2

export interface Sdk {
  /** A client span of a model's call, `durationMs` long, that ended just now; `events` in ms after its start. */
  call(attributes: Attributes, durationMs: number, events?: Readonly<Record<string, number>>): void
  /** Sends all that is left; rejects where the receiver did not take it. */
  shutdown(): Promise<void>
}

export function startSdk(url: string, encoding: 'json' | 'protobuf', isGzip = false): Sdk {
  const Exporter = encoding === 'json' ? JsonExporter : ProtoExporter
  // As a user asks for it; the enumeration stands in a package of its own.
  if (isGzip) process.env['OTEL_EXPORTER_OTLP_COMPRESSION'] = 'gzip'
  const exporter = new Exporter({ url: `${url}/v1/traces` })
  delete process.env['OTEL_EXPORTER_OTLP_COMPRESSION']
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'shop' }),
    spanProcessors: [new BatchSpanProcessor(exporter, { maxExportBatchSize: 50, maxQueueSize: 100_000 })],
  })
  const tracer = provider.getTracer('app.llm', '1.0.0')
  return {
    call(attributes, durationMs, events = {}) {
      const startMs = Date.now() - durationMs
      const model = String(attributes['gen_ai.request.model'])
      const span = tracer.startSpan(`chat ${model}`, {
        kind: CLIENT,
        startTime: startMs,
        attributes,
      })
      for (const [name, afterMs] of Object.entries(events)) span.addEvent(name, {}, startMs + afterMs)
      span.end(startMs + durationMs)
    },
    async shutdown() {
      await provider.forceFlush()
      await provider.shutdown()
    },
  }
}
