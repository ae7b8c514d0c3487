/** Dialects of TypeScript SDKs: Anthropic's own, and the Vercel AI SDK, of today and before. */
import type { OtlpAttributes, OtlpGroup, OtlpSpan } from '../span/otlp-envelope.js'
import { secondsTo } from './emit-genai.js'
import { errorWord, nodeResource, openaiEndpoint, undiciSpans } from './emit-http.js'
import type { Emitter } from './spans-seen.js'

/**
 * `@anthropic-ai/sdk` from 0.134: one span a logical call. Its TTFT runs from the start of the call, by `Date.now()`,
 * so in whole milliseconds; input counts include the cache's.
 */
export const anthropicSdk: Emitter = (seen) => {
  const endpoint = { host: 'api.anthropic.com', port: 443, path: '/v1/messages' }
  const { usage, failedStatus, tries = [] } = seen
  const resends = tries.length - 1
  const ttftMs = seen.firstMs === undefined ? undefined : Math.round(seen.firstMs - seen.startMs)
  const attributes: OtlpAttributes = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'anthropic',
    'gen_ai.request.model': seen.model,
    'gen_ai.request.max_tokens': seen.maxTokens,
    'gen_ai.request.stream': seen.firstMs === undefined ? undefined : true,
    'http.request.method': 'POST',
    'http.route': endpoint.path,
    'http.request.resend_count': resends > 0 ? resends : undefined,
    'http.response.status_code': failedStatus ?? 200,
    'url.full': `https://${endpoint.host}${endpoint.path}`,
    'server.address': endpoint.host,
    'server.port': endpoint.port,
    'anthropic.request.id': seen.requestId,
    ...(failedStatus === undefined
      ? {
          'gen_ai.response.id': `msg_${seen.answerId}`,
          'gen_ai.response.model': seen.model,
          'gen_ai.response.time_to_first_chunk': ttftMs === undefined ? undefined : ttftMs / 1000,
          'anthropic.message.stop_reason': 'end_turn',
          'gen_ai.usage.input_tokens': usage?.promptTokens,
          'gen_ai.usage.cache_read.input_tokens': usage?.cachedTokens,
          'gen_ai.usage.cache_write.input_tokens': usage?.cachedTokens === undefined ? undefined : 0,
          'gen_ai.usage.output_tokens': usage?.outputTokens,
          'gen_ai.usage.reasoning.output_tokens': usage?.reasoningTokens,
          'anthropic.response.service_tier': usage?.cachedTokens === undefined ? undefined : 'standard',
        }
      : { 'error.type': errorWord(failedStatus) }),
  }
  const span: OtlpSpan = {
    traceId: seen.traceId,
    spanId: seen.spanId,
    name: 'anthropic.messages.create',
    kind: 'client',
    startMs: seen.startMs,
    endMs: seen.endMs,
    attributes,
    ...(failedStatus !== undefined && { status: { code: 'error' } }),
  }
  return [
    {
      resource: nodeResource(seen.service),
      scope: { name: 'com.anthropic.sdk.typescript', version: '1.12.0' },
      spans: [span],
    },
    ...undiciSpans(seen, endpoint),
  ]
}

/**
 * `@ai-sdk/otel`, version 7: agent, step, call. It puts metrics on the span (seconds), timed inside its retry loop:
 * of the attempt that answered.
 */
export const vercelAi: Emitter = (seen) => {
  const { traceId, startMs, endMs, usage, model, failedStatus } = seen
  const agentId = seen.nextId()
  const stepId = seen.nextId()
  const attemptMs = seen.tries?.at(-1)?.startMs ?? startMs
  const failed = failedStatus !== undefined && ({ code: 'error' } as const)
  const around = (
    spanId: string,
    parentSpanId: string | undefined,
    name: string,
    operation: string,
  ): OtlpSpan => ({
    traceId,
    spanId,
    ...(parentSpanId !== undefined && { parentSpanId }),
    name,
    kind: 'internal',
    startMs,
    endMs,
    attributes: { 'gen_ai.operation.name': operation, 'gen_ai.provider.name': 'openai' },
    ...(failed && { status: failed }),
  })
  const attributes: OtlpAttributes = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': model,
    'gen_ai.request.max_tokens': seen.maxTokens,
    ...(failedStatus === undefined
      ? {
          'gen_ai.response.id': `chatcmpl-${seen.answerId}`,
          'gen_ai.response.model': model,
          'gen_ai.response.finish_reasons': ['stop'],
          'gen_ai.usage.input_tokens': usage?.promptTokens,
          'gen_ai.usage.output_tokens': usage?.outputTokens,
          'gen_ai.usage.cache_read.input_tokens': usage?.cachedTokens,
          'gen_ai.client.operation.duration': secondsTo(endMs, attemptMs),
          'gen_ai.client.operation.time_to_first_chunk': secondsTo(seen.firstMs, attemptMs),
          'gen_ai.client.operation.time_per_output_chunk':
            seen.gapMs === undefined ? undefined : seen.gapMs / 1000,
        }
      : { 'error.type': String(failedStatus) }),
  }
  const call: OtlpSpan = {
    traceId,
    spanId: seen.spanId,
    parentSpanId: stepId,
    name: `chat ${model}`,
    kind: 'client',
    startMs,
    endMs,
    attributes,
    ...(failed && { status: failed }),
  }
  return [
    {
      resource: nodeResource(seen.service),
      scope: { name: 'gen_ai' },
      spans: [
        around(agentId, undefined, 'invoke_agent', 'invoke_agent'),
        around(stepId, agentId, 'agent_step', 'agent_step'),
        call,
      ],
    },
    ...undiciSpans(seen, openaiEndpoint(seen)),
  ]
}

