/** One name for each provider, whatever a dialect calls it; and what the name of a host gives away. */

/** OpenTelemetry's names by the words that dialects write, lower case. */
const aliases: ReadonlyMap<string, string> = new Map([
  ['azure', 'azure.ai.openai'],
  ['azure_openai', 'azure.ai.openai'],
  ['azure-openai', 'azure.ai.openai'],
  ['azure.openai', 'azure.ai.openai'],
  ['az.ai.openai', 'azure.ai.openai'],
  ['az.ai.inference', 'azure.ai.inference'],
  ['google', 'gcp.gemini'],
  ['gemini', 'gcp.gemini'],
  ['google_genai', 'gcp.gemini'],
  ['google.generative-ai', 'gcp.gemini'],
  ['vertex_ai', 'gcp.vertex_ai'],
  ['vertexai', 'gcp.vertex_ai'],
  ['google-vertex', 'gcp.vertex_ai'],
  ['google.vertex', 'gcp.vertex_ai'],
  ['gcp.anthropic', 'gcp.vertex_ai'],
  ['aws.anthropic', 'aws.bedrock'],
  ['bedrock', 'aws.bedrock'],
  ['aws_bedrock', 'aws.bedrock'],
  ['amazon-bedrock', 'aws.bedrock'],
  ['amazon_bedrock', 'aws.bedrock'],
  ['xai', 'x_ai'],
  ['x-ai', 'x_ai'],
  ['mistral', 'mistral_ai'],
  ['mistralai', 'mistral_ai'],
  ['moonshot', 'moonshot_ai'],
  ['watsonx', 'ibm.watsonx.ai'],
])

/** Suffixes that SDKs put behind the provider for the interface that is used. */
const INTERFACES = /\.(?:responses|chat|completion|completions|messages|embedding|generative-ai)$/

const hosts: readonly (readonly [pattern: RegExp, provider: string])[] = [
  [/(?:^|\.)openai\.azure\.com$/, 'azure.ai.openai'],
  [/(?:^|\.)openai\.com$/, 'openai'],
  [/(?:^|\.)anthropic\.com$/, 'anthropic'],
  [/^bedrock[\w-]*\..*amazonaws\.com$/, 'aws.bedrock'],
  [/aiplatform\.googleapis\.com$/, 'gcp.vertex_ai'],
  [/(?:^|\.)generativelanguage\.googleapis\.com$/, 'gcp.gemini'],
  [/(?:^|\.)groq\.com$/, 'groq'],
  [/(?:^|\.)mistral\.ai$/, 'mistral_ai'],
  [/(?:^|\.)deepseek\.com$/, 'deepseek'],
  [/(?:^|\.)x\.ai$/, 'x_ai'],
  [/(?:^|\.)cohere\.(?:ai|com)$/, 'cohere'],
  [/(?:^|\.)perplexity\.ai$/, 'perplexity'],
  [/(?:^|\.)moonshot\.(?:ai|cn)$/, 'moonshot_ai'],
  [/(?:^|\.)openrouter\.ai$/, 'openrouter'],
  [/(?:^|\.)together\.(?:ai|xyz)$/, 'together'],
  [/(?:^|\.)fireworks\.ai$/, 'fireworks'],
  [/(?:^|\.)cerebras\.ai$/, 'cerebras'],
]

/** Texts that are kept with what they mean. */
const MAX_KNOWN = 10_000

const known = new Map<string, string | undefined>()

/** What a dialect wrote as provider or base URL, in OpenTelemetry's words; a URL of an unknown host gives undefined. */
export function providerOf(text: string): string | undefined {
  if (known.has(text)) return known.get(text)
  const provider = text.includes('://') ? providerOfHost(hostOf(text)) : nameOf(text)
  if (known.size < MAX_KNOWN) known.set(text, provider)
  return provider
}

function nameOf(text: string): string | undefined {
  const word = text.trim().toLowerCase()
  const bare = word.replace(INTERFACES, '')
  return aliases.get(word) ?? aliases.get(bare) ?? (bare === '' ? undefined : bare)
}

export function providerOfHost(host: string): string | undefined {
  return factsOf(host).provider
}

function hostOf(url: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#@]*@)?([^/?#:]*)/i.exec(url)?.[1]?.toLowerCase() ?? ''
}

/** The region that a host names: `bedrock-runtime.us-east-1.amazonaws.com`, `us-central1-aiplatform.googleapis.com`. */
export function regionOfHost(host: string): string | undefined {
  return factsOf(host).region
}

interface HostFacts {
  provider: string | undefined
  region: string | undefined
}

const knownHosts = new Map<string, HostFacts>()

function factsOf(host: string): HostFacts {
  const found = knownHosts.get(host)
  if (found !== undefined) return found
  const region =
    /^bedrock[\w-]*\.([a-z]{2}(?:-[a-z]+)+-\d)\./.exec(host) ??
    /^([a-z]+-[a-z]+\d+)-aiplatform\.googleapis\.com$/.exec(host)
  const facts = { provider: hosts.find(([pattern]) => pattern.test(host))?.[1], region: region?.[1] }
  if (knownHosts.size < MAX_KNOWN) knownHosts.set(host, facts)
  return facts
}
