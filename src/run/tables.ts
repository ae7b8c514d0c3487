/** The built-in probes, protocols and providers by name: a variant is a file and a line here. */
import { arrivalRate } from '../../probes/arrival-rate.js'
import { cacheLifetime } from '../../probes/cache-lifetime.js'
import { canary } from '../../probes/canary.js'
import { concurrency } from '../../probes/concurrency.js'
import { outputLength } from '../../probes/output-length.js'
import { prefixCache } from '../../probes/prefix-cache.js'
import { promptLength } from '../../probes/prompt-length.js'
import { route } from '../../probes/route.js'
import type { Probe } from '../plan/probe.js'
import { anthropicMessages } from '../protocol/anthropic-messages.js'
import { azureOpenai } from '../protocol/azure-openai.js'
import { bedrockConverse } from '../protocol/bedrock-converse.js'
import { gemini } from '../protocol/gemini.js'
import { llamaCpp } from '../protocol/llama-cpp.js'
import { ollama, ollamaGenerate } from '../protocol/ollama.js'
import { openaiChat } from '../protocol/openai-chat.js'
import { openaiCompletions } from '../protocol/openai-completions.js'
import { openaiResponses } from '../protocol/openai-responses.js'
import type { Protocol, ProtocolName } from '../protocol/protocol.js'
import { presets } from '../provider/presets.js'
import type { Provider } from '../provider/provider.js'

export const probes: Readonly<Record<string, Probe>> = {
  'prompt-length': promptLength,
  'output-length': outputLength,
  'prefix-cache': prefixCache,
  'cache-lifetime': cacheLifetime,
  concurrency,
  'arrival-rate': arrivalRate,
  route,
  canary,
}

export const providers: Readonly<Record<string, Provider>> = Object.fromEntries(
  presets.map((preset) => [preset.name, preset]),
)

export const protocols = {
  'openai-chat': openaiChat,
  'openai-completions': openaiCompletions,
  'openai-responses': openaiResponses,
  'anthropic-messages': anthropicMessages,
  gemini,
  'bedrock-converse': bedrockConverse,
  'azure-openai': azureOpenai,
  ollama,
  'ollama-generate': ollamaGenerate,
  'llama-cpp': llamaCpp,
} as const satisfies Record<ProtocolName, Protocol>

export const isProtocolName = (name: unknown): name is ProtocolName =>
  typeof name === 'string' && Object.hasOwn(protocols, name)
export const protocolNames = Object.keys(protocols).filter(isProtocolName)
