/** A scenario whose curves cover what production does: its models, lengths, cache hits and calls at once. */
import { Document, isScalar, visit } from 'yaml'
import { providerOfHost } from '../span/providers.js'
import type { Lengths, Population } from './population.js'

export interface Suggestion {
  /** A scenario file. */
  text: string
  /** Sentences: what was left out and why. */
  notes: readonly string[]
}

/** Presets by OpenTelemetry's names of providers, where the two differ. */
const PRESETS: Readonly<Record<string, string>> = {
  'azure.ai.openai': 'azure',
  'gcp.gemini': 'gemini',
  'gcp.vertex_ai': 'vertex',
  'aws.bedrock': 'bedrock',
  mistral_ai: 'mistral',
  x_ai: 'xai',
}
const SAME_NAME: ReadonlySet<string> = new Set(
  'openai anthropic groq deepseek together fireworks cerebras openrouter vllm sglang tgi ollama'.split(' '),
)
const SELF_HOSTED: ReadonlySet<string> = new Set(['vllm', 'sglang', 'tgi', 'ollama', 'openai-compatible'])

/** Models beyond are left out: each costs requests. */
const MOST_TARGETS = 5
/** Fewer calls say nothing of a population. */
const LEAST_SPANS = 5
/** A probe asks for no longer output; the line goes on. */
const LONGEST_OUTPUT = 2048
const MOST_AT_ONCE = 64
const SHORTEST = 128
/** Lengths nearer than this tell the same. */
const APART = 1.3
const FEWEST_LENGTHS = 4

/** @param populations the most calls first */
export function suggestScenario(populations: readonly Population[]): Suggestion | undefined {
  const counted = populations.filter(({ prompt, spans }) => prompt !== undefined && spans >= LEAST_SPANS)
  const chosen = counted.slice(0, MOST_TARGETS)
  if (chosen.length === 0) return undefined
  const notes = [
    ...(counted.length > chosen.length
      ? [
          `${counted.length - chosen.length} more models are left out: the ${MOST_TARGETS} with the most calls are in it`,
        ]
      : []),
    ...populations
      .filter(({ prompt }) => prompt === undefined)
      .map(
        ({ model }) =>
          `${model} is left out: its spans count no tokens (plumbline doctor says how to get them)`,
      ),
  ]
  const names = namesOf(chosen)
  const scenario = {
    name: 'production',
    description: `Curves for what production does, from ${chosen.reduce((sum, { spans }) => sum + spans, 0)} spans.`,
    targets: chosen.map((population, i) => targetOf(population, names[i] ?? population.model)),
    probes: chosen.flatMap((population, i) => probesOf(population, chosen.length > 1 ? names[i] : undefined)),
    repeats: 12,
    warmup: { requests: 1 },
  }
  const document = new Document(scenario, { aliasDuplicateObjects: false })
  visit(document, {
    Seq(_, list) {
      list.flow = list.items.every(isScalar)
    },
  })
  const head = [
    ' What the calls were like; look at the plan and its cost before the first run:',
    '   npx llm-plumbline run FILE --dry-run',
    ...chosen.map((population, i) => ` ${names[i]}: ${aboutOf(population)}`),
  ]
  document.commentBefore = head.join('\n')
  return { text: document.toString({ lineWidth: 0, flowCollectionPadding: false }), notes }
}

/** Names of targets are told apart by region, then by number. */
function namesOf(populations: readonly Population[]): string[] {
  const used = new Set<string>()
  return populations.map(({ model, region, provider }) => {
    const bare = model.replace(/[^\w.:/-]+/g, '-')
    const wishes = [bare, `${bare}-${region ?? provider ?? 2}`]
    for (let i = 2; ; i++) {
      const name = wishes.shift() ?? `${bare}-${i}`
      if (used.has(name)) continue
      used.add(name)
      return name
    }
  })
}

function targetOf(population: Population, name: string): Record<string, unknown> {
  const { model, region, serverAddress } = population
  const provider = presetOf(population)
  const host = serverAddress ?? '127.0.0.1'
  const target = { name, provider, model: model.replaceAll('$', '$$$$') }
  if (SELF_HOSTED.has(provider)) {
    const path = provider === 'ollama' ? '' : '/v1'
    return { ...target, baseUrl: `http://${host}${host.includes(':') ? '' : ':8000'}${path}` }
  }
  if (provider === 'azure')
    return { ...target, baseUrl: `https://${serverAddress ?? 'resource.openai.azure.com'}` }
  if (provider === 'bedrock' || provider === 'vertex')
    return { ...target, region: region ?? (provider === 'bedrock' ? 'us-east-1' : 'us-central1') }
  return target
}

