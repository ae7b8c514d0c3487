/** The sentences that a wrong file earns: each row is what somebody may write, and all that is said of it. */
import { expect, test } from 'vitest'
import { problemText } from '../../src/border/problem.js'
import { scenarioContext } from '../../src/run/load-scenario.js'
import { parseScenario } from '../../src/scenario/parse.js'
import { known } from './context.js'

const T = 'targets: [{ name: local, baseUrl: "http://localhost:1/v1", model: m }]\n'
const P = 'probes: [{ probe: prompt-length }]\n'
const probe = (text: string): string => `${T}probes:\n  - probe: prompt-length\n    ${text}\n`
const target = (text: string): string =>
  `${P}targets:\n  - { name: local, model: m, baseUrl: "http://localhost:1/v1", ${text} }\n`

const env = { HOME: '/root', GITHUB_TOKEN: 'hunter2', WORD: 'abc', HELD: 'sk-proj-abcdefghij0123456789' }

const context = scenarioContext(env)

const rows: [why: string, text: string, ...problems: string[]][] = [
  [
    'a length with a suffix',
    probe("promptTokens: [128, 512, '8k']"),
    "x.yaml:4:30: probes[0].promptTokens[2] must be a whole number ≥ 1, got '8k' (write 8192)",
  ],
  [
    'a length as text',
    probe("promptTokens: ['128']"),
    "x.yaml:4:20: probes[0].promptTokens[0] must be a whole number ≥ 1, got '128' (write 128)",
  ],
  [
    'a length with a comma',
    probe("outputTokens: '1,024'"),
    "x.yaml:4:19: probes[0].outputTokens must be a whole number ≥ 1, got '1,024' (write 1024)",
  ],
  [
    'a fraction of a token',
    probe('outputTokens: 1.5'),
    'x.yaml:4:19: probes[0].outputTokens must be a whole number ≥ 1, got 1.5',
  ],
  [
    'one length where a list is asked',
    probe('promptTokens: 128'),
    'x.yaml:4:19: probes[0].promptTokens must be a list, got 128 (write [128])',
  ],
  [
    'an empty list',
    probe('promptTokens: []'),
    'x.yaml:4:19: probes[0].promptTokens must be a list of at least 1 entry, got an empty list',
  ],
  [
    'a block count of 0',
    probe('blocks: 0'),
    'x.yaml:4:13: probes[0].blocks must be a whole number ≥ 1, got 0',
  ],
  [
    'nothing where a number is asked',
    probe('blocks:'),
    'x.yaml:4:12: probes[0].blocks must be a whole number ≥ 1, got nothing',
  ],
  [
    'a word of a closed list misspelt',
    probe('connection: nwe'),
    "x.yaml:4:17: probes[0].connection must be one of reused, new, got 'nwe' (did you mean 'new'?)",
  ],
  [
    'a setting misspelt',
    probe('promptToken: [1]'),
    "x.yaml:4:5: probes[0].promptToken is not known (did you mean 'promptTokens'?)",
  ],
  [
    'a setting of another probe',
    probe('requestsPerStream: 3'),
    'x.yaml:4:5: probes[0].requestsPerStream is not known: the keys here are promptTokens, outputTokens, blocks, connection',
  ],
  [
    'a probe misspelt',
    `${T}probes: [{ probe: prompt-lenght }]\n`,
    "x.yaml:2:19: probes[0].probe names no probe (did you mean 'prompt-length'?)",
  ],
  [
    'a probe that is not there',
    `${T}probes: [{ probe: tokens-per-joule }]\n`,
    'x.yaml:2:19: probes[0].probe names no probe: there are prompt-length, output-length, prefix-cache, cache-lifetime, concurrency, arrival-rate, route, canary, or a file such as ./my-probe.mjs',
  ],
  [
    'a probe without its key',
    `${T}probes: [prompt-length]\n`,
    'x.yaml:2:10: probes[0] must be a mapping (write { probe: prompt-length })',
  ],
  [
    'a probe entry without a name',
    `${T}probes: [{ blocks: 3 }]\n`,
    'x.yaml:2:10: probes[0].probe is missing: it must be a text (Name of a built-in probe, or path of a probe file in the folder of the scenario (./my-probe.mjs))',
  ],
  [
    'probes that are no list',
    `${T}probes: { probe: prompt-length }\n`,
    'x.yaml:2:9: probes must be a list such as [{ probe: prompt-length }], got a mapping',
  ],
  [
    'a probe file outside the folder',
    `${T}probes: [{ probe: ../evil.mjs }]\n`,
    "x.yaml:2:19: probes[0].probe must be a file in the scenario's own folder, such as ./my-probe.mjs: a probe is code that will be run",
  ],
  [
    'a probe file by absolute path',
    `${T}probes: [{ probe: /tmp/evil.mjs }]\n`,
    "x.yaml:2:19: probes[0].probe must be a file in the scenario's own folder, such as ./my-probe.mjs: a probe is code that will be run",
  ],
  [
    'a probe file that is no code',
    `${T}probes: [{ probe: ./probe.json }]\n`,
    "x.yaml:2:19: probes[0].probe must be a file in the scenario's own folder, such as ./my-probe.mjs: a probe is code that will be run",
  ],
  [
    'a probe file by a variable',
    `env: [X]\n${T}probes: [{ probe: "./\${X}.mjs" }]\n`,
    "x.yaml:3:19: probes[0].probe must be a file in the scenario's own folder, such as ./my-probe.mjs: a probe is code that will be run",
  ],
  [
    'a probe file that was not loaded',
    `${T}probes: [{ probe: ./mine.mjs }]\n`,
    'x.yaml:2:19: probes[0].probe was not loaded: probe files are switched off (--no-code)',
  ],
  [
    'a probe on a target that is not there',
    probe('targets: [lcoal]'),
    "x.yaml:4:15: probes[0].targets[0] names no target of this scenario, 'lcoal' (did you mean 'local'?)",
  ],
  [
    'a probe on the same target twice',
    probe('targets: [local, local]'),
    "x.yaml:4:22: probes[0].targets[1] names 'local' again: once is enough",
  ],
  [
    'no targets',
    P,
    'x.yaml:1:1: targets is missing: it must be a list of at least 1 entry, such as [{ name: local, baseUrl: …, model: … }]',
  ],
  [
    'no probes',
    T,
    'x.yaml:1:1: probes is missing: a list such as [{ probe: prompt-length }] (there are prompt-length, output-length, prefix-cache, cache-lifetime, concurrency, arrival-rate, route, canary)',
  ],
  [
    'an empty file',
    '',
    'x.yaml:1:1: a scenario is a mapping with the keys targets and probes: see scenarios/quickstart.yaml',
  ],
  [
    'a list as a whole',
    '- a\n- b\n',
    'x.yaml:1:1: a scenario is a mapping with the keys targets and probes: see scenarios/quickstart.yaml',
  ],
  [
    'a top-level key misspelt',
    `${T}${P}expectation: []\n`,
    "x.yaml:3:1: expectation is not known (did you mean 'expectations'?)",
  ],
  ['a key given twice', `${T}${T}${P}`, 'x.yaml:2:1: targets is given twice: keep one of them'],
  [
    'a provider misspelt',
    target('provider: opnai'),
    `x.yaml:3:74: targets[0].provider must be one of ${known.providers.join(', ')}, got 'opnai' (did you mean 'openai'?)`,
  ],
  [
    'a protocol that is not there',
    target('protocol: openai'),
    `x.yaml:3:74: targets[0].protocol must be one of ${known.protocols.join(', ')}, got 'openai' (did you mean 'openai-chat'?)`,
  ],
  [
    'a target without a model',
    `${P}targets: [{ provider: openai }]\n`,
    'x.yaml:2:11: targets[0].model is missing: write the name of the model as the server knows it',
  ],
  [
    'a target without an address',
    `${P}targets: [{ model: m }]\n`,
    'x.yaml:2:11: targets[0].baseUrl is missing: without a provider it is needed, such as http://localhost:8000/v1 (or simulate: { profile: 8b-h100 })',
  ],
  [
    'an engine without an address',
    `${P}targets: [{ provider: vllm, model: m }]\n`,
    'x.yaml:2:11: targets[0].baseUrl is missing: with provider vllm it is needed, such as http://localhost:8000/v1 (or simulate: { profile: 8b-h100 })',
  ],
  [
    'two targets of one name',
    `${P}targets:\n  - { provider: openai, model: a }\n  - { provider: openai, model: b }\n`,
    "x.yaml:4:5: targets[1].name 'openai' is the name of targets[0] too: give each target a name of its own",
  ],
  [
    'a model name that YAML takes for a number',
    `${P}targets: [{ provider: openai, model: 4 }]\n`,
    "x.yaml:2:38: targets[0].model must be a text, got 4 (write '4')",
  ],
  [
    'an address without a scheme',
    `${P}targets: [{ baseUrl: "localhost:8000/v1", model: m }]\n`,
    'x.yaml:2:22: targets[0].baseUrl must be an address that starts with http:// or https://',
  ],
  [
    'an address that is no address',
    `${P}targets: [{ baseUrl: nowhere, model: m }]\n`,
    'x.yaml:2:22: targets[0].baseUrl must be a whole address, such as https://api.example.com/v1 or http://localhost:8000/v1',
  ],
  [
    'an address with a password',
    `${P}targets: [{ baseUrl: "http://me:hunter2@localhost/v1", model: m }]\n`,
    'x.yaml:2:22: targets[0].baseUrl must not hold a user name or password: no secret stands in a scenario',
  ],
  [
    'an address with a query',
    `${P}targets: [{ baseUrl: "https://x.example/v1?key=hunter2", model: m }]\n`,
    'x.yaml:2:22: targets[0].baseUrl must not hold a query or a fragment (? or #): use headers or body for what the server needs',
  ],
  [
    "a preset's key to another host",
    `${P}targets: [{ provider: openai, model: m, baseUrl: "https://evil.example/v1" }]\n`,
    'x.yaml:2:50: targets[0].baseUrl is not the address of openai, and OPENAI_API_KEY goes only to https://api.openai.com: add apiKeyEnv: OPENAI_API_KEY if this server may have that key, another name, or apiKeyEnv: null to send none',
  ],
  [
    "a preset's key to its own host without TLS",
    `${P}targets: [{ provider: openai, model: m, baseUrl: "http://api.openai.com/v1" }]\n`,
    'x.yaml:2:50: targets[0].baseUrl is not the address of openai, and OPENAI_API_KEY goes only to https://api.openai.com: add apiKeyEnv: OPENAI_API_KEY if this server may have that key, another name, or apiKeyEnv: null to send none',
  ],
  [
    'a key in the file',
    target('apiKey: hunter2hunter2'),
    'x.yaml:3:64: targets[0].apiKey is not known: a key is never written into a file; apiKeyEnv names the environment variable that holds it',
  ],
  [
    'a key where its variable belongs',
    target('apiKeyEnv: hunter2-hunter2'),
    'x.yaml:3:75: targets[0].apiKeyEnv must be the name of an environment variable, such as OPENAI_API_KEY, or null',
  ],
  [
    'a key of known shape',
    target('apiKeyEnv: sk-proj-abcdefghij0123456789'),
    'x.yaml:3:75: targets[0].apiKeyEnv seems to hold an OpenAI key: export it as an environment variable and name that (apiKeyEnv, or a header { env: NAME })',
  ],
  [
    'an authorization header in the file',
    target('headers: { Authorization: Bearer hunter2 }'),
    'x.yaml:3:90: targets[0].headers.Authorization would hold a secret in the file: write { env: NAME } and export NAME (the whole value, Bearer included; or apiKeyEnv: NAME for a bearer key)',
  ],
  [
    'a key header in the file',
    target('headers: { x-api-key: hunter2 }'),
    'x.yaml:3:86: targets[0].headers.x-api-key would hold a secret in the file: write { env: NAME } and export NAME',
  ],
  [
    'a cookie in the file',
    target('headers: { Cookie: hunter2 }'),
    'x.yaml:3:83: targets[0].headers.Cookie would hold a secret in the file: write { env: NAME } and export NAME',
  ],
  [
    'a header that the wire owns',
    target('headers: { Host: x.example }'),
    'x.yaml:3:75: targets[0].headers.Host is set by Plumbline itself: leave it out',
  ],
  [
    'a header twice',
    target('headers: { X-Org: a, x-org: b }'),
    'x.yaml:3:85: targets[0].headers.x-org is given twice: header names know no capitals',
  ],
  [
    'a line end in a header',
    target('headers: { X-Org: "a\\r\\nX-Evil: b" }'),
    'x.yaml:3:82: targets[0].headers.X-Org holds a line end or another character that a header cannot carry',
  ],
  [
    'a header that is no text',
    target('headers: { X-Org: 3 }'),
    'x.yaml:3:82: targets[0].headers.X-Org must be a text or a mapping with the key env',
  ],
  [
    'a key in the body',
    target('body: { api_key: hunter2 }'),
    'x.yaml:3:81: targets[0].body.api_key would hold a secret in the file: a body carries none; use apiKeyEnv, or a header { env: NAME }',
  ],
  [
    'streaming switched off',
    target('body: { stream: false }'),
    'x.yaml:3:72: targets[0].body.stream is set by Plumbline itself: answers are always streamed',
  ],
  [
    'a nested output limit in a body',
    target('body: { generationConfig: { maxOutputTokens: 9 } }'),
    "x.yaml:3:92: targets[0].body.generationConfig.maxOutputTokens is set by Plumbline itself: the probe's outputTokens, the target's model",
  ],
  [
    'a prompt in a body, by any name',
    target('body: { contents: [] }'),
    'x.yaml:3:72: targets[0].body.contents is set by the probe: use prompts.file for prompts of your own',
  ],
  [
    'a proxy with a password',
    target('proxy: "http://me:hunter2@proxy:3128"'),
    'x.yaml:3:71: targets[0].proxy must not hold a user name or password: no secret stands in a scenario',
  ],
  [
    'a certificate without its key',
    target('tls: { certFile: a.pem }'),
    'x.yaml:3:69: targets[0].tls holds certFile without keyFile: a client certificate needs both',
  ],
  ['HTTP 3', target('http: 3'), 'x.yaml:3:70: targets[0].http must be 1.1 or 2, got 3'],
  [
    'a price without output',
    target('price: { inputPerM: 1 }'),
    'x.yaml:3:64: targets[0].price.outputPerM is missing: it must be a number ≥ 0 (Price of a million output tokens)',
  ],
  [
    'simulate beside an address',
    target('simulate: { profile: exact }'),
    'x.yaml:3:30: targets[0].baseUrl cannot stand beside simulate: Plumbline starts that provider itself, on a loopback port',
  ],
  [
    'a profile misspelt',
    `${P}targets: [{ simulate: { profile: 8b-h10 } }]\n`,
    "x.yaml:2:34: targets[0].simulate.profile must be one of exact, 8b-h100, 8b-a100, 70b-h100x4, local-cpu, hosted-frontier, hosted-reasoning, got '8b-h10' (did you mean '8b-h100'?)",
  ],
  [
    'a constant that the profile does not have',
    `${P}targets: [{ simulate: { profile: exact, set: { bseMs: 3 } } }]\n`,
    "x.yaml:2:23: targets[0].simulate is wrong: exact has no constant 'bseMs' (did you mean 'baseMs'?)",
  ],
  [
    'a deadline with its unit',
    target('deadlines: { connectS: 30s, gapS: 500ms }'),
    "x.yaml:3:87: targets[0].deadlines.connectS must be a number > 0 and ≤ 86400, got '30s' (write 30)",
    "x.yaml:3:98: targets[0].deadlines.gapS must be a number > 0 and ≤ 86400, got '500ms' (write 0.5)",
  ],
  [
    'a deadline in other units',
    target('deadlines: { connectMs: 30 }'),
    "x.yaml:3:77: targets[0].deadlines.connectMs is not known (did you mean 'connectS'?)",
  ],
  [
    'a variable that is not listed',
    target('region: "${HOME}"'),
    'x.yaml:3:72: targets[0].region uses ${HOME}, which is not listed under env: add HOME to the list env, or write $${HOME} for the text itself',
  ],
  [
    'a secret variable',
    target('region: "${GITHUB_TOKEN}"'),
    'x.yaml:3:72: targets[0].region may not use ${GITHUB_TOKEN}: a secret never enters a scenario; name it by apiKeyEnv: GITHUB_TOKEN, or in a header as { env: GITHUB_TOKEN }',
  ],
  [
    'a secret variable listed',
    `env: [GITHUB_TOKEN]\n${P}${T}`,
    'x.yaml:1:7: env[0] names a secret, and no secret enters a scenario: name GITHUB_TOKEN by apiKeyEnv, or in a header as { env: GITHUB_TOKEN }',
  ],
  [
    'a variable that is not set',
    `env: [UNSET]\n${target('region: "${UNSET}"')}`,
    'x.yaml:4:72: targets[0].region needs the environment variable UNSET, which is not set: export it, or write ${UNSET:-default}',
  ],
  [
    'a variable that holds a key',
    `env: [HELD]\n${target('region: "${HELD}"')}`,
    'x.yaml:4:72: targets[0].region may not use HELD, which seems to hold an OpenAI key: a secret never enters a scenario (apiKeyEnv or a header { env: HELD } names it)',
  ],
  [
    'a variable that is no number',
    `env: [WORD]\n${P}${T}seed: \${WORD}\n`,
    'x.yaml:4:7: seed must be a whole number ≥ 0, and WORD holds something else',
  ],
  [
    'a variable not well formed',
    `env: [WORD]\n${target('region: "${WORD"')}`,
    "x.yaml:4:72: targets[0].region holds a '${' that is not well formed: write ${NAME}, ${NAME:-default}, or $${ for the text itself",
  ],
  [
    'a variable of a name that cannot be',
    `env: ["a b"]\n${P}${T}`,
    "x.yaml:1:7: env[0] must be the name of an environment variable, such as OPENAI_API_KEY, got 'a b'",
  ],
  [
    'both loops at once',
    `${T}${P}load: { concurrency: 4, rate: 5, maxInFlight: 9 }\n`,
    'x.yaml:3:25: load.rate cannot stand beside concurrency: one is an open loop, the other a closed one',
  ],
  [
    'an open loop without a bound',
    `${T}${P}load: { rate: 5 }\n`,
    'x.yaml:3:1: load.maxInFlight is missing: an open loop needs the most requests in flight, such as maxInFlight: 50',
  ],
  [
    'arrivals without a rate',
    `${T}${P}load: { arrivals: constant }\n`,
    'x.yaml:3:9: load.arrivals belongs to an open loop: add rate (requests per second), or leave it out',
  ],
  [
    'arrivals of an unknown kind',
    `${T}${P}load: { rate: 5, maxInFlight: 9, arrivals: possion }\n`,
    "x.yaml:3:44: load.arrivals must be one of constant, poisson, gamma, ramp, step, got 'possion' (did you mean 'poisson'?)",
  ],
  [
    'an order that is not there',
    `${T}${P}order: interleave\n`,
    "x.yaml:3:8: order must be one of interleaved, sequential, got 'interleave' (did you mean 'interleaved'?)",
  ],
  [
    'warm-up as a number',
    `${T}${P}warmup: 3\n`,
    'x.yaml:3:9: warmup must be a mapping with the key requests, got 3',
  ],
  [
    'a budget with a suffix',
    `${T}${P}budget: { tokens: 1m }\n`,
    "x.yaml:3:19: budget.tokens must be a whole number ≥ 1, got '1m' (write 1000000)",
  ],
  [
    'a cost with its currency',
    `${T}${P}budget: { cost: $5 }\n`,
    "x.yaml:3:17: budget.cost must be a number > 0, got '$5' (write 5)",
  ],
  [
    'a cost without prices',
    `${T}${P}budget: { cost: 5 }\n`,
    'x.yaml:1:11: targets[0].price is missing: budget.cost cannot be kept without it; write { inputPerM: …, outputPerM: … }, money per million tokens',
  ],
  [
    'a share above 1',
    `${T}${P}errorLimit: 5\n`,
    'x.yaml:3:13: errorLimit must be a share from 0 to 1, or a percentage such as 5%, got 5 (write 5%)',
  ],
  [
    'a share above 100%',
    `${T}${P}errorLimit: 120%\n`,
    "x.yaml:3:13: errorLimit must be a share from 0 to 1, or a percentage such as 5%, got '120%'",
  ],
  [
    'a wait with its unit',
    `${T}${P}retries: { maxRetryAfterS: 2m }\n`,
    "x.yaml:3:28: retries.maxRetryAfterS must be a number from 0 to 3600, got '2m' (write 120)",
  ],
  [
    'an expectation without a unit',
    `${T}${P}expectations: [ttft.p50 < 400]\n`,
    'x.yaml:3:16: expectations[0] cannot be read: a time needs a unit: us, ms, s or min (400 ms?)',
  ],
  [
    'an expectation of an unknown metric',
    `${T}${P}expectations: [tfft.p50 < 400 ms]\n`,
    "x.yaml:3:16: expectations[0] cannot be read: 'tfft' is no metric (did you mean 'ttft'?)",
  ],
  [
    'an expectation of an unknown target',
    `${T}${P}expectations: ["ttft{target=q}.p50 < 1 s"]\n`,
    "x.yaml:3:16: expectations[0] names no target of this scenario, 'q': here are 'local'",
  ],
  [
    'an expectation of a probe that is not used',
    `${T}${P}expectations: ["ttft{probe=concurrency}.p50 < 1 s"]\n`,
    "x.yaml:3:16: expectations[0] names no probe of this scenario, 'concurrency': here are 'prompt-length'",
  ],
  [
    'an expectation of no form',
    `${T}${P}expectations: [be fast]\n`,
    'x.yaml:3:16: expectations[0] cannot be read: write it as ttft{promptTokens=1024,cache=fresh}.p95 < 800 ms, errors < 1%, or ttft.p50 within 10% of baseline',
  ],
  [
    'a margin of an unknown metric',
    `${T}${P}gate: { margins: { ttff: 5% } }\n`,
    "x.yaml:3:20: gate.margins.ttff is not known (did you mean 'ttfb'?)",
  ],
  [
    'a detectable shift above 1',
    `${T}${P}gate: { detect: { ttft: 25 } }\n`,
    'x.yaml:3:25: gate.detect.ttft must be a share from 0 to 1, or a percentage such as 5%, got 25 (write 25%)',
  ],
  [
    'a cron expression of six fields',
    `${T}${P}schedule: { cron: "0 0 * * * *" }\n`,
    "x.yaml:3:19: schedule.cron must be five fields, minute hour day month weekday, such as '17 */6 * * *'",
  ],
  [
    'a minute that no hour has',
    `${T}${P}schedule: { cron: "61 * * * *" }\n`,
    'x.yaml:3:19: schedule.cron cannot be read: Invalid value for minute: 61',
  ],
  [
    'a day that never comes',
    `${T}${P}schedule: { cron: "0 0 30 2 *" }\n`,
    'x.yaml:3:19: schedule.cron never comes: no such day is in any calendar',
  ],
  [
    'a time zone that is not there',
    `${T}${P}schedule: { cron: "0 * * * *", timezone: Mars/Base }\n`,
    'x.yaml:3:42: schedule.timezone must be an IANA time zone, such as Europe/Berlin or UTC',
  ],
  ['a negative seed', `${T}${P}seed: -1\n`, 'x.yaml:3:7: seed must be a whole number ≥ 0, got -1'],
  [
    'a name that is no name of a folder',
    `name: ../up\n${T}${P}`,
    "x.yaml:1:7: name must be a name of at most 64 letters, digits, dots, dashes and underscores, got '../up'",
  ],
  [
    'prompts without a file',
    `${T}prompts: { blocks: 2 }\n`,
    'x.yaml:2:1: prompts.file is missing: it must be a text (JSONL file of prompts, relative to the scenario)',
  ],
  [
    'prompts on a target that is not there',
    `${T}prompts: { file: a.jsonl, targets: [b] }\n`,
    "x.yaml:2:37: prompts.targets[0] names no target of this scenario, 'b': here are 'local'",
  ],
  [
    'yes where true is asked',
    target('cache: { reported: "yes" }'),
    "x.yaml:3:83: targets[0].cache.reported must be true or false, got 'yes' (write true)",
  ],
]

