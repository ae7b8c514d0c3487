/**
 * What the recorded streams contain, by a reading of their bytes that shares nothing with our decoders (a Python script of
 * json and struct alone). Characters are UTF-16 units of all generated text; usage is in our one meaning.
 */
import type { ProtocolName } from '../../src/protocol/protocol.js'

export interface Recorded {
  file: string
  protocol: ProtocolName
  events: number
  /** Events that carry generated output. */
  output: number
  characters: number
  channels: string
  finish: string | undefined
  comments?: number
  prompt?: number
  cached?: number
  written?: number
  tokens?: number
  reasoning?: number
}

// prettier-ignore
export const recorded: readonly Recorded[] = [
  { file: 'anthropic/test_anthropic_compaction_usage_with_cache_streaming.0.sse', protocol: 'anthropic-messages',
    events: 12, output: 3, characters: 9, channels: 'text', finish: 'end_turn', prompt: 181, cached: 0, written: 0, tokens: 8 },
  { file: 'anthropic/test_anthropic_model_thinking_part_redacted_stream.0.sse', protocol: 'anthropic-messages',
    events: 27, output: 15, characters: 359, channels: 'text', finish: 'end_turn', prompt: 92, cached: 0, written: 0, tokens: 189 },
  { file: 'anthropic/test_anthropic_model_thinking_part_stream.0.sse', protocol: 'anthropic-messages',
    events: 118, output: 108, characters: 1223, channels: 'summary text', finish: 'end_turn', prompt: 43, cached: 0, written: 0, tokens: 282 },
  { file: 'anthropic/test_anthropic_prompt_caching_stream_legacy.0.sse', protocol: 'anthropic-messages',
    events: 39, output: 33, characters: 913, channels: 'text', finish: 'end_turn', prompt: 1169, cached: 0, written: 1165, tokens: 201 },
  { file: 'bedrock/test_bedrock_model_stream.0.eventstream.bin', protocol: 'bedrock-converse',
    events: 33, output: 29, characters: 375, channels: 'text', finish: 'end_turn', prompt: 13, tokens: 82 },
  { file: 'bedrock/test_bedrock_model_thinking_part_stream.0.eventstream.bin', protocol: 'bedrock-converse',
    events: 25, output: 19, characters: 248, channels: 'reasoning text', finish: 'end_turn', prompt: 36, tokens: 73 },
  { file: 'deepseek/test_deepseek_model_thinking_stream.0.sse', protocol: 'openai-chat',
    events: 212, output: 209, characters: 923, channels: 'reasoning text', finish: 'stop', prompt: 6, cached: 0, tokens: 212, reasoning: 198 },
  { file: 'gemini/test_google_model_iter_stream.0.sse', protocol: 'gemini',
    events: 1, output: 1, characters: 31, channels: 'tool', finish: 'STOP', prompt: 52, tokens: 5 },
  { file: 'gemini/test_google_model_stream.0.sse', protocol: 'gemini',
    events: 3, output: 3, characters: 32, channels: 'text', finish: 'STOP', prompt: 13, tokens: 8 },
  { file: 'groq/test_chat_streaming_legacy.0.sse', protocol: 'openai-chat',
    events: 75, output: 72, characters: 277, channels: 'text', finish: 'stop', prompt: 18, tokens: 73 },
  { file: 'groq/test_groq_model_web_search_tool_stream.0.sse', protocol: 'openai-chat',
    events: 227, output: 223, characters: 6456, channels: 'reasoning text', finish: 'stop', prompt: 5003, tokens: 359 },
  { file: 'mistral/test_mistralai_streaming_chat_legacy.0.sse', protocol: 'openai-chat',
    events: 82, output: 79, characters: 297, channels: 'text', finish: 'stop', prompt: 11, tokens: 80 },
  { file: 'ollama/test_ollama_async_streaming_chat_legacy.0.ndjson', protocol: 'ollama',
    events: 63, output: 62, characters: 238, channels: 'text', finish: 'stop', prompt: 17, tokens: 63 },
  { file: 'ollama/test_ollama_streaming_chat_legacy.0.ndjson', protocol: 'ollama',
    events: 50, output: 49, characters: 212, channels: 'text', finish: 'stop', prompt: 17, tokens: 50 },
  { file: 'ollama/test_ollama_streaming_generation_legacy.0.ndjson', protocol: 'ollama-generate',
    events: 71, output: 70, characters: 291, channels: 'text', finish: 'stop', prompt: 17, tokens: 71 },
  { file: 'openai-chat/azure_test_chat_streaming_with_events_with_content.0.sse', protocol: 'openai-chat',
    events: 28, output: 24, characters: 120, channels: 'text', finish: 'stop' },
  { file: 'openai-chat/test_chat_streaming_with_events_with_content.0.sse', protocol: 'openai-chat',
    events: 26, output: 23, characters: 106, channels: 'text', finish: 'stop' },
  { file: 'openai-chat/test_openai_moderation_stream.0.sse', protocol: 'openai-chat',
    events: 7, output: 2, characters: 6, channels: 'text', finish: 'stop', prompt: 13, cached: 0, tokens: 11, reasoning: 0 },
  { file: 'openai-chat/test_run_stream_sync_streams_real_model.0.sse', protocol: 'openai-chat',
    events: 9, output: 6, characters: 27, channels: 'tool', finish: 'tool_calls', prompt: 53, cached: 0, tokens: 15, reasoning: 0 },
  { file: 'openai-completions/test_completion_streaming.0.sse', protocol: 'openai-completions',
    events: 433, output: 431, characters: 1262, channels: 'text', finish: 'stop' },
  { file: 'openai-responses/test_background_mode_streaming_vcr.0.sse', protocol: 'openai-responses',
    events: 17, output: 8, characters: 15, channels: 'text', finish: 'completed', prompt: 15, cached: 0, tokens: 9, reasoning: 0 },
  { file: 'openai-responses/test_openai_responses_phase_streamed_on_part_start.0.sse', protocol: 'openai-responses',
    events: 33, output: 21, characters: 87, channels: 'text tool', finish: 'completed', prompt: 63, cached: 0, written: 0, tokens: 69, reasoning: 26 },
  { file: 'openai-responses/test_openai_responses_stream.0.sse', protocol: 'openai-responses',
    events: 11, output: 6, characters: 31, channels: 'tool', finish: 'completed', prompt: 255, cached: 0, tokens: 16, reasoning: 0 },
  { file: 'openai-responses/test_openai_responses_streaming_usage.0.sse', protocol: 'openai-responses',
    events: 14, output: 7, characters: 27, channels: 'tool', finish: 'completed', prompt: 53, cached: 0, tokens: 469, reasoning: 448 },
  { file: 'openrouter/test_openrouter_stream_error.0.sse', protocol: 'openai-chat',
    events: 5, output: 2, characters: 42, channels: 'reasoning', finish: 'length', comments: 17, prompt: 43, cached: 0, tokens: 10, reasoning: 11 },
  { file: 'vllm/test_trace_propagation_stream_ChatOpenAI_.0.sse', protocol: 'openai-chat',
    events: 22, output: 20, characters: 39, channels: 'text', finish: 'length' },
  { file: 'vllm/test_trace_propagation_stream_OpenAI_.0.sse', protocol: 'openai-completions',
    events: 21, output: 20, characters: 82, channels: 'text', finish: 'length' },
  { file: 'vercel-ai-chunks/alibaba/alibaba-reasoning.chunks.txt', protocol: 'openai-chat',
    events: 275, output: 272, characters: 4117, channels: 'reasoning text', finish: 'stop', prompt: 24, cached: 0, tokens: 1355, reasoning: 1084 },
  { file: 'vercel-ai-chunks/alibaba/alibaba-text.chunks.txt', protocol: 'openai-chat',
    events: 174, output: 171, characters: 3771, channels: 'text', finish: 'stop', prompt: 18, cached: 0, tokens: 779 },
  { file: 'vercel-ai-chunks/alibaba/alibaba-tool-call.chunks.txt', protocol: 'openai-chat',
    events: 6, output: 3, characters: 36, channels: 'tool', finish: 'tool_calls', prompt: 295, cached: 0, tokens: 22 },
  { file: 'vercel-ai-chunks/amazon-bedrock/amazon-bedrock-reasoning.chunks.txt', protocol: 'bedrock-converse',
    events: 26, output: 19, characters: 179, channels: 'reasoning text', finish: 'end_turn', prompt: 51, tokens: 94 },
  { file: 'vercel-ai-chunks/amazon-bedrock/amazon-bedrock-text.chunks.txt', protocol: 'bedrock-converse',
    events: 16, output: 12, characters: 109, channels: 'text', finish: 'end_turn', prompt: 22, tokens: 55 },
  { file: 'vercel-ai-chunks/anthropic/anthropic-code-execution-20260120-prompt-cache.1.chunks.txt', protocol: 'anthropic-messages',
    events: 44, output: 30, characters: 258, channels: 'text tool', finish: 'end_turn', prompt: 9632, cached: 6289, written: 3337, tokens: 198, reasoning: 0 },
  { file: 'vercel-ai-chunks/anthropic/anthropic-refusal.chunks.txt', protocol: 'anthropic-messages',
    events: 4, output: 0, characters: 0, channels: '', finish: 'refusal', prompt: 18, cached: 0, written: 0, tokens: 5 },
  { file: 'vercel-ai-chunks/anthropic/anthropic-text.chunks.txt', protocol: 'anthropic-messages',
    events: 12, output: 6, characters: 108, channels: 'text', finish: 'end_turn', prompt: 12, cached: 0, written: 0, tokens: 30 },
  { file: 'vercel-ai-chunks/cerebras/cererebras-structured-output-tools.1.chunks.txt', protocol: 'openai-chat',
    events: 97, output: 92, characters: 932, channels: 'reasoning text tool', finish: 'tool_calls', prompt: 433, cached: 256, tokens: 122, reasoning: 108 },
  { file: 'vercel-ai-chunks/deepseek/deepseek-reasoning.chunks.txt', protocol: 'openai-chat',
    events: 220, output: 218, characters: 648, channels: 'reasoning text', finish: 'stop', prompt: 18, cached: 0, tokens: 219, reasoning: 205 },
  { file: 'vercel-ai-chunks/deepseek/deepseek-text.chunks.txt', protocol: 'openai-chat',
    events: 402, output: 400, characters: 1855, channels: 'text', finish: 'length', prompt: 13, cached: 0, tokens: 400 },
  { file: 'vercel-ai-chunks/deepseek/deepseek-tool-call.chunks.txt', protocol: 'openai-chat',
    events: 52, output: 50, characters: 227, channels: 'reasoning tool', finish: 'tool_calls', prompt: 339, cached: 320, tokens: 83, reasoning: 39 },
  { file: 'vercel-ai-chunks/google/google-reasoning.chunks.txt', protocol: 'gemini',
    events: 3, output: 2, characters: 79, channels: 'text', finish: 'STOP', prompt: 9, tokens: 285, reasoning: 256 },
  { file: 'vercel-ai-chunks/google/google-text.chunks.txt', protocol: 'gemini',
    events: 3, output: 2, characters: 55, channels: 'text', finish: 'STOP', prompt: 9, tokens: 208, reasoning: 185 },
  { file: 'vercel-ai-chunks/groq/groq-reasoning.chunks.txt', protocol: 'openai-chat',
    events: 1104, output: 1102, characters: 3299, channels: 'reasoning text', finish: 'stop', prompt: 17, tokens: 1107, reasoning: 963 },
  { file: 'vercel-ai-chunks/groq/groq-text.chunks.txt', protocol: 'openai-chat',
    events: 663, output: 661, characters: 3189, channels: 'text', finish: 'stop', prompt: 45, tokens: 662 },
  { file: 'vercel-ai-chunks/mistral/mistral-reasoning.chunks.txt', protocol: 'openai-chat',
    events: 4, output: 3, characters: 69, channels: 'reasoning text', finish: 'stop', prompt: 10, tokens: 46 },
  { file: 'vercel-ai-chunks/moonshotai/moonshotai-stream.chunks.txt', protocol: 'openai-chat',
    events: 4, output: 4, characters: 22, channels: 'reasoning text', finish: 'stop', prompt: 9, tokens: 12, reasoning: 7 },
  { file: 'vercel-ai-chunks/openai/azure-model-router.1.chunks.txt', protocol: 'openai-chat',
    events: 8, output: 4, characters: 19, channels: 'text', finish: 'stop', prompt: 15, cached: 0, tokens: 78, reasoning: 64 },
  { file: 'vercel-ai-chunks/openai/openai-error.1.chunks.txt', protocol: 'openai-responses',
    events: 4, output: 0, characters: 0, channels: '', finish: undefined },
  { file: 'vercel-ai-chunks/openai/openai-reasoning-encrypted-content.1.chunks.txt', protocol: 'openai-responses',
    events: 110, output: 82, characters: 307, channels: 'summary text tool', finish: 'completed', prompt: 299, cached: 0, tokens: 12, reasoning: 0 },
  { file: 'vercel-ai-chunks/openai/openai-text.chunks.txt', protocol: 'openai-chat',
    events: 303, output: 300, characters: 1724, channels: 'text', finish: 'stop', prompt: 16, cached: 0, tokens: 300, reasoning: 0 },
  { file: 'vercel-ai-chunks/perplexity/perplexity-citations.chunks.txt', protocol: 'openai-chat',
    events: 8, output: 7, characters: 34, channels: 'text', finish: 'stop', prompt: 10, tokens: 336 },
  { file: 'vercel-ai-chunks/perplexity/perplexity-text.chunks.txt', protocol: 'openai-chat',
    events: 8, output: 7, characters: 22, channels: 'text', finish: 'stop', prompt: 11, tokens: 434 },
]