/**
 * The Vercel AI SDK before 7: `ai.streamText` around one `.doStream` an attempt, each with times of its own, so a
 * retried call has several; the last stands for it. The rate that it reports divides by the whole time.
 */
export const vercelAiLegacy: Emitter = (seen) => {
  const { traceId, spanId, startMs, endMs, usage, model, failedStatus } = seen
  const rootId = seen.nextId()
  const base: OtlpAttributes = {
    'ai.model.provider': 'openai.chat',
    'ai.model.id': model,
    'ai.settings.maxRetries': 2,
    'ai.settings.maxOutputTokens': seen.maxTokens,
    'ai.telemetry.metadata.sessionId': seen.conversation,
    'ai.telemetry.metadata.userId': seen.tenant,
  }
  const operation = (name: string): OtlpAttributes => ({
    'operation.name': name,
    'ai.operationId': name,
    ...base,
  })
  const counts: OtlpAttributes = usage
    ? {
        'ai.usage.inputTokens': usage.promptTokens,
        'ai.usage.outputTokens': usage.outputTokens,
        'ai.usage.totalTokens': usage.promptTokens + usage.outputTokens,
        'ai.usage.reasoningTokens': usage.reasoningTokens,
        'ai.usage.cachedInputTokens': usage.cachedTokens,
      }
    : {}
  const request: OtlpAttributes = { 'gen_ai.system': 'openai.chat', 'gen_ai.request.model': model }
  const tries = seen.tries ?? [{ startMs, endMs, status: failedStatus ?? 200 }]
  const ids = tries.map((_, i) => (i === tries.length - 1 ? spanId : seen.nextId()))
  const attempts = tries.map((attempt, i): OtlpSpan => {
    const head = {
      traceId,
      spanId: ids[i]!,
      parentSpanId: rootId,
      name: 'ai.streamText.doStream',
      kind: 'internal' as const,
      startMs: attempt.startMs,
      endMs: attempt.endMs,
    }
    const asked = { ...operation('ai.streamText.doStream'), ...request }
    if (attempt.status !== 200)
      return {
        ...head,
        attributes: asked,
        events: [
          {
            name: 'exception',
            atMs: attempt.endMs,
            attributes: {
              'exception.type': 'AI_APICallError',
              'exception.message': errorWord(attempt.status),
            },
          },
        ],
        status: { code: 'error', message: errorWord(attempt.status) },
      }
    const ttftMs = seen.firstMs === undefined ? undefined : seen.firstMs - attempt.startMs
    const finishMs = attempt.endMs - attempt.startMs
    return {
      ...head,
      attributes: {
        ...asked,
        'ai.response.msToFirstChunk': ttftMs,
        'ai.response.msToFinish': ttftMs === undefined ? undefined : finishMs,
        'ai.response.avgOutputTokensPerSecond':
          usage && ttftMs !== undefined ? (1000 * usage.outputTokens) / finishMs : undefined,
        'ai.response.finishReason': 'stop',
        'ai.response.id': `chatcmpl-${seen.answerId}`,
        'ai.response.model': model,
        ...counts,
        'gen_ai.response.finish_reasons': ['stop'],
        'gen_ai.response.id': `chatcmpl-${seen.answerId}`,
        'gen_ai.response.model': model,
        'gen_ai.usage.input_tokens': usage?.promptTokens,
        'gen_ai.usage.output_tokens': usage?.outputTokens,
      },
      ...(seen.firstMs !== undefined && {
        events: [
          {
            name: 'ai.stream.firstChunk',
            atMs: seen.firstMs,
            attributes: { 'ai.response.msToFirstChunk': ttftMs },
          },
          { name: 'ai.stream.finish', atMs: attempt.endMs },
        ],
      }),
    }
  })
  const root: OtlpSpan = {
    traceId,
    spanId: rootId,
    name: 'ai.streamText',
    kind: 'internal',
    startMs,
    endMs,
    attributes: { ...operation('ai.streamText'), 'ai.response.finishReason': 'stop', ...counts },
    ...(failedStatus !== undefined && { status: { code: 'error' } }),
  }
  const groups: OtlpGroup[] = [
    { resource: nodeResource(seen.service), scope: { name: 'ai' }, spans: [...attempts, root] },
  ]
  return [...groups, ...undiciSpans(seen, openaiEndpoint(seen), (i) => ids[i] ?? spanId)]
}
