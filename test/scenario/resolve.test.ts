import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Probe } from '../../src/plan/probe.js'
import { problemText } from '../../src/border/problem.js'
import { scenarioContext } from '../../src/run/load-scenario.js'
import type { ScenarioContext } from '../../src/scenario/context.js'
import { parseScenario } from '../../src/scenario/parse.js'
import { probeFilesOf } from '../../src/scenario/probe-use.js'
import type { Scenario, Target } from '../../src/scenario/scenario.js'
import { context } from './context.js'

function read(text: string, more: Partial<ScenarioContext> = {}, file = 'here/s.yaml'): Scenario {
  const parsed = parseScenario(text, file, { ...context, ...more })
  if (!parsed.ok) throw new Error(parsed.problems.map(problemText).join('\n'))
  return parsed.scenario
}

function target(entry: string): Target {
  const [found] = read(`targets: [${entry}]\nprobes: [{ probe: prompt-length }]\n`).targets
  if (found === undefined) throw new Error('no target')
  return found
}

describe('targets', () => {
  test('a preset fills in what the entry leaves open', () => {
    expect(target('{ provider: openai, model: gpt-4o-mini }')).toMatchObject({
      name: 'openai',
      baseUrl: 'https://api.openai.com/v1',
      protocol: 'openai-chat',
      apiKeyEnv: 'OPENAI_API_KEY',
      quirks: { maxTokensField: 'max_completion_tokens', temperature: 0 },
      tokenizer: 'o200k_base',
      cache: { minimumTokens: 1024, stepTokens: 128, reported: true },
      price: { currency: 'USD', inputPerM: 0.15 },
      http: '1.1',
      tls: { caFile: null, certFile: null, keyFile: null },
      proxy: null,
      deadlines: { connectMs: 10_000, firstByteMs: 120_000, gapMs: 60_000, totalMs: 600_000 },
    })
  })

  test('quirks of a model apply before those of the entry', () => {
    expect(target('{ provider: openai, model: o3 }').quirks.temperature).toBeNull()
    expect(target('{ provider: openai, model: o3, quirks: { temperature: 1 } }').quirks.temperature).toBe(1)
  })

  test('every part of a preset gives way to the entry, key by key', () => {
    const entry = target(`{
      name: x, provider: openai, model: gpt-4o-mini, apiKeyEnv: MINE, tokenizer: cl100k_base, protocol: openai-completions,
      quirks: { streamOptions: false }, cache: { minimumTokens: 2048 }, price: null, http: 2, proxy: none,
      deadlines: { gapS: 0.5 } }`)
    expect(entry).toMatchObject({
      name: 'x',
      apiKeyEnv: 'MINE',
      tokenizer: 'cl100k_base',
      protocol: 'openai-completions',
      quirks: { streamOptions: false, maxTokensField: 'max_completion_tokens' },
      cache: { minimumTokens: 2048, stepTokens: 128 },
      price: null,
      http: '2',
      proxy: 'none',
      deadlines: { gapMs: 500, connectMs: 10_000 },
    })
  })

  test('a simulated target needs nothing else and holds no key', () => {
    expect(target('{ simulate: { profile: 8b-h100, set: { noise: 0 } } }')).toMatchObject({
      provider: 'simulated',
      model: 'sim',
      baseUrl: null,
      apiKeyEnv: null,
      simulate: { profile: '8b-h100', set: { noise: 0 } },
    })
  })

  test("a simulated target's cache is that of its profile, with what is set on it; the entry's own rules stand above", () => {
    const cache = (entry: string) =>
      read(`targets: [${entry}]\nprobes: [{ probe: prompt-length }]\n`, scenarioContext({})).targets[0]?.cache
    expect(cache('{ simulate: { profile: hosted-frontier } }')).toMatchObject({
      minimumTokens: 1024,
      stepTokens: 128,
      reported: true,
    })
    expect(cache('{ simulate: { profile: exact, set: { cacheStepTokens: 64 } } }')).toMatchObject({
      minimumTokens: 64,
      stepTokens: 64,
    })
    expect(cache('{ simulate: { profile: 8b-h100 } }')).toMatchObject({ minimumTokens: 16, stepTokens: 16 })
    const own = '{ simulate: { profile: hosted-frontier }, cache: { minimumTokens: 16 } }'
    expect(cache(own)).toMatchObject({ minimumTokens: 16, stepTokens: 128 })
  })

  test("the preset's key goes elsewhere only where the entry names both, and null sends none", () => {
    const moved = 'provider: openai, model: m, baseUrl: "https://proxy.example/v1/"'
    expect(target(`{ ${moved}, apiKeyEnv: OPENAI_API_KEY }`)).toMatchObject({
      baseUrl: 'https://proxy.example/v1',
      apiKeyEnv: 'OPENAI_API_KEY',
    })
    expect(target(`{ ${moved}, apiKeyEnv: null }`).apiKeyEnv).toBeNull()
    expect(target('{ provider: openai, model: m, baseUrl: "https://api.openai.com/v2" }').apiKeyEnv).toBe(
      'OPENAI_API_KEY',
    )
  })

  test('an address of our own without a key variable sends no key', () => {
    expect(target('{ baseUrl: "http://10.0.0.1/v1", model: m }')).toMatchObject({
      provider: 'openai-compatible',
      apiKeyEnv: null,
    })
  })

  test('a key sent over plain http to another machine is warned of; to this one it is not', () => {
    const warnings = (url: string) => {
      const text = `targets: [{ baseUrl: "${url}", model: m, apiKeyEnv: K }]\nprobes: [{ probe: prompt-length }]\n`
      const parsed = parseScenario(text, 's.yaml', context)
      return parsed.ok ? parsed.warnings.length : undefined
    }
    expect(
      [
        'http://10.0.0.1/v1',
        'https://10.0.0.1/v1',
        'http://127.0.0.1:80/v1',
        'http://localhost/v1',
        'http://[::1]/v1',
      ].map(warnings),
    ).toEqual([1, 0, 0, 0, 0])
  })

  test("a target's deadlines override the scenario's, and those the defaults", () => {
    const { targets } = read(
      'deadlines: { connectS: 1, gapS: 2 }\ntargets: [{ simulate: { profile: exact }, deadlines: { gapS: 3 } }]\nprobes: [{ probe: prompt-length }]\n',
    )
    expect(targets[0]?.deadlines).toEqual({
      connectMs: 1000,
      firstByteMs: 120_000,
      gapMs: 3000,
      totalMs: 600_000,
    })
  })

  test('files are taken from the folder of the scenario', () => {
    const { targets, prompts } = read(
      'targets: [{ provider: openai, model: m, tls: { caFile: ca.pem, certFile: /etc/c.pem, keyFile: ../k.pem } }]\nprompts: { file: p.jsonl }\n',
    )
    expect(targets[0]?.tls).toEqual({ caFile: 'here/ca.pem', certFile: '/etc/c.pem', keyFile: 'k.pem' })
    expect(prompts).toEqual({ file: 'here/p.jsonl', blocks: 1, outputTokens: 64, targets: ['openai'] })
  })

  test('a header that names a variable and one that is not secret are kept', () => {
    const headers = '{ provider: openai, model: m, headers: { Authorization: { env: AUTH }, X-Org: acme } }'
    expect(target(headers).headers).toEqual({ Authorization: { env: 'AUTH' }, 'X-Org': 'acme' })
  })

  test.each([
    [
      'model: /models/snapshots/5206a32e0bd3067aef1ce90f5528ade7d866253f',
      true,
      'the path of a model cache is no key',
    ],
    [
      'model: m, region: 5206a32e0bd3067aef1ce90f5528ade7d866253f',
      false,
      'elsewhere a long random text is one',
    ],
  ])('%s: %s', (part, fine) => {
    const text = `targets: [{ provider: openai, ${part} }]\nprobes: [{ probe: prompt-length }]\n`
    expect(parseScenario(text, 's.yaml', context).ok).toBe(fine)
  })

  test('a key in a comment is refused with its line', () => {
    const text = `targets: [{ provider: openai, model: m }]\n# was sk-proj-abcdefghij0123456789\nprobes: [{ probe: prompt-length }]\n`
    const parsed = parseScenario(text, 's.yaml', context)
    expect(parsed.ok ? [] : parsed.problems.map(problemText)).toEqual([
      's.yaml:2:1: this line seems to hold an OpenAI key: take it out, a scenario is committed and shown',
    ])
  })
})

