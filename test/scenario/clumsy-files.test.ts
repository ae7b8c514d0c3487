/** What a hurried hand writes: every mistake of a file is told in one pass, at its place, with what to write instead. */
import { expect, test } from 'vitest'
import { problemText } from '../../src/border/problem.js'
import { scenarioContext } from '../../src/run/load-scenario.js'
import { parseScenario } from '../../src/scenario/parse.js'
import { probeFilesOf } from '../../src/scenario/probe-use.js'

const T = 'targets: [{ name: local, baseUrl: "http://localhost:1/v1", model: m }]\n'
const P = 'probes:\n  - probe: prompt-length\n'

const rows: [why: string, text: string, ...problems: string[]][] = [
  [
    'a brace that is not closed',
    `targets:\n  - name: local\n    simulate: { profile: 8b-h100\n${P}`,
    'x.yaml:3:15: the { that opens here is not closed: write } at its end',
  ],
  [
    'a bracket that is not closed',
    `${T}${P}    promptTokens: [128, 512\n    blocks: 3\n`,
    'x.yaml:4:19: the [ that opens here is not closed: write ] at its end',
  ],
  [
    'a bracket closed by a brace',
    `${T}${P}    promptTokens: [128, 512}\n`,
    'x.yaml:4:19: the [ that opens here is not closed: write ] at its end',
  ],
  [
    'JSON without its last brace',
    '{"targets": [{"name": "l"}], "probes": []',
    'x.yaml:1:1: the { that opens here is not closed: write } at its end',
  ],
  [
    'a quote that is not closed, with closed ones below',
    `name: "ci\n${T}${P}    base: "x"\n    it: 'it''s "y"'\n`,
    'x.yaml:1:7: the quote that opens here is not closed: write it again at the end',
  ],
  [
    'a quote that is not closed',
    `name: "ci\n${P}`,
    'x.yaml:1:7: the quote that opens here is not closed: write it again at the end',
  ],
  ['a tab', `${T}probes:\n\t- probe: prompt-length\n`, 'x.yaml:3:1: a tab indents this line: use spaces'],
  [
    'a space that is none',
    `${T}${P}   \u00A0blocks: 3\n`,
    'x.yaml:4:1: a character that only looks like a space indents this line: use spaces',
  ],
  [
    'no space behind a dash',
    `targets:\n  -name: local\n    model: m\n${P}`,
    'x.yaml:2:10: a space is missing behind the dash: a list entry starts with "- "',
  ],
  [
    'no space behind a colon',
    `${T}${P}    blocks:3\n`,
    'x.yaml:4:5: a key must be followed by ": ", a colon and a space: one of them is missing on this line',
  ],
  [
    'a line indented too little',
    `${T}${P}   blocks: 3\n`,
    'x.yaml:4:1: this line is indented less than the entry above and has no "- ": indent it like the first key of the entry',
  ],
  [
    'a line indented too far',
    `${T}probes:\n- probe: prompt-length\n    blocks: 3\n`,
    'x.yaml:3:10: a value stands here, and the next line is indented as if it belonged to it: indent that line like this one, or take the value away',
  ],
  [
    'stars without quotes',
    `${T}${P}schedule: { cron: * * * * * }\n`,
    'x.yaml:4:19: an anchor (&name) or alias (*name) is not well formed: put quotes around a text that starts with & or *',
  ],
  [
    'a key twice, and more beside it',
    `${T}${P}    blocks: 3\n    blocks: 4\n    bloks: 3\nrepeat: 3\n`,
    'x.yaml:5:5: probes[0].blocks is given twice: keep one of them',
    "x.yaml:6:5: probes[0].bloks is not known (did you mean 'blocks'?)",
    "x.yaml:7:1: repeat is not known (did you mean 'repeats'?)",
  ],
  [
    'a length for a list of lengths',
    `${T}${P}    promptTokens: 8k\n`,
    "x.yaml:4:19: probes[0].promptTokens must be a list, got '8k' (write [8192])",
  ],
  [
    'lengths without brackets',
    `${T}${P}    promptTokens: 128, 1k 8k\n`,
    "x.yaml:4:19: probes[0].promptTokens must be a list, got '128, 1k 8k' (write [128, 1024, 8192])",
  ],
  [
    'an expectation without brackets',
    `${T}${P}expectations: ttft.p95 < 800 ms\n`,
    'x.yaml:4:15: expectations must be a list, got \'ttft.p95 < 800 ms\' (write ["ttft.p95 < 800 ms"])',
  ],
  [
    'a precision of nothing',
    `${T}${P}    precision: 0%\n`,
    'x.yaml:4:16: probes[0].precision must be a share above 0, such as 5%: nothing is ever known to the last digit',
  ],
  [
    'a precision of a parameter that is none',
    `${T}${P}    precision: { bsae: 5%, fresh: 0%, step: 5% }\n`,
    "x.yaml:4:18: probes[0].precision.bsae is no parameter of the prefill curve (did you mean 'base'?)",
    'x.yaml:4:35: probes[0].precision.fresh must be a share above 0, such as 5%: nothing is ever known to the last digit',
    'x.yaml:4:39: probes[0].precision.step is no parameter of the prefill curve: there are base, fresh, hit, curve',
  ],
  [
    'a probe misspelt, with a wrong precision and wrong targets',
    `${T}probes:\n  - probe: prompt-lenght\n    precision: 0%\n    targets: local\n`,
    "x.yaml:3:12: probes[0].probe names no probe (did you mean 'prompt-length'?)",
    'x.yaml:4:16: probes[0].precision must be a share above 0, such as 5%: nothing is ever known to the last digit',
    "x.yaml:5:14: probes[0].targets must be a list, got 'local' (write [local])",
  ],
  [
    'settings wrong beside a wrong precision',
    `${T}${P}    precision: nope\n    blocks: many\n    promtTokens: [1]\n`,
    "x.yaml:4:16: probes[0].precision must be a share above 0 such as 5%, or one for each parameter, got 'nope'",
    "x.yaml:5:13: probes[0].blocks must be a whole number ≥ 1, got 'many'",
    "x.yaml:6:5: probes[0].promtTokens is not known (did you mean 'promptTokens'?)",
  ],
  [
    'names of probes alone',
    `${T}probes:\n  - prompt-length\n  - concurency\n`,
    'x.yaml:3:5: probes[0] must be a mapping (write { probe: prompt-length })',
    'x.yaml:4:5: probes[1] must be a mapping (write { probe: concurrency })',
  ],
  [
    'times with their units',
    `${T}${P}deadlines: { gapS: 5 s, connectS: 5sec, totalS: 5 minutes, firstByteS: 500ms }\n`,
    "x.yaml:4:20: deadlines.gapS must be a number > 0 and ≤ 86400, got '5 s' (write 5)",
    "x.yaml:4:35: deadlines.connectS must be a number > 0 and ≤ 86400, got '5sec' (write 5)",
    "x.yaml:4:49: deadlines.totalS must be a number > 0 and ≤ 86400, got '5 minutes' (write 300)",
    "x.yaml:4:72: deadlines.firstByteS must be a number > 0 and ≤ 86400, got '500ms' (write 0.5)",
  ],
  [
    'a percentage in words',
    `${T}${P}errorLimit: 5 percent\n`,
    "x.yaml:4:13: errorLimit must be a share from 0 to 1, or a percentage such as 5%, got '5 percent' (write 5%)",
  ],
  [
    'a rate with its unit',
    `${T}${P}load: { rate: 5/s }\n`,
    "x.yaml:4:15: load.rate must be a number > 0 and ≤ 10000, got '5/s' (write 5)",
  ],
  [
    'a wrong key and a missing one of the load',
    `${T}${P}load: { arrivals: possion, rate: 5 }\n`,
    'x.yaml:4:1: load.maxInFlight is missing: an open loop needs the most requests in flight, such as maxInFlight: 50',
    "x.yaml:4:19: load.arrivals must be one of constant, poisson, gamma, ramp, step, got 'possion' (did you mean 'poisson'?)",
  ],
  [
    'commas in numbers',
    `${T}${P}budget: { tokens: 10,000, cost: 5 USD }\n`,
    'x.yaml:4:22: budget["000"] is no key: a number is written without commas, such as 10000',
    "x.yaml:4:33: budget.cost must be a number > 0, got '5 USD' (write 5)",
  ],
  [
    'a key at the wrong place',
    `${T}${P}Concurrency: 4\nmaxRetryAfterS: 3\n`,
    'x.yaml:4:1: Concurrency is not known here: it stands under load',
    'x.yaml:5:1: maxRetryAfterS is not known here: it stands under retries',
  ],
  [
    'expectations of which one is no text',
    `${T}${P}expectations:\n  - ttft.p95 < 800\n  - tftt.p95 < 800 ms\n  - errors: 1%\n`,
    'x.yaml:5:5: expectations[0] cannot be read: a time needs a unit: us, ms, s or min (800 ms?)',
    "x.yaml:6:5: expectations[1] cannot be read: 'tftt' is no metric (did you mean 'ttft'?)",
    'x.yaml:7:5: expectations[2] must be a text, got a mapping',
  ],
  [
    'a city for a time zone',
    `${T}${P}schedule: { cron: '0 25 * * *', timezone: Berlin }\n`,
    'x.yaml:4:19: schedule.cron cannot be read: Invalid value for hour: 25',
    "x.yaml:4:43: schedule.timezone must be an IANA time zone, such as Europe/Berlin or UTC (did you mean 'Europe/Berlin'?)",
  ],
  [
    'quotes of a word processor',
    `name: “ci”\n${T}${P}`,
    "x.yaml:1:7: name must be a name of at most 64 letters, digits, dots, dashes and underscores, got '“ci”' (quotes are written ' or \")",
  ],
]

test.each(rows)('%s is told with all else, and with what to write', (_, text, ...problems) => {
  const parsed = parseScenario(text, 'x.yaml', scenarioContext({}))
  expect(parsed.ok ? [] : parsed.problems.map(problemText)).toEqual(problems)
})

test('a probe file is loaded, and so looked at, whatever else is wrong with its entry or the file', () => {
  const entry = 'probes:\n  - probe: ./mine.mjs\n    precision: 0%\n    targets: local\n'
  expect(probeFilesOf(`${T}${entry}name: a\nname: b\n`, 'x.yaml')).toEqual(['mine.mjs'])
})
