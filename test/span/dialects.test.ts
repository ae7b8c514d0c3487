/** One call in the words of each dialect; the numbers are the same wherever the dialect can say them. */
import { describe, expect, it } from 'vitest'
import type { OtlpAttributes } from '../../src/span/otlp-envelope.js'
import type { Span } from '../../src/span/span.js'
import { spanOf, START_MS } from './one-span.js'
import type { Shape } from './one-span.js'
import { readValue } from './read.js'

interface Row {
  dialect: string
  attributes: OtlpAttributes
  shape?: Shape
  expected: Partial<Span>
}

/** 1,200 tokens in, 1,024 of them cached, 80 out, 30 of them reasoning; first output after 250 ms of 2,000. */
const rows: Row[] = [
  {
    dialect: 'otel-genai',
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'gpt-x',
      'gen_ai.response.model': 'gpt-x-2026',
      'gen_ai.request.stream': true,
      'gen_ai.response.time_to_first_chunk': 0.25,
      'gen_ai.usage.input_tokens': 1200,
      'gen_ai.usage.cache_read.input_tokens': 1024,
      'gen_ai.usage.cache_write.input_tokens': 64,
      'gen_ai.usage.output_tokens': 80,
      'gen_ai.usage.reasoning.output_tokens': 30,
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.response.id': 'resp-1',
      'gen_ai.conversation.id': 'conv-1',
      'gen_ai.conversation.compacted': true,
      'openai.response.service_tier': 'default',
      'openai.response.system_fingerprint': 'fp_1',
      'gen_ai.request.reasoning.level': 'high',
      'server.address': 'api.openai.com',
    },
    expected: {
      provider: 'openai',
      modelRequested: 'gpt-x',
      modelServed: 'gpt-x-2026',
      streaming: true,
      ttftMs: 250,
      ttftScope: 'call',
      inputTokens: 1200,
      cacheReadTokens: 1024,
      cacheWriteTokens: 64,
      outputTokens: 80,
      reasoningTokens: 30,
      finishReason: 'stop',
      requestId: 'resp-1',
      conversationId: 'conv-1',
      compacted: true,
      serviceTier: 'default',
      backend: 'fp_1',
      effort: 'high',
      service: 'shop',
    },
  },
  {
    dialect: 'otel-genai', // the names before 2025
    attributes: {
      'gen_ai.operation.name': 'text_completion',
      'gen_ai.system': 'az.ai.openai',
      'gen_ai.request.model': 'gpt-x',
      'gen_ai.usage.prompt_tokens': 1200,
      'gen_ai.usage.completion_tokens': 80,
      'gen_ai.openai.response.service_tier': 'scale',
      'gen_ai.openai.response.system_fingerprint': 'fp_1',
    },
    expected: {
      operation: 'text_completion',
      provider: 'azure.ai.openai',
      inputTokens: 1200,
      outputTokens: 80,
      serviceTier: 'scale',
      backend: 'fp_1',
      ttftMs: undefined,
      cacheReadTokens: undefined,
    },
  },
  {
    dialect: 'openllmetry',
    shape: {
      scope: 'opentelemetry.instrumentation.openai.v1',
      events: [250, 300, 400].map((after) => ({
        name: 'llm.content.completion.chunk',
        atMs: START_MS + after,
      })),
    },
    attributes: {
      'gen_ai.system': 'OpenAI',
      'llm.request.type': 'chat',
      'gen_ai.request.model': 'gpt-x',
      'llm.is_streaming': 'True',
      'gen_ai.usage.prompt_tokens': 1200,
      'gen_ai.usage.completion_tokens': 80,
      'gen_ai.usage.cache_read_input_tokens': 1024,
      'gen_ai.usage.reasoning_tokens': 30,
      'gen_ai.openai.system_fingerprint': 'fp_1',
      'traceloop.association.properties.user_id': 'ann',
    },
    expected: {
      provider: 'openai',
      streaming: true,
      ttftMs: 250,
      ttftScope: 'call',
      gaps: { count: 2, meanMs: 75, p50Ms: 50, p90Ms: 100, p99Ms: 100, maxMs: 100 },
      cacheReadTokens: 1024,
      reasoningTokens: 30,
      tenant: 'ann',
      backend: 'fp_1',
    },
  },
  {
    dialect: 'openinference',
    shape: {
      scope: 'openinference.instrumentation.openai',
      name: 'ChatCompletion',
      kind: 'internal',
      events: [{ name: 'First Token Stream Event', atMs: START_MS + 250 }],
    },
    attributes: {
      'openinference.span.kind': 'LLM',
      'llm.provider': 'openai',
      'llm.model_name': 'gpt-x',
      'llm.invocation_parameters': '{"stream": true, "max_tokens": 500}',
      'llm.token_count.prompt': 1200,
      'llm.token_count.prompt_details.cache_read': 1024,
      'llm.token_count.completion': 80,
      'llm.token_count.completion_details.reasoning': 30,
      'session.id': 'conv-1',
    },
    expected: {
      streaming: true,
      ttftMs: 250,
      maxOutputTokens: 500,
      cacheReadTokens: 1024,
      reasoningTokens: 30,
      conversationId: 'conv-1',
      gaps: undefined,
    },
  },
  {
    dialect: 'vercel-ai',
    shape: { scope: 'gen_ai' },
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'anthropic',
      'gen_ai.request.model': 'claude-x',
      'gen_ai.client.operation.time_to_first_chunk': 0.25,
      'gen_ai.client.operation.time_per_output_chunk': 0.02,
      'gen_ai.usage.input_tokens': 1200,
      'gen_ai.usage.output_tokens': 80,
      'gen_ai.usage.cache_creation.input_tokens': 64,
    },
    expected: { ttftMs: 250, ttftScope: 'attempt', gaps: { meanMs: 20 }, cacheWriteTokens: 64 },
  },
  {
    dialect: 'vercel-ai-legacy',
    shape: { scope: 'ai', name: 'ai.streamText.doStream', kind: 'internal' },
    attributes: {
      'ai.operationId': 'ai.streamText.doStream',
      'ai.model.provider': 'google.generative-ai',
      'ai.model.id': 'gemini-x',
      'ai.response.model': 'gemini-x-001',
      'ai.response.msToFirstChunk': 250,
      'ai.response.avgOutputTokensPerSecond': 40,
      'ai.usage.inputTokens': 1200,
      'ai.usage.outputTokens': 80,
      'ai.usage.cachedInputTokens': 1024,
      'ai.usage.reasoningTokens': 30,
      'ai.response.finishReason': 'stop',
      'ai.telemetry.metadata.sessionId': 'conv-1',
      'ai.telemetry.metadata.userId': 'ann',
    },
    expected: {
      conversationId: 'conv-1',
      tenant: 'ann',
      provider: 'gcp.gemini',
      modelServed: 'gemini-x-001',
      streaming: true,
      ttftMs: 250,
      ttftScope: 'attempt',
      gaps: undefined, // the rate that it tells is not one of decoding
      cacheReadTokens: 1024,
      finishReason: 'stop',
    },
  },
  {
    dialect: 'anthropic-sdk',
    shape: { scope: 'com.anthropic.sdk.typescript.bedrock', name: 'anthropic.messages.create' },
    attributes: {
      'gen_ai.provider.name': 'aws.bedrock',
      'gen_ai.request.model': 'claude-x',
      'gen_ai.response.time_to_first_chunk': 0.25,
      'http.request.resend_count': 2,
      'anthropic.message.stop_reason': 'end_turn',
      'anthropic.response.service_tier': 'priority',
      'anthropic.request.id': 'req_1',
      'server.address': 'bedrock-runtime.us-east-1.amazonaws.com',
      'gen_ai.usage.input_tokens': 1200,
      'gen_ai.usage.output_tokens': 80,
    },
    expected: {
      operation: 'chat',
      ttftScope: 'call',
      attempts: 3,
      finishReason: 'end_turn',
      serviceTier: 'priority',
      requestId: 'req_1',
      region: 'us-east-1',
    },
  },
  {
    dialect: 'pydantic-ai',
    shape: { scope: 'pydantic-ai' },
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.system': 'mistral',
      'gen_ai.request.model': 'mistral-x',
      'gen_ai.client.operation.time_to_first_chunk': 0.25,
      'gen_ai.usage.input_tokens': 1200,
      'gen_ai.usage.details.cache_read_tokens': 1024,
      'gen_ai.usage.output_tokens': 80,
    },
    expected: { provider: 'mistral_ai', ttftMs: 250, cacheReadTokens: 1024 },
  },
  {
    dialect: 'litellm',
    shape: { scope: 'litellm', name: 'litellm_request' },
    attributes: {
      'gen_ai.system': 'vertex_ai',
      'gen_ai.request.model': 'gemini-x',
      'llm.is_streaming': 'False',
      'gen_ai.usage.input_tokens': 1200,
      'gen_ai.usage.output_tokens': 80,
      'metadata.user_api_key_team_id': 'team-1',
    },
    expected: { provider: 'gcp.vertex_ai', streaming: false, tenant: 'team-1' },
  },
  {
    dialect: 'vllm',
    shape: {
      scope: 'vllm.llm_engine',
      name: 'llm_request',
      kind: 'server',
      resource: { 'k8s.pod.name': 'vllm-7', 'cloud.region': 'eu-west-1' },
    },
    attributes: {
      'gen_ai.latency.time_in_queue': 0.05,
      'gen_ai.latency.time_to_first_token': 0.25,
      'gen_ai.latency.time_in_model_prefill': 0.2,
      'gen_ai.latency.time_in_model_decode': 1.7,
      'gen_ai.latency.e2e': 1.95,
      'gen_ai.usage.prompt_tokens': 1200,
      'gen_ai.usage.completion_tokens': 80,
      'gen_ai.request.id': 'cmpl-1',
    },
    expected: {
      queueMs: 50,
      serverTtftMs: 250,
      prefillMs: 200,
      decodeMs: 1700,
      serverMs: 1950,
      replica: 'vllm-7',
      region: 'eu-west-1',
      inputTokens: 1200,
      requestId: 'cmpl-1',
      ttftMs: undefined,
    },
  },
  {
    dialect: 'sentry',
    attributes: {
      'gen_ai.request.model': 'gpt-x',
      'gen_ai.response.time_to_first_token': 0.25,
      'gen_ai.response.streaming': true,
      'gen_ai.usage.input_tokens': 1200,
      'gen_ai.usage.input_tokens.cached': 1024,
      'gen_ai.usage.output_tokens': 80,
      'gen_ai.usage.output_tokens.reasoning': 30,
    },
    expected: { ttftMs: 250, streaming: true, cacheReadTokens: 1024, reasoningTokens: 30 },
  },
  {
    dialect: 'claude-code',
    shape: { scope: 'com.anthropic.claude_code.tracing', name: 'claude_code.llm_request', kind: 'internal' },
    attributes: {
      'gen_ai.system': 'anthropic',
      'gen_ai.request.model': 'claude-x',
      input_tokens: 112,
      cache_read_tokens: 1024,
      cache_creation_tokens: 64,
      output_tokens: 80,
      ttft_ms: 250,
      attempt: 2,
      'session.id': 'conv-1',
      success: true,
    },
    expected: { inputTokens: 1200, cacheReadTokens: 1024, cacheWriteTokens: 64, ttftMs: 250, attempts: 2 },
  },
  {
    dialect: 'mlflow',
    attributes: {
      'mlflow.spanType': '"CHAT_MODEL"',
      'mlflow.llm.model': '"gpt-x"',
      'mlflow.chat.tokenUsage':
        '{"input_tokens": 1200, "output_tokens": 80, "cache_read_input_tokens": 1024}',
    },
    expected: { modelRequested: 'gpt-x', inputTokens: 1200, outputTokens: 80, cacheReadTokens: 1024 },
  },
  {
    dialect: 'langfuse',
    shape: { scope: 'langfuse-sdk', kind: 'internal' },
    attributes: {
      'langfuse.observation.type': 'generation',
      'langfuse.observation.model.name': 'gpt-x',
      'langfuse.observation.completion_start_time': `"${new Date(START_MS + 250).toISOString()}"`,
      'langfuse.observation.usage_details': '{"input": 1200, "output": 80, "input_cached_tokens": 1024}',
      'langfuse.observation.model.parameters': '{"stream": true}',
      'langfuse.session.id': 'conv-1',
      'langfuse.user.id': 'ann',
    },
    expected: { ttftMs: 250, inputTokens: 1200, cacheReadTokens: 1024, streaming: true, tenant: 'ann' },
  },
  {
    dialect: 'langfuse', // usage as OpenAI's API has it, which its SDK passes on
    shape: { scope: 'langfuse-sdk', kind: 'internal' },
    attributes: {
      'langfuse.observation.type': 'generation',
      'langfuse.observation.model.name': 'gpt-x',
      'langfuse.observation.usage_details':
        '{"prompt_tokens": 1200, "completion_tokens": 80, "total_tokens": 1280, ' +
        '"prompt_tokens_details": {"cached_tokens": 1024}, "completion_tokens_details": {"reasoning_tokens": 30}}',
    },
    expected: { inputTokens: 1200, cacheReadTokens: 1024, outputTokens: 80, reasoningTokens: 30 },
  },
  {
    dialect: 'langfuse', // and as its Responses API has it
    shape: { scope: 'langfuse-sdk', kind: 'internal' },
    attributes: {
      'langfuse.observation.type': 'generation',
      'langfuse.observation.model.name': 'gpt-x',
      'langfuse.observation.usage_details':
        '{"input_tokens": 1200, "output_tokens": 80, "input_tokens_details": {"cached_tokens": 1024}, ' +
        '"output_tokens_details": {"reasoning_tokens": 30}}',
    },
    expected: { inputTokens: 1200, cacheReadTokens: 1024, outputTokens: 80, reasoningTokens: 30 },
  },
]

