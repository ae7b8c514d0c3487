/** Emitters, written from the dialects' documents, against the reader of spans: two witnesses that share no table. */
import { describe, expect, it } from 'vitest'
import { createRandom } from '../../src/random/random.js'
import { SPAN_DIALECTS, type SpanDialect } from '../../src/simulate/emit-dialects.js'
import { CARRIES, type Carry } from '../../src/simulate/spans-seen.js'
import { parseSpansOptions, type SpansOptions } from '../../src/simulate/spans-options.js'
import type { SpanTruth } from '../../src/simulate/spans-truth.js'
import { hexOf, labelledCall, labelledSpans, sceneOf, type LabelledCall } from '../../src/simulate/spans.js'
import { runVirtual } from '../../src/simulate/virtual.js'
import { planVisits } from '../../src/simulate/workload.js'
import type { Span } from '../../src/span/span.js'
import { readText } from '../span/read.js'

function callsOf(options: SpansOptions): LabelledCall[] {
  const parsed = parseSpansOptions(options)
  if (!parsed.ok) throw new Error(parsed.problems.join('; '))
  return [...labelledSpans(parsed.setup)]
}

/** What a dialect has at its fullest, beside times and tokens. */
const HAS: Record<SpanDialect, readonly (keyof Span)[]> = {
  'otel-genai': [
    'ttftMs',
    'cacheReadTokens',
    'reasoningTokens',
    'attempts',
    'conversationId',
    'tenant',
    'backend',
    'replica',
  ],
  'otel-genai-older': ['backend'],
  openllmetry: [
    'ttftMs',
    'cacheReadTokens',
    'reasoningTokens',
    'conversationId',
    'tenant',
    'backend',
    'gaps',
  ],
  openinference: ['ttftMs', 'cacheReadTokens', 'reasoningTokens', 'conversationId', 'tenant'],
  'vercel-ai': ['ttftMs', 'cacheReadTokens', 'attempts', 'replica'],
  'vercel-ai-legacy': [
    'ttftMs',
    'cacheReadTokens',
    'reasoningTokens',
    'attempts',
    'conversationId',
    'tenant',
    'replica',
  ],
  'anthropic-sdk': ['ttftMs', 'cacheReadTokens', 'reasoningTokens', 'attempts', 'replica'],
  'pydantic-ai': ['ttftMs', 'cacheReadTokens', 'reasoningTokens', 'attempts', 'replica'],
  langfuse: ['ttftMs', 'cacheReadTokens', 'reasoningTokens', 'conversationId', 'tenant'],
  vllm: [
    'ttftMs',
    'cacheReadTokens',
    'reasoningTokens',
    'attempts',
    'conversationId',
    'tenant',
    'backend',
    'replica',
    'queueMs',
    'prefillMs',
    'serverTtftMs',
  ],
}

const parsed = parseSpansOptions({
  profile: 'hosted-reasoning',
  requests: 120,
  fault: 'retry share=.15, client-stall share=.1, cold-cache share=.1, queueing share=.1',
})
if (!parsed.ok) throw new Error(parsed.problems.join('; '))
const { setup } = parsed
const visits = planVisits(setup.workload, { ...setup, keepsTokens: () => true }, 120, createRandom(1))
const { outcomes } = runVirtual(
  setup,
  visits.map(({ request }) => request),
)

