/** How to get what a dialect leaves out: one line for each field, of the dialect or in general. */
import type { SpanFacts } from './span.js'

type Fixes = Readonly<Partial<Record<keyof SpanFacts, string>>>

export const usualFixes: Fixes = {
  ttftMs: 'set gen_ai.response.time_to_first_chunk (seconds) where the stream is read',
  inputTokens: 'set gen_ai.usage.input_tokens from the usage of the answer',
  outputTokens: 'set gen_ai.usage.output_tokens; for streams ask for it with stream_options.include_usage',
  cacheReadTokens:
    'set gen_ai.usage.cache_read.input_tokens; vLLM and SGLang report it with --enable-prompt-tokens-details',
  reasoningTokens: 'set gen_ai.usage.reasoning.output_tokens where the model reasons',
  serverMs:
    'capture response headers (openai-processing-ms, x-envoy-upstream-service-time) on the HTTP child span',
  queueMs: 'only the server knows it: export the engine’s own spans (vLLM: --otlp-traces-endpoint)',
  attempts:
    'trace HTTP requests below the call (instrumentation of undici, requests, httpx): each is an attempt',
  modelServed: 'set gen_ai.response.model from the answer: a silent change of model shows there',
  provider: 'set gen_ai.provider.name',
  requestId: 'set gen_ai.response.id from the answer',
  region: 'capture response headers that name it (x-ms-region, x-groq-region, cf-ray) on the HTTP child span',
  backend: 'set openai.response.system_fingerprint where the provider sends one',
  conversationId:
    'set gen_ai.conversation.id (or session.id): a cold cache shows in the gap since its last call',
  tenant: 'set enduser.id or tenant.id: a neighbour shows in the calls of others',
}

const headers =
  'switch on headersToSpanAttributes of @opentelemetry/instrumentation-undici for the response headers'

export const fixes: Readonly<Partial<Record<string, Fixes>>> = {
  'otel-js-openai': {
    ttftMs:
      '@opentelemetry/instrumentation-openai has none (0.22): set gen_ai.response.time_to_first_chunk yourself',
    cacheReadTokens:
      '@opentelemetry/instrumentation-openai has none (0.22): set gen_ai.usage.cache_read.input_tokens yourself',
    serverMs: headers,
    region: headers,
  },
  openinference: {
    ttftMs:
      'the JavaScript instrumentations add no First Token Stream Event: the Python ones do, or set it yourself',
    attempts: 'one span covers all retries of the SDK: trace HTTP requests below it',
  },
  openllmetry: {
    ttftMs: 'only its metric has it: keep the chunk events of streams (openllmetry-js has none)',
  },
  'anthropic-sdk': {
    attempts: 'http.request.resend_count stands there only after a retry: absent means 1',
    ttftMs: 'only streams have it: use messages.stream or stream: true',
  },
  'vercel-ai': {
    attempts: 'each retry is a span of its own: trace HTTP requests below it to see them',
    serverMs: headers,
  },
  'vercel-ai-legacy': {
    ttftMs: 'only streamText and streamObject have it: generateText waits for the whole answer',
    attempts: 'trace HTTP requests below the .do spans to see retries',
    serverMs: headers,
  },
  langfuse: {
    ttftMs: 'set completionStartTime (update_current_generation): Langfuse reads no other attribute for it',
  },
  litellm: {
    ttftMs: 'its spans have none: use the proxy’s metric, or instrument the client',
    cacheReadTokens: 'its spans have none: instrument the client, which sees the usage',
    attempts: 'capture the response header x-litellm-attempted-retries',
  },
  'pydantic-ai': { ttftMs: 'only streamed runs have it (run_stream)' },
  vllm: {
    ttftMs: 'these are the server’s spans: export the client’s too, with traceparent, and both are joined',
    cacheReadTokens: 'start vLLM with --enable-prompt-tokens-details and trace the client',
  },
  'claude-code': { ttftMs: 'set CLAUDE_CODE_ENHANCED_TELEMETRY_BETA=1: its log events have none' },
}