describe('dialects of spans', () => {
  it.each(rows.map((row, i) => [`${row.dialect} (${i + 1})`, row] as const))(
    '%s says what it can, and each fact says where it came from',
    (_, { dialect, attributes, shape, expected }) => {
      const span = spanOf(attributes, shape)
      expect(span.dialect).toBe(dialect)
      expect(span).toMatchObject(
        Object.fromEntries(Object.entries(expected).filter(([, value]) => value !== undefined)),
      )
      for (const [field, value] of Object.entries(expected)) {
        if (value === undefined) expect(span[field as keyof Span], field).toBeUndefined()
        else if (field !== 'operation') expect(span.from, field).toHaveProperty(field)
      }
    },
  )
})

describe('records of stores and applications', () => {
  const start = new Date(START_MS).toISOString()
  const end = new Date(START_MS + 2000).toISOString()

  it('Langfuse export: counts that leave out cache and reasoning are added up', () => {
    const { spans } = readValue({
      id: 'obs-1',
      traceId: 'trace-1',
      type: 'GENERATION',
      startTime: start,
      endTime: end,
      completionStartTime: new Date(START_MS + 250).toISOString(),
      providedModelName: 'gpt-x',
      usageDetails: {
        input: 176,
        input_cached_tokens: 1024,
        output: 50,
        output_reasoning_tokens: 30,
        total: 1280,
      },
      modelParameters: { stream: true },
      input: 'a secret prompt',
    })
    expect(spans).toMatchObject([
      {
        dialect: 'langfuse',
        traceId: 'trace-1',
        spanId: 'obs-1',
        durationMs: 2000,
        ttftMs: 250,
        inputTokens: 1200,
        cacheReadTokens: 1024,
        outputTokens: 80,
        reasoningTokens: 30,
      },
    ])
    expect(JSON.stringify(spans)).not.toContain('secret')
  })

  it('PostHog: dated at the end, seconds, Anthropic counts without the cache', () => {
    const { spans } = readValue({
      event: '$ai_generation',
      timestamp: end,
      properties: {
        $ai_model: 'claude-x',
        $ai_provider: 'anthropic',
        $ai_latency: 2,
        $ai_time_to_first_token: 0.25,
        $ai_input_tokens: 176,
        $ai_cache_read_input_tokens: 1024,
        $ai_cache_reporting_exclusive: true,
        $ai_output_tokens: 80,
        $ai_trace_id: 't1',
      },
    })
    expect(spans).toMatchObject([
      { dialect: 'posthog', startedAtMs: START_MS, durationMs: 2000, ttftMs: 250, inputTokens: 1200 },
    ])
  })

  it('Braintrust: metrics with moments in seconds', () => {
    const { spans } = readValue({
      span_id: 's1',
      root_span_id: 't1',
      span_attributes: { type: 'llm', name: 'Chat Completion' },
      metadata: { model: 'gpt-x', provider: 'openai' },
      metrics: {
        start: START_MS / 1000,
        end: START_MS / 1000 + 2,
        time_to_first_token: 0.25,
        prompt_tokens: 1200,
        completion_tokens: 80,
        prompt_cached_tokens: 1024,
      },
    })
    expect(spans).toMatchObject([
      { dialect: 'braintrust', traceId: 't1', durationMs: 2000, ttftMs: 250, cacheReadTokens: 1024 },
    ])
  })

  it('an application’s own record: bare names with units in them', () => {
    const { spans } = readValue({
      ts: start,
      model: 'gpt-x',
      provider: 'openai',
      input_tokens: 1200,
      cached_tokens: 1024,
      output_tokens: 80,
      ttft_ms: 250,
      duration_ms: 2000,
      user_id: 'ann',
    })
    expect(spans).toMatchObject([
      {
        dialect: 'records',
        startedAtMs: START_MS,
        durationMs: 2000,
        ttftMs: 250,
        inputTokens: 1200,
        tenant: 'ann',
        doubts: [],
      },
    ])
  })

  it('records of an engine are in seconds, dated by their arrival, named by their request', () => {
    const times = { queued_time: 0.5, prefill_time: 0.2, decode_time: 1.1, time_to_first_token: 0.75 }
    const { spans } = readValue([
      {
        request_id: 'cmpl-1',
        model: 'gpt-x',
        arrival_time: START_MS / 1000,
        e2e_latency: 1.9,
        num_prompt_tokens: 1200,
        num_generation_tokens: 80,
        ...times,
      },
      // The same by its moments, and of no model.
      {
        request_id: 'cmpl-2',
        arrival_time: START_MS / 1000,
        first_token_time: START_MS / 1000 + 0.75,
        finished_time: START_MS / 1000 + 1.9,
        time_in_queue: 0.5,
        num_prompt_tokens: 1200,
        num_output_tokens: 80,
      },
    ])
    const both = {
      startedAtMs: START_MS,
      durationMs: 1900,
      ttftMs: 750,
      queueMs: 500,
      inputTokens: 1200,
      outputTokens: 80,
    }
    expect(spans).toMatchObject([
      { ...both, spanId: 'cmpl-1', modelRequested: 'gpt-x', prefillMs: 200, decodeMs: 1100, doubts: [] },
      { ...both, spanId: 'cmpl-2', modelRequested: undefined, doubts: [] },
    ])
  })

  it('log events: Claude Code and Codex tell calls that have ended', () => {
    const record = (name: string, attributes: Record<string, string>) => ({
      timeUnixNano: `${START_MS + 2000}000000`,
      body: { stringValue: name },
      attributes: Object.entries(attributes).map(([key, stringValue]) => ({ key, value: { stringValue } })),
    })
    const { spans } = readValue({
      resourceLogs: [
        {
          resource: { attributes: [{ key: 'service.name', value: { stringValue: 'dev' } }] },
          scopeLogs: [
            {
              logRecords: [
                record('claude_code.api_request', {
                  model: 'claude-x',
                  input_tokens: '176',
                  cache_read_tokens: '1024',
                  output_tokens: '80',
                  duration_ms: '2000',
                }),
                record('codex.sse_event', {
                  'event.name': 'codex.sse_event',
                  'event.kind': 'response.created',
                }),
                record('codex.sse_event', {
                  'event.name': 'codex.sse_event',
                  'event.kind': 'response.completed',
                  model: 'gpt-x',
                  input_token_count: '1200',
                  cached_token_count: '1024',
                  output_token_count: '80',
                  duration_ms: '2000',
                }),
                record('claude_code.tool_result', { duration_ms: '5' }),
              ],
            },
          ],
        },
      ],
    })
    expect(spans).toMatchObject([
      {
        dialect: 'claude-code',
        inputTokens: 1200,
        startedAtMs: START_MS,
        provider: 'anthropic',
        service: 'dev',
      },
      { dialect: 'codex', inputTokens: 1200, cacheReadTokens: 1024, provider: 'openai' },
    ])
  })
})