/** A host that no provider is known by is the user's own. */
function presetOf({ provider, serverAddress }: Population): string {
  if (provider === undefined) return 'openai-compatible'
  const isOwnHost = serverAddress !== undefined && providerOfHost(serverAddress) === undefined
  const preset = PRESETS[provider] ?? (SAME_NAME.has(provider) ? provider : 'openai-compatible')
  return isOwnHost && !SELF_HOSTED.has(preset) && preset !== 'azure' ? 'openai-compatible' : preset
}

function probesOf(population: Population, target: string | undefined): Record<string, unknown>[] {
  const { prompt, output, cached, overlap } = population
  if (prompt === undefined) return []
  const of = target === undefined ? {} : { targets: [target] }
  const usual = Math.max(SHORTEST, tidy(prompt.p50))
  const answers = outputsOf(output)
  const probes: Record<string, unknown>[] = [
    { probe: 'prompt-length', ...of, promptTokens: promptsOf(prompt), outputTokens: 16 },
    { probe: 'output-length', ...of, promptTokens: [usual], outputTokens: answers },
  ]
  if (cached !== undefined) {
    const suffixTokens = Math.max(16, tidy(cached.fresh.p50))
    const { p50, p90, p99 } = cached.prefix
    // Of the prefix, not of the prompt: a curve is asked for what the cache served, up to the longest.
    const promptTokens = apart(
      [p50, p90, p99].map((prefix) => above(Math.max(SHORTEST, prefix) + suffixTokens)),
    )
    probes.push({ probe: 'prefix-cache', ...of, promptTokens, suffixTokens, outputTokens: 16 })
  }
  const most = Math.min(MOST_AT_ONCE, overlap.p99)
  if (most >= 2) {
    const concurrency = [...new Set([1, Math.min(most, overlap.p50), most])].sort((a, b) => a - b)
    probes.push({
      probe: 'concurrency',
      ...of,
      concurrency,
      promptTokens: usual,
      outputTokens: Math.min(128, answers[0] ?? 64),
    })
  }
  return probes
}

/** From the shortest to the longest that came, at least four: three cannot tell a line from a parabola. */
function promptsOf({ p10, p50, p90, p99 }: Lengths): number[] {
  const low = Math.max(32, Math.min(SHORTEST, tidy(p10)))
  const high = Math.max(above(p99), low * 8)
  const lengths = apart([low, ...[p10, p50, p90].map(tidy).filter((each) => each > low && each < high), high])
  while (lengths.length < FEWEST_LENGTHS) {
    const ratios = lengths.slice(1).map((length, i) => length / (lengths[i] ?? length))
    const at = ratios.indexOf(Math.max(...ratios))
    lengths.splice(at + 1, 0, tidy(Math.sqrt((lengths[at] ?? low) * (lengths[at + 1] ?? high))))
  }
  return lengths
}

function outputsOf(output: Lengths | undefined): number[] {
  if (output === undefined) return [32, 256]
  const inRange = (tokens: number): number => Math.max(16, Math.min(LONGEST_OUTPUT, tidy(tokens)))
  const [usual, long] = [inRange(output.p50), inRange(output.p90)]
  return long >= 2 * usual ? [usual, long] : [Math.max(8, Math.round(long / 4)), long]
}

/** Rising, and no two nearer than they need be; the last one stays. */
function apart(lengths: readonly number[]): number[] {
  const kept: number[] = []
  for (const length of [...new Set(lengths)].sort((a, b) => b - a)) {
    if (kept[0] === undefined || kept[0] / length >= APART) kept.unshift(length)
  }
  return kept
}

/** Two significant digits. */
function tidy(tokens: number): number {
  return Math.max(1, Math.round(Number(tokens.toPrecision(2))))
}

/** Two significant digits, and not less. */
function above(tokens: number): number {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, tokens))) - 1)
  return Math.ceil(tokens / step) * step
}

function aboutOf({ spans, prompt, output, cached, overlap, lastsMs, serverAddress }: Population): string {
  const lengths = (of: Lengths | undefined): string =>
    of === undefined ? 'not counted' : `${of.p50} (p99 ${of.p99})`
  const hits =
    cached === undefined
      ? 'none told'
      : `${Math.round((100 * cached.hits) / Math.max(1, cached.told))} % of calls`
  const from = serverAddress === undefined ? '' : ` at ${serverAddress.replace(/[^\w.:-]/g, '_')}`
  const hours = (lastsMs / 3_600_000).toFixed(1)
  return (
    `${spans} calls in ${hours} h${from}; prompt ${lengths(prompt)}, output ${lengths(output)} tokens; ` +
    `cache hits: ${hits}; calls at once: ${overlap.p50} (p99 ${overlap.p99})`
  )
}
