/** Where a preset's requests and keys go: regions filled in, keys kept at home. */
import { Command } from 'commander'
import { expect, it } from 'vitest'
import { problemText } from '../../src/border/problem.js'
import { providersCommand } from '../../src/cli/providers.js'
import { presets } from '../../src/provider/presets.js'
import { scenarioFromFlags } from '../../src/scenario/flags.js'
import { parseScenario } from '../../src/scenario/parse.js'
import type { Target } from '../../src/scenario/scenario.js'
import { context } from '../scenario/context.js'

function read(entry: string, env: Record<string, string> = {}): Target | string {
  const text = `targets: [${entry}]\nprobes: [{ probe: prompt-length }]\n`
  const parsed = parseScenario(text, 's.yaml', { ...context, env })
  return parsed.ok ? (parsed.scenario.targets[0] ?? '') : parsed.problems.map(problemText).join('\n')
}

const google = { GOOGLE_CLOUD_PROJECT: 'my-project-1', GOOGLE_CLOUD_LOCATION: 'europe-west4' }

it.each([
  [
    '{ provider: bedrock, model: m, region: eu-west-1 }',
    {},
    'https://bedrock-runtime.eu-west-1.amazonaws.com',
  ],
  [
    '{ provider: bedrock, model: m }',
    { AWS_REGION: 'us-west-2' },
    'https://bedrock-runtime.us-west-2.amazonaws.com',
  ],
  [
    '{ provider: vertex, model: m }',
    google,
    'https://europe-west4-aiplatform.googleapis.com/v1/projects/my-project-1/locations/europe-west4/publishers/google',
  ],
  [
    '{ provider: vertex, model: m, region: global }',
    google,
    'https://aiplatform.googleapis.com/v1/projects/my-project-1/locations/global/publishers/google',
  ],
])('%s with %j asks %s', (entry, env, baseUrl) => {
  expect(read(entry, env)).toMatchObject({ baseUrl })
})

it.each([
  ['{ provider: bedrock, model: m }', {}, 'set region under the target, or AWS_REGION or AWS_DEFAULT_REGION'],
  ['{ provider: vertex, model: m, region: europe-west4 }', {}, 'set GOOGLE_CLOUD_PROJECT'],
  // A region becomes a part of the host: nothing else may stand in it.
  ['{ provider: bedrock, model: m, region: evil.example/ }', {}, 'baseUrl is missing'],
  ['{ provider: azure, model: m }', {}, 'baseUrl is missing'],
])('%s: %s', (entry, env, problem) => {
  expect(read(entry, env)).toContain(problem)
})

it.each([
  ['bedrock', 'https://bedrock-runtime.ap-south-1.amazonaws.com', true],
  ['bedrock', 'https://bedrock-runtime.evil.com', false],
  ['bedrock', 'https://bedrock-runtime.us-east-1.amazonaws.com.evil.com', false],
  ['vertex', 'https://aiplatform.googleapis.com/v1', true],
  ['vertex', 'https://us-central1-aiplatform.googleapis.com/v1', true],
  ['vertex', 'https://aiplatform.googleapis.com.evil.com/v1', false],
  ['anthropic', 'https://api.anthropic.com/v1', true],
  ['anthropic', 'http://api.anthropic.com/v1', false],
])('the key of %s goes to %s: %s', (provider, baseUrl, isHome) => {
  const resolved = read(`{ provider: ${provider}, model: m, baseUrl: '${baseUrl}' }`)
  if (isHome) expect(resolved).toMatchObject({ baseUrl })
  else expect(resolved).toContain('goes only to')
})

it("Google's tokens go to another host only where a variable is named; an AWS signature proves nothing elsewhere", () => {
  const at = (provider: string, key: string) =>
    read(`{ provider: ${provider}, model: m, baseUrl: 'http://localhost:1', apiKeyEnv: ${key} }`)
  expect(at('vertex', 'null')).toMatchObject({ cloud: null, apiKeyEnv: null })
  expect(at('vertex', 'MY_TOKEN')).toMatchObject({ cloud: null, apiKeyEnv: 'MY_TOKEN' })
  expect(at('bedrock', 'null')).toMatchObject({ cloud: 'aws', apiKeyEnv: null })
})

it('every value of a preset can be overridden', () => {
  const entry = `{ provider: anthropic, model: claude-haiku-4-5, protocol: openai-chat, baseUrl: 'http://localhost:1',
    apiKeyEnv: OTHER, keyHeader: authorization, quirks: { maxTokensField: max_completion_tokens, streamOptions: false,
    ignoreEos: true, temperature: null }, tokenizer: cl100k_base, cache: { minimumTokens: 7, stepTokens: 3,
    reported: false, lifetimeS: 9 }, price: { inputPerM: 1, cachedPerM: 2, cacheWritePerM: 3, outputPerM: 4 } }`
  expect(read(entry)).toMatchObject({
    protocol: 'openai-chat',
    baseUrl: 'http://localhost:1',
    apiKeyEnv: 'OTHER',
    keyHeader: 'authorization',
    quirks: {
      maxTokensField: 'max_completion_tokens',
      streamOptions: false,
      ignoreEos: true,
      temperature: null,
    },
    tokenizer: 'cl100k_base',
    cache: { minimumTokens: 7, stepTokens: 3, reported: false, lifetimeS: 9 },
    price: { inputPerM: 1, cachedPerM: 2, cacheWritePerM: 3, outputPerM: 4 },
  })
})

it('cache rules and prices of the model stand where the entry names none', () => {
  expect(read('{ provider: anthropic, model: claude-haiku-4-5 }')).toMatchObject({
    cache: { minimumTokens: 4096, stepTokens: 1, reported: true, lifetimeS: 300 },
    price: { inputPerM: 1, cachedPerM: 0.1, cacheWritePerM: 1.25, cacheWritePerMByLifetime: { '1h': 2 } },
  })
})

it.each([
  ['http://localhost:11434', 'ollama'],
  ['http://127.0.0.1:9/api', 'ollama'],
  ['http://localhost:11434/v1', 'openai-chat'],
])('provider ollama at %s speaks %s', (baseUrl, protocol) => {
  expect(read(`{ provider: ollama, model: m, baseUrl: '${baseUrl}' }`)).toMatchObject({ protocol })
})

it.each([
  ['https://bedrock-runtime.us-east-1.amazonaws.com', 'bedrock', 'bedrock-converse'],
  ['https://api.anthropic.com/v1', 'anthropic', 'anthropic-messages'],
  ['http://localhost:11434/v1', 'ollama', 'openai-chat'],
  ['http://localhost:8000/v1', 'openai-compatible', 'openai-chat'],
])('plumbline probe %s knows the preset %s by its address', (baseUrl, provider, protocol) => {
  const made = scenarioFromFlags({ baseUrl, model: 'm' }, { ...context, env: {} })
  if (!made.ok) throw new Error(made.problems.join('\n'))
  expect(made.scenario.targets[0]).toMatchObject({ provider, protocol })
})

it('plumbline providers names every preset and fits 80 columns', () => {
  const out: string[] = []
  const io = {
    out: (text: string) => out.push(text),
    err: () => undefined,
    isLive: false,
    isTerminal: false,
    drained: () => Promise.resolve(true),
    env: {},
    cwd: '.',
  }
  const command = new Command()
  providersCommand(command, io, () => undefined)
  command.parse([], { from: 'user' })
  const lines = out.join('').split('\n')
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80)
  for (const { name } of presets) expect(lines.some((line) => line.trim().startsWith(`${name} `))).toBe(true)
})