test.each(rows)('%s is refused with a sentence that mends it', (_, text, ...problems) => {
  const parsed = parseScenario(text, 'x.yaml', context)
  const said = parsed.ok ? [] : parsed.problems.map(problemText)
  expect(said).toEqual(problems)
  for (const sentence of said) expect(sentence).not.toMatch(/hunter2|abcdefghij0123456789/)
})

test('a file that is wrong in four places is told of all four, in the order of the file', () => {
  const text = `nam: x\n${T}probes: [{ probe: prompt-length, blocks: 0 }, { probe: nothing-such }]\nseed: x\n`
  const parsed = parseScenario(text, 'x.yaml', context)
  expect(parsed.ok ? [] : parsed.problems.map(({ line }) => line)).toEqual([1, 3, 3, 4])
})

test('the sentence of the design: a length of 8k', () => {
  const parsed = parseScenario(
    `name: x\n${T}probes:\n  - probe: output-length\n  - probe: prompt-length\n    promptTokens:\n      - 128\n      - 512\n      - 8k\n`,
    'scenarios/x.yaml',
    context,
  )
  expect(parsed.ok ? '' : parsed.problems.map(problemText).join()).toBe(
    "scenarios/x.yaml:9:9: probes[1].promptTokens[2] must be a whole number ≥ 1, got '8k' (write 8192)",
  )
})
