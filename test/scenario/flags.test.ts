import { describe, expect, test } from 'vitest'
import { probeScenarioText, scenarioFromFlags } from '../../src/scenario/flags.js'
import type { ProbeFlags } from '../../src/scenario/flags.js'
import { parseScenario } from '../../src/scenario/parse.js'
import { context, known } from './context.js'

const local = { baseUrl: 'http://localhost:8000/v1', model: 'm' }

function built(flags: Partial<ProbeFlags>) {
  const result = scenarioFromFlags({ ...local, ...flags }, context)
  if (!result.ok) throw new Error(result.problems.join('\n'))
  return result
}

function probesOf(flags: Partial<ProbeFlags>) {
  const { probes, load } = built(flags).scenario
  return {
    probes: probes.map(({ probe, settings }) => ({ probe: probe.name, ...(settings as object) })),
    load,
  }
}

describe('flags of plumbline probe', () => {
  test('an address and a model are enough', () => {
    const { scenario, warnings } = built({})
    expect(scenario).toMatchObject({ name: 'probe', file: null })
    expect(scenario.targets[0]).toMatchObject({
      name: 'localhost:8000',
      provider: 'openai-compatible',
      apiKeyEnv: null,
    })
    expect(warnings).toEqual([])
    expect(probesOf({})).toEqual({
      probes: [
        {
          probe: 'prompt-length',
          promptTokens: [128, 512, 1024, 2048],
          outputTokens: 64,
          blocks: 12,
          connection: 'reused',
        },
      ],
      load: { kind: 'closed', concurrency: 1 },
    })
  })

  test('the address of a known provider brings its preset', () => {
    expect(built({ baseUrl: 'https://api.groq.com/openai/v1' }).scenario.targets[0]).toMatchObject({
      provider: 'groq',
      apiKeyEnv: 'GROQ_API_KEY',
    })
  })

  test('one concurrency is the load of prompt-length, and N requests a cell become N ÷ concurrency blocks', () => {
    expect(probesOf({ concurrency: '4', requests: '20', promptTokens: '64' })).toMatchObject({
      probes: [{ probe: 'prompt-length', promptTokens: [64], blocks: 5 }],
      load: { kind: 'closed', concurrency: 4 },
    })
  })

  test('several concurrencies become one concurrency probe a length', () => {
    expect(probesOf({ concurrency: '1,8', requests: '10', promptTokens: '128,1024' }).probes).toMatchObject([
      { probe: 'concurrency', concurrency: [1, 8], promptTokens: 128, blocks: 10 },
      { probe: 'concurrency', concurrency: [1, 8], promptTokens: 1024, blocks: 10 },
    ])
  })

  test('a warm cache becomes prefix-cache', () => {
    expect(probesOf({ cache: 'fresh,warm', promptTokens: '2048' }).probes).toMatchObject([
      { probe: 'prefix-cache', promptTokens: [2048], blocks: 12 },
    ])
  })

  test('100 requests at 5/s become two visits of 10 s', () => {
    expect(
      probesOf({ rate: '5', maxInFlight: '50', requests: '100', promptTokens: '128' }).probes,
    ).toMatchObject([{ probe: 'arrival-rate', rate: [5], maxInFlight: 50, seconds: 10, blocks: 2 }])
  })

  test('the text is a scenario that reads to the same when it is saved', () => {
    const flags = { ...local, model: 'a$b: "c" #d', headers: ['User-Agent: $HOME ${HOME}'], requests: '3' }
    const written = probeScenarioText(flags, context.providers)
    if (!written.ok) throw new Error(written.problems.join())
    const saved = parseScenario(written.text, 'saved.yaml', context)
    expect(saved.ok && saved.scenario.targets).toEqual(built(flags).scenario.targets)
    expect(saved.ok && saved.scenario.targets[0]).toMatchObject({
      model: 'a$b: "c" #d',
      headers: { 'User-Agent': '$HOME ${HOME}' },
    })
  })

  test('a header whose name nobody knows is in memory only, and the preset sends no key beside an authorization', () => {
    const key = 'hunter2-hunter2'
    const { scenario, secretHeaders } = built({
      baseUrl: 'https://api.openai.com/v1',
      headers: [
        `Authorization: Bearer ${key}`,
        'X-Custom: sk-proj-abcdefghij0123456789',
        'X-Org: acme',
        'Accept: */*',
      ],
    })
    expect(secretHeaders).toEqual({
      Authorization: `Bearer ${key}`,
      'X-Custom': 'sk-proj-abcdefghij0123456789',
      'X-Org': 'acme',
    })
    expect(scenario.targets[0]).toMatchObject({ apiKeyEnv: null, headers: { Accept: '*/*' } })
    expect(JSON.stringify(scenario)).not.toMatch(/hunter2|abcdefghij0123456789|acme/)
  })

  test.each<[Partial<ProbeFlags>, string]>([
    [{ promptTokens: '128,8k' }, "--prompt-tokens must be a whole number ≥ 1, got '8k' (write 8192)"],
    [{ outputTokens: '0' }, '--output-tokens must be a whole number ≥ 1, got 0'],
    [{ concurrency: 'four' }, "--concurrency must be a whole number from 1 to 10000, got 'four'"],
    [{ rate: '5' }, '--rate needs --max-in-flight: the most requests in flight at once, such as 50'],
    [
      { rate: '5', maxInFlight: '9', concurrency: '2' },
      '--rate cannot stand beside --concurrency: one is an open loop, the other a closed one',
    ],
    [{ rate: '0', maxInFlight: '9' }, '--rate must be a number > 0, got 0'],
    [{ maxInFlight: '9' }, '--max-in-flight needs --rate'],
    [{ requests: '1.5' }, '--requests must be a whole number ≥ 1'],
    [{ cache: 'cold' }, '--cache must be fresh, warm or fresh,warm'],
    [
      { cache: 'warm', concurrency: '1,2' },
      '--cache warm goes with one --concurrency or one --rate: leave one, or write a scenario',
    ],
    [{ baseUrl: 'localhost:8000' }, '<base-url> must be an address that starts with http:// or https://'],
    [{ model: '' }, "--model must be a text that is not empty, got ''"],
    [
      { protocol: 'openai-caht' },
      `--protocol must be one of ${known.protocols.join(', ')}, got 'openai-caht' (did you mean 'openai-chat'?)`,
    ],
    [
      { apiKeyEnv: 'hunter2-hunter2' },
      '--api-key-env must be the name of an environment variable, such as OPENAI_API_KEY, or null',
    ],
    [{ headers: ['hunter2'] }, "--header must be written 'Name: value'"],
    [{ headers: ['Host: hunter2'] }, '--header Host is set by Plumbline itself: leave it out'],
    [
      { headers: ['X-Key: a\nhunter2'] },
      '--header X-Key holds a line end or another character that a header cannot carry',
    ],
  ])('%j is refused by the name of its flag', (flags, problem) => {
    expect(scenarioFromFlags({ ...local, ...flags }, context)).toEqual({ ok: false, problems: [problem] })
  })
})