const sim =
  'targets: [{ name: a, simulate: { profile: exact } }, { name: b, simulate: { profile: exact } }]\n'

describe('probes', () => {
  test('defaults, then repeats, then the entry', () => {
    const { probes } = read(
      `${sim}repeats: 20\nprobes: [{ probe: prompt-length }, { probe: prompt-length, blocks: 3, promptTokens: [5] }]\n`,
    )
    expect(probes.map(({ settings }) => settings)).toMatchObject([
      { blocks: 20, outputTokens: 16 },
      { blocks: 3, promptTokens: [5] },
    ])
  })

  test('a probe runs on all targets or on those that it names', () => {
    const { probes } = read(
      `${sim}probes: [{ probe: prompt-length }, { probe: concurrency, targets: [b] }]\n`,
    )
    expect(probes.map(({ targets }) => targets)).toEqual([['a', 'b'], ['b']])
  })

  test('a target that no probe uses is warned of', () => {
    const parsed = parseScenario(`${sim}probes: [{ probe: concurrency, targets: [b] }]\n`, 's.yaml', context)
    expect(parsed.ok ? parsed.warnings.map(({ path }) => path) : []).toEqual([['targets', 0]])
  })

  const mine: Probe = {
    name: 'mine',
    feeds: null,
    settings: (zod) => zod.object({ words: zod.int().min(2).describe('Words.') }),
    defaults: { words: 3 },
    plan: () => [],
  }

  test("a user's probe is found by its path, and its schema is made strict", () => {
    const text = `${sim}probes: [{ probe: ./probes/mine.mjs, words: 4 }]\n`
    expect(probeFilesOf(text, 'here/s.yaml')).toEqual(['here/probes/mine.mjs'])
    const userProbes = { 'here/probes/mine.mjs': mine }
    expect(read(text, { userProbes }).probes[0]).toMatchObject({
      probe: mine,
      settings: { words: 4 },
      file: 'here/probes/mine.mjs',
    })
    const wrong = parseScenario(text.replace('words: 4', 'wrods: 1'), 'here/s.yaml', {
      ...context,
      userProbes,
    })
    expect(wrong.ok ? [] : wrong.problems.map(problemText)).toEqual([
      "here/s.yaml:2:38: probes[0].wrods is not known (did you mean 'words'?)",
    ])
  })

  test('why a probe file could not be loaded is said at its place', () => {
    const parsed = parseScenario(`${sim}probes: [{ probe: ./m.mjs }]\n`, 's.yaml', {
      ...context,
      probeProblems: { 'm.mjs': 'there is no such file' },
    })
    expect(parsed.ok ? [] : parsed.problems.map(problemText)).toEqual([
      's.yaml:2:19: probes[0].probe was not loaded: there is no such file',
    ])
  })

  test('a probe whose settings() throws is refused and does not end the check', () => {
    const broken: Probe = { ...mine, settings: () => { throw new Error('boom') } } // prettier-ignore
    const parsed = parseScenario(`${sim}probes: [{ probe: ./m.mjs }]\n`, 's.yaml', {
      ...context,
      userProbes: { 'm.mjs': broken },
    })
    expect(parsed.ok ? [] : parsed.problems.map(({ message }) => message)).toEqual([
      'cannot be used: its settings() failed (boom)',
    ])
  })

  test('a rule of its own that a schema states in words is passed on', () => {
    const picky: Probe = {
      ...mine,
      settings: () => z.object({ words: z.int() }).refine(() => false, 'words must rhyme'),
    }
    const parsed = parseScenario(`${sim}probes: [{ probe: ./m.mjs }]\n`, 's.yaml', {
      ...context,
      userProbes: { 'm.mjs': picky },
    })
    expect(parsed.ok ? [] : parsed.problems.map(problemText)).toEqual([
      's.yaml:2:10: probes[0] words must rhyme',
    ])
  })

  test.each(['../m.mjs', './a/../../m.mjs', '/m.mjs', './m.sh', '.\\m.mjs', './${HOME}.mjs'])(
    '%s is never among the files to load',
    (path) => {
      expect(probeFilesOf(`probes: [{ probe: '${path}' }]\n`, 'here/s.yaml')).toEqual([])
    },
  )
})