describe.each(SPAN_DIALECTS)('%s', (dialect) => {
  for (const carry of CARRIES) {
    it(`${carry}: what is read is what was true`, async () => {
      const caller = { dialect, carry, service: 'shop', conversation: 'conversation-1', tenant: 'tenant-02' }
      const hex = hexOf(createRandom(`${dialect}/${carry}`))
      // What causes cost is not what spans tell.
      const calls = outcomes.map((outcome) =>
        labelledCall({ ...outcome, causesMs: {} }, caller, sceneOf(setup), hex),
      )
      const { spans } = await readText(calls.map(({ line }) => line).join('\n'))
      const byId = new Map(spans.map((span) => [span.spanId, span]))
      for (const { truth } of calls) {
        const span = byId.get(truth.spanId)
        if (!span) throw new Error(`no span ${truth.spanId}`)
        agree(span, truth, dialect, carry)
      }
      expect(spans).toHaveLength(calls.length)
    })
  }

  it('a call that is refused to its last attempt has an error and neither tokens nor a first token', async () => {
    const [attempt] = outcomes[0]!.attempts
    const failed = {
      ...outcomes[0]!,
      outcome: 'failed',
      labels: [],
      causesMs: {},
      tokenMs: undefined,
    } as const
    const refused = { ...failed, attempts: [{ ...attempt!, status: 429 }] }
    const caller = { dialect, carry: 'full', service: 'shop', conversation: 'c', tenant: 't' } as const
    const { line } = labelledCall(refused, caller, sceneOf(setup), hexOf(createRandom(1)))
    const [span, ...others] = (await readText(line)).spans
    expect(others).toEqual([])
    expect(span?.error).toBeDefined()
    expect(span).toMatchObject({ inputTokens: undefined, outputTokens: undefined, ttftMs: undefined })
  })
})

/** The reader keeps whole microseconds of a start and of an end. */
const NEAR_MS = 0.002

function agree(span: Span, truth: SpanTruth, dialect: SpanDialect, carry: Carry): void {
  const carried = (field: keyof Span): boolean => carry === 'full' && HAS[dialect].includes(field)
  near(span.durationMs, truth.durationMs, NEAR_MS)
  expect(span.modelRequested).toBe('hosted-reasoning')
  expect(span.service).toBe(truth.service)
  const isStreamWithoutUsage = dialect === 'vercel-ai-legacy' && carry === 'duration'
  expect(span.doubts).toEqual(isStreamWithoutUsage ? ['usage-missing'] : [])
  expect(span.error === undefined).toBe(truth.outcome === 'ok')
  const isOk = truth.outcome === 'ok'
  const hasTtft = isOk && HAS[dialect].includes('ttftMs') && (carry === 'full' || carry === 'ttft')
  const retryMs = truth.phases.retry
  if (!hasTtft) expect(span.ttftMs).toBeUndefined()
  else {
    const fromAttempt = span.ttftScope === 'attempt' && carry === 'full' ? retryMs : 0
    near(span.ttftMs, truth.ttftMs! - fromAttempt, dialect === 'anthropic-sdk' ? 0.501 : NEAR_MS)
  }
  const hasUsage = isOk && carry !== 'duration'
  expect(span.inputTokens).toBe(hasUsage ? truth.promptTokens : undefined)
  expect(span.outputTokens).toBe(hasUsage ? truth.outputTokens : undefined)
  if (isOk && carried('cacheReadTokens')) expect(span.cacheReadTokens).toBe(truth.cachedTokens)
  if (hasUsage && HAS[dialect].includes('reasoningTokens'))
    expect(span.reasoningTokens).toBe(truth.reasoningTokens)
  if (carried('attempts')) expect(span.attempts ?? 1).toBe(truth.statuses.length)
  if (carried('attempts') && isOk) near(span.retryMs ?? 0, retryMs, NEAR_MS)
  if (carried('conversationId')) expect(span.conversationId).toBe(truth.conversation)
  if (carried('tenant')) expect(span.tenant).toBe(truth.tenant)
  if (isOk && carried('backend')) expect(span.backend).toBe(truth.fingerprint)
  if (isOk && carried('replica')) {
    expect(span.replica).toBe(`${truth.region}-${truth.replica}`)
    expect(span.region?.toUpperCase().slice(0, 3)).toBe(truth.region.slice(0, 3).toUpperCase())
  }
  if (carry !== 'full') {
    const { cacheReadTokens, conversationId, tenant, tries, backend, replica, queueMs, gaps } = span
    const more = { cacheReadTokens, conversationId, tenant, tries, backend, replica, queueMs, gaps }
    expect(Object.entries(more).filter(([, value]) => value !== undefined)).toEqual([])
  }
  if (isOk && carried('queueMs')) {
    near(span.queueMs, truth.phases.queue, 1e-6)
    const { network, gateway } = truth.enginePhases
    // The engine's first token is the first one thought, which the client of this profile never gets.
    expect(span.serverTtftMs).toBeLessThan(truth.ttftMs! - retryMs - network)
    near(span.prefillMs! + span.queueMs! + gateway, span.serverTtftMs!, 1e-6)
  }
}

