/** Each probe as a span, so that it is seen in the tracing of whoever is probed; marked as synthetic. */
import { traceContextOf } from '../border/trace-context.js'
import type { Sample } from '../sample/sample.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import type { OtlpGroup, OtlpSpan } from '../span/otlp-envelope.js'
import { genAiAttributes } from './otlp-metrics.js'

/** Its trace is that of the `traceparent` of the request, where the run sent one. */
export function probeSpans(snapshot: Snapshot, samples: readonly Sample[]): OtlpGroup {
  const targets = new Map(snapshot.targets.map((target) => [target.name, target]))
  return {
    resource: { 'service.name': 'plumbline', 'service.version': snapshot.provenance.harness },
    scope: { name: 'llm-plumbline', version: snapshot.provenance.harness },
    spans: samples.flatMap((sample): OtlpSpan[] => {
      const target = targets.get(sample.target)
      if (target === undefined) return []
      const attributes = genAiAttributes(target)
      const startMs = Date.parse(sample.startedAt)
      const isGood = sample.outcome === 'ok'
      return [
        {
          ...traceContextOf(snapshot.id, sample.id),
          name: `${attributes['gen_ai.operation.name']} ${target.model}`,
          kind: 'client',
          startMs,
          endMs: startMs + (sample.e2e ?? sample.ttfb ?? 0),
          attributes: {
            ...attributes,
            'gen_ai.request.max_tokens': sample.asked.outputTokens,
            'gen_ai.usage.input_tokens': sample.promptTokens,
            'gen_ai.usage.output_tokens': sample.outputTokens,
            'gen_ai.usage.cache_read.input_tokens': sample.cachedTokens,
            'gen_ai.response.model': sample.route?.model,
            'gen_ai.response.time_to_first_chunk': sample.ttft === null ? undefined : sample.ttft / 1000,
            'http.response.status_code': sample.status ?? undefined,
            'error.type': isGood ? undefined : sample.outcome,
            'plumbline.scenario': snapshot.scenario.name,
            'plumbline.run': snapshot.id,
            'plumbline.sample': sample.id,
            'plumbline.probe': sample.probe,
            'plumbline.cell': sample.cell,
            'plumbline.warmup': sample.warmup,
          },
          status: isGood ? undefined : { code: 'error' },
        },
      ]
    }),
  }
}