describe('the rest of a scenario', () => {
  test('every default is filled in', () => {
    expect(read(`${sim}probes: [{ probe: prompt-length }]\n`)).toMatchObject({
      name: 's',
      file: 'here/s.yaml',
      description: null,
      prompts: null,
      load: { kind: 'closed', concurrency: 1 },
      order: 'interleaved',
      warmupRequests: 2,
      budget: { requests: null, tokens: null, cost: null },
      attempts: 3,
      maxRetryAfterS: 60,
      errorLimit: 0.05,
      expectations: [],
      margins: { ttft: 0.05, fresh: 0.05 },
      detect: { ttft: 0.25, tpot: 0.25 },
      schedule: null,
      output: { dir: 'results', samples: null, keep: 'samples' },
      seed: null,
    })
  })

  test('shares are read as shares and as percentages', () => {
    const { errorLimit, margins, detect } = read(
      `${sim}probes: [{ probe: prompt-length }]\nerrorLimit: 2.5%\ngate: { margins: { ttft: 10%, itl.p99: 0.2 }, detect: { e2e: 30% } }\n`,
    )
    expect(errorLimit).toBeCloseTo(0.025, 12)
    expect(margins).toMatchObject({ ttft: 0.1, 'itl.p99': 0.2, tpot: 0.05 })
    expect(detect).toEqual({ ttft: 0.25, tpot: 0.25, e2e: 0.3 })
  })

  test('an open loop is Poisson unless it says otherwise', () => {
    const { load } = read(`${sim}probes: [{ probe: prompt-length }]\nload: { rate: 2.5, maxInFlight: 50 }\n`)
    expect(load).toEqual({ kind: 'open', rate: 2.5, arrivals: 'poisson', maxInFlight: 50 })
  })

  test('expectations keep their text and line', () => {
    const { expectations } = read(
      `${sim}probes: [{ probe: prompt-length }]\nexpectations:\n  - errors < 1%\n  - "ttft{target=b}.p50 < 1 s"\n`,
    )
    expect(expectations).toEqual([
      { text: 'errors < 1%', line: 4 },
      { text: 'ttft{target=b}.p50 < 1 s', line: 5 },
    ])
  })
})