function near(actual: number | undefined, expected: number, within: number): void {
  expect(Math.abs((actual ?? NaN) - expected), `${actual} is not ${expected}`).toBeLessThanOrEqual(within)
}

describe('keys', () => {
  /** Of the span that stands for a served call with everything; from the documents, one a line of ATTRIBUTION's list. */
  const KEYS: Record<SpanDialect, string> = {
    'otel-genai':
      'gen_ai.operation.name gen_ai.provider.name gen_ai.request.model gen_ai.request.max_tokens gen_ai.request.stream gen_ai.conversation.id ' +
      'server.address server.port openai.api.type gen_ai.response.id gen_ai.response.model gen_ai.response.finish_reasons gen_ai.response.time_to_first_chunk ' +
      'gen_ai.usage.input_tokens gen_ai.usage.cache_read.input_tokens gen_ai.usage.output_tokens gen_ai.usage.reasoning.output_tokens ' +
      'openai.response.system_fingerprint openai.response.service_tier tenant.id',
    'otel-genai-older':
      'gen_ai.operation.name gen_ai.system gen_ai.request.model gen_ai.request.max_tokens server.address server.port gen_ai.response.id gen_ai.response.model ' +
      'gen_ai.response.finish_reasons gen_ai.usage.prompt_tokens gen_ai.usage.completion_tokens gen_ai.openai.response.system_fingerprint gen_ai.openai.response.service_tier',
    openllmetry:
      'llm.request.type gen_ai.system gen_ai.request.model gen_ai.request.max_tokens gen_ai.is_streaming gen_ai.openai.api_base ' +
      'traceloop.association.properties.session_id traceloop.association.properties.user_id gen_ai.response.id gen_ai.response.model ' +
      'gen_ai.openai.response.system_fingerprint gen_ai.usage.input_tokens gen_ai.usage.output_tokens llm.usage.total_tokens ' +
      'gen_ai.usage.cache_read_input_tokens gen_ai.usage.reasoning_tokens',
    openinference:
      'openinference.span.kind llm.provider llm.system llm.model_name llm.invocation_parameters session.id user.id llm.token_count.prompt ' +
      'llm.token_count.completion llm.token_count.total llm.token_count.prompt_details.cache_read llm.token_count.completion_details.reasoning',
    'vercel-ai':
      'gen_ai.operation.name gen_ai.provider.name gen_ai.request.model gen_ai.request.max_tokens gen_ai.response.id gen_ai.response.model gen_ai.response.finish_reasons ' +
      'gen_ai.usage.input_tokens gen_ai.usage.output_tokens gen_ai.usage.cache_read.input_tokens gen_ai.client.operation.duration ' +
      'gen_ai.client.operation.time_to_first_chunk gen_ai.client.operation.time_per_output_chunk',
    'vercel-ai-legacy':
      'operation.name ai.operationId ai.model.provider ai.model.id ai.settings.maxRetries ai.settings.maxOutputTokens ai.telemetry.metadata.sessionId ' +
      'ai.telemetry.metadata.userId gen_ai.system gen_ai.request.model ai.response.msToFirstChunk ai.response.msToFinish ai.response.avgOutputTokensPerSecond ' +
      'ai.response.finishReason ai.response.id ai.response.model ai.usage.inputTokens ai.usage.outputTokens ai.usage.totalTokens ai.usage.reasoningTokens ' +
      'ai.usage.cachedInputTokens gen_ai.response.finish_reasons gen_ai.response.id gen_ai.response.model gen_ai.usage.input_tokens gen_ai.usage.output_tokens',
    'anthropic-sdk':
      'gen_ai.operation.name gen_ai.provider.name gen_ai.request.model gen_ai.request.max_tokens gen_ai.request.stream http.request.method http.route ' +
      'http.response.status_code url.full server.address server.port anthropic.request.id gen_ai.response.id gen_ai.response.model ' +
      'gen_ai.response.time_to_first_chunk anthropic.message.stop_reason gen_ai.usage.input_tokens gen_ai.usage.cache_read.input_tokens ' +
      'gen_ai.usage.cache_write.input_tokens gen_ai.usage.output_tokens gen_ai.usage.reasoning.output_tokens anthropic.response.service_tier',
    'pydantic-ai':
      'gen_ai.operation.name gen_ai.system gen_ai.provider.name gen_ai.request.model gen_ai.request.max_tokens server.address server.port gen_ai.response.id ' +
      'gen_ai.response.model gen_ai.response.finish_reasons gen_ai.client.operation.time_to_first_chunk gen_ai.usage.input_tokens ' +
      'gen_ai.usage.cache_read.input_tokens gen_ai.usage.output_tokens gen_ai.usage.details.reasoning_tokens',
    langfuse:
      'langfuse.observation.type langfuse.observation.model.name langfuse.observation.model.parameters session.id user.id langfuse.environment ' +
      'langfuse.observation.completion_start_time langfuse.observation.usage_details',
    vllm:
      'gen_ai.operation.name gen_ai.provider.name gen_ai.request.model gen_ai.request.max_tokens gen_ai.request.stream gen_ai.conversation.id ' +
      'server.address server.port openai.api.type gen_ai.response.id gen_ai.response.model gen_ai.response.finish_reasons gen_ai.response.time_to_first_chunk ' +
      'gen_ai.usage.input_tokens gen_ai.usage.cache_read.input_tokens gen_ai.usage.output_tokens gen_ai.usage.reasoning.output_tokens ' +
      'openai.response.system_fingerprint openai.response.service_tier tenant.id',
  }

  it.each(SPAN_DIALECTS)('%s writes those of its document and no others', (dialect) => {
    const [call] = callsOf({ profile: 'hosted-reasoning', requests: 1, dialects: [dialect] })
    const span = spansIn(call!.line).find(({ spanId }) => spanId === call!.truth.spanId)
    expect(span?.attributes.map(({ key }) => key).sort()).toEqual(KEYS[dialect].split(' ').sort())
  })

  it('vLLM has its 6 latencies on a server span below the call', () => {
    const [call] = callsOf({ profile: '8b-h100', requests: 1, dialects: ['vllm'] })
    const server = spansIn(call!.line).find(({ name }) => name === 'llm_request')
    expect(server).toMatchObject({ kind: 2, parentSpanId: call!.truth.spanId })
    expect(
      server?.attributes.map(({ key }) => key).filter((key) => key.startsWith('gen_ai.latency.')),
    ).toHaveLength(6)
  })

  it('chunks of a stream are events of OpenLLMetry, the first one at the time to the first token', () => {
    const [call] = callsOf({ profile: 'hosted-frontier', requests: 1, dialects: ['openllmetry'] })
    const [span] = spansIn(call!.line)
    const { outputTokens, ttftMs } = call!.truth
    expect(span?.events).toHaveLength(Math.ceil(outputTokens / 4))
    const firstNs = BigInt(span!.events![0]!.timeUnixNano) - BigInt(span!.startTimeUnixNano)
    expect(Math.abs(Number(firstNs) / 1e6 - ttftMs!)).toBeLessThan(NEAR_MS)
  })
})

interface Written {
  spanId: string
  parentSpanId?: string
  name: string
  kind: number
  startTimeUnixNano: string
  attributes: { key: string }[]
  events?: { timeUnixNano: string }[]
}

function spansIn(line: string): Written[] {
  const { resourceSpans } = JSON.parse(line) as { resourceSpans: { scopeSpans: { spans: Written[] }[] }[] }
  return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
}
