/** The counts of a scheduler as an OTLP/JSON ExportMetricsServiceRequest, under the OpenTelemetry names. */
import type { Counts, Histogram, TargetCounts } from './metrics.js'
import type { SnapshotTarget } from '../snapshot/snapshot.js'

type Attributes = Readonly<Record<string, string | number | undefined>>

/** AggregationTemporality of opentelemetry-proto, metrics/v1/metrics.proto. */
const CUMULATIVE = 2

/** GenAI semantic conventions, metrics of clients. Counts go on from the start of the process. */
export function otlpMetrics(counts: Counts, atMs: number, harness: string): object {
  const targets = [...counts.targets.values()]
  const times = { startTimeUnixNano: nanoseconds(counts.startedMs), timeUnixNano: nanoseconds(atMs) }
  const point = (of: TargetCounts, histogram: Histogram, more: Attributes = {}): object => ({
    attributes: attributesOf({ ...genAiAttributes(of.target), 'plumbline.scenario': of.scenario, ...more }),
    ...times,
    count: String(histogram.count),
    sum: histogram.sum,
    bucketCounts: histogram.counts.map(String),
    explicitBounds: histogram.bounds,
  })
  const metric = (name: string, unit: string, description: string, dataPoints: object[]): object[] => {
    if (dataPoints.length === 0) return []
    return [{ name, unit, description, histogram: { aggregationTemporality: CUMULATIVE, dataPoints } }]
  }
  const metrics = [
    ...metric(
      'gen_ai.client.operation.duration',
      's',
      'Request start to the end.',
      targets.flatMap((of) => [
        point(of, of.durationS),
        ...[...of.failedS].map(([outcome, failed]) => point(of, failed, { 'error.type': outcome })),
      ]),
    ),
    ...metric(
      'gen_ai.client.operation.time_to_first_chunk',
      's',
      'Request start to the first chunk that carries output.',
      targets.map((of) => point(of, of.ttftS)),
    ),
    ...metric(
      'gen_ai.client.token.usage',
      '{token}',
      'Tokens a request, as counted by the server.',
      targets.flatMap((of) => [
        point(of, of.inputTokens, { 'gen_ai.token.type': 'input' }),
        point(of, of.outputTokens, { 'gen_ai.token.type': 'output' }),
      ]),
    ),
  ]
  return {
    resourceMetrics: [
      {
        resource: { attributes: attributesOf({ 'service.name': 'plumbline', 'service.version': harness }) },
        scopeMetrics: [{ scope: { name: 'llm-plumbline', version: harness }, metrics }],
      },
    ],
  }
}

/** What the conventions want on spans and metrics of a call; of a probe, that it is one. */
export function genAiAttributes(target: SnapshotTarget): Record<string, string | number | undefined> {
  const url = URL.canParse(target.baseUrl) ? new URL(target.baseUrl) : null
  const isSimulated = url?.protocol === 'simulated:'
  const standard = url?.protocol === 'http:' ? 80 : 443
  return {
    'gen_ai.operation.name': target.protocol === 'openai-completions' ? 'text_completion' : 'chat',
    'gen_ai.provider.name': PROVIDER_NAMES[target.provider] ?? target.provider,
    'gen_ai.request.model': target.model,
    'server.address': isSimulated ? undefined : url?.hostname,
    'server.port': isSimulated || url === null ? undefined : url.port === '' ? standard : Number(url.port),
    'user_agent.synthetic.type': 'test',
  }
}

/** Well-known values of gen_ai.provider.name, where they differ from our presets' names. */
const PROVIDER_NAMES: Readonly<Record<string, string | undefined>> = {
  azure: 'azure.ai.openai',
  bedrock: 'aws.bedrock',
  gemini: 'gcp.gemini',
  mistral: 'mistral_ai',
  vertex: 'gcp.vertex_ai',
  xai: 'x_ai',
}

function attributesOf(attributes: Attributes): object[] {
  return Object.entries(attributes).flatMap(([key, value]) => {
    if (value === undefined) return []
    return [{ key, value: typeof value === 'string' ? { stringValue: value } : { intValue: String(value) } }]
  })
}

/** 64-bit integers are strings in proto3's JSON. */
function nanoseconds(ms: number): string {
  return String(BigInt(Math.round(ms)) * 1_000_000n)
}
