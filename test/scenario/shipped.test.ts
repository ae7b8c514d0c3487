import { readFileSync, readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { problemText } from '../../src/border/problem.js'
import { looksLikeSecret } from '../../src/border/redact.js'
import { parseScenario } from '../../src/scenario/parse.js'
import type { Scenario } from '../../src/scenario/scenario.js'
import { context } from './context.js'

const folder = new URL('../../scenarios/', import.meta.url)
const files = readdirSync(folder).filter((file) => file.endsWith('.yaml') && !file.endsWith('.local.yaml'))

const surroundings = {
  VLLM_MODEL: 'model',
  AZURE_OPENAI_ENDPOINT: 'https://name.openai.azure.com',
  AZURE_OPENAI_DEPLOYMENT: 'gpt',
  GOOGLE_CLOUD_PROJECT: 'project-1',
}

function shipped(file: string, env: Record<string, string> = surroundings): Scenario {
  const text = readFileSync(new URL(file, folder), 'utf8')
  const parsed = parseScenario(text, `scenarios/${file}`, { ...context, env })
  if (!parsed.ok) throw new Error(parsed.problems.map(problemText).join('\n'))
  if (parsed.warnings.length > 0) throw new Error(parsed.warnings.map(problemText).join('\n'))
  return parsed.scenario
}

describe('scenarios that ship', () => {
  test('one for the start, one for CI, and one for each provider that has an address or a server of its own', () => {
    expect(files.sort()).toEqual(
      [
        ...[
          'quickstart',
          'ci',
          'cache',
          'canary',
          'openai',
          'llama-cpp',
          'vllm',
          'groq',
          'mistral',
          'deepseek',
          'together',
        ],
        ...[
          'fireworks',
          'cerebras',
          'xai',
          'openrouter',
          'ollama',
          'bedrock',
          'azure',
          'vertex',
          'sglang',
          'tgi',
          'anthropic',
          'gemini',
        ],
      ]
        .map((name) => `${name}.yaml`)
        .sort(),
    )
  })

  test.each(files)(
    '%s is right, is named like its file, points to the schema and holds no secret',
    (file) => {
      const scenario = shipped(file)
      expect(scenario.name).toBe(file.replace('.yaml', ''))
      expect(scenario.text.split('\n')[0]).toBe('# yaml-language-server: $schema=./schema.json')
      expect(looksLikeSecret(scenario.text)).toBeNull()
    },
  )

  test.each(files)('%s keeps inside its own budget of requests', (file) => {
    const { probes, budget } = shipped(file)
    let requests = 0
    for (const { probe, settings, targets } of probes) {
      if (!('plan' in probe)) continue
      const random = { ...pseudo, shuffle: <T>(items: readonly T[]) => [...items] }
      for (const block of probe.plan(settings, random)) {
        for (const cell of block) {
          requests += (cell.requests ?? 1) * (cell.cache === 'warm' ? 2 : 1) * targets.length
        }
      }
    }
    expect(requests).toBeGreaterThan(0)
    if (budget.requests !== null) expect(requests).toBeLessThan(budget.requests)
  })
})

const pseudo = {
  next: () => 0.5,
  int: () => 0,
  normal: () => 0,
  exponential: () => 1,
  fork: () => ({ ...pseudo, shuffle: <T>(items: readonly T[]) => [...items] }),
}
