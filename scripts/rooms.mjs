// @ts-check
/**
 * The house: which room may import which. Kept here once; `lint-config.mjs` makes the lint rules from it.
 * @typedef {object} Room
 * @property {string} holds what belongs here
 * @property {readonly string[]} uses rooms it may import
 * @property {readonly string[]} [types] rooms it may import types of
 * @property {readonly string[]} [files] single files of other rooms it may import, as `room/file`
 */

/** Every room may import it; it imports nothing of ours. */
export const BORDER = 'border'

/** Rooms that belong to no layer: the package edge in `src/index.ts`, and `probes/` at the top. */
export const EDGE = 'index'
export const PROBES = 'probes'

/** From the ground up. @type {Readonly<Record<string, Room>>} */
export const rooms = {
  units: { holds: 'nanoseconds, tokens, rates', uses: [] },
  border: { holds: 'the redactor, bounded YAML and JSON readers with positions, escapes', uses: [] },
  random: { holds: 'seeded generator, distributions', uses: ['units'] },
  stats: { holds: 'quantiles, robust fits, bootstrap, tests, change points', uses: ['units', 'random'] },
  tokens: { holds: 'tokenizers', uses: ['units'] },
  prompt: {
    holds: 'exact-length prompts, nonces, prefixes, questions',
    uses: ['units', 'random', 'tokens'],
    types: ['plan'],
  },
  provider: { holds: 'presets, prices, cache rules: data', uses: ['units'], types: ['protocol', 'tokens'] },
  protocol: { holds: 'one file a protocol: requests, streams, usage, errors; no sockets', uses: ['units'] },
  credentials: { holds: 'keys from the environment, cloud chains, signing', uses: ['units'] },
  metrics: { holds: "Prometheus text; what engines' own metrics mean", uses: ['units'], types: ['sample'] },
  wire: { holds: 'the transport: bytes and times; recordings', uses: ['units'], types: ['protocol'] },
  plan: {
    holds: 'cells, blocks, arrivals, budgets: arithmetic, no clock',
    uses: ['units', 'random', 'stats'],
  },
  sample: {
    holds: 'exchange → sample',
    uses: ['units', 'tokens', 'protocol'],
    types: ['wire', 'plan', 'provider'],
  },
  curve: {
    holds: 'samples → curves; prediction',
    uses: ['units', 'random', 'stats', 'sample'],
    types: ['plan'],
  },
  scenario: {
    holds: 'YAML → checked scenario; JSON Schema',
    uses: ['units', 'plan'],
    types: ['protocol', 'provider', 'tokens', 'wire'],
  },
  snapshot: {
    holds: 'the file format, journal, baselines, provenance',
    uses: ['units'],
    types: ['scenario', 'plan', 'sample', 'curve', 'instrument', 'metrics'],
  },
  compare: {
    holds: 'two snapshots → verdicts; many → trend',
    uses: ['units', 'random', 'stats', 'sample', 'curve', 'snapshot'],
    types: ['scenario', 'plan'],
  },
  span: { holds: 'production spans from any dialect; OTLP; the names of causes', uses: ['units'] },
  attribute: {
    holds: 'span and curves → causes',
    uses: ['units', 'random', 'stats', 'curve', 'span'],
    types: ['snapshot', 'scenario'],
  },
  // An independent witness: it must not share the code that it bears witness to.
  simulate: {
    holds: 'the simulated provider',
    uses: ['units', 'random', 'tokens'],
    files: ['span/otlp-envelope'],
  },
  instrument: {
    holds: 'timer resolution, calibration, arrival check, event-loop watch',
    uses: ['units', 'random', 'stats', 'wire', 'protocol', 'sample'],
  },
  run: {
    holds: 'the shell: clock, sockets, journal, ledger; the built-in tables; replay',
    uses: words(
      'units random stats tokens prompt provider protocol credentials wire plan sample curve scenario',
      'snapshot simulate instrument metrics',
      PROBES,
    ),
  },
  schedule: {
    holds: 'a loop over run on cron expressions; alerts',
    uses: ['units', 'random', 'run', 'compare', 'snapshot', 'scenario'],
  },
  serve: {
    holds: 'HTTP: OTLP receiver and forwarding, health, metrics',
    uses: ['units', 'span', 'attribute', 'schedule'],
    types: ['sample', 'snapshot'],
  },
  report: {
    holds: 'the model of a result, and a function from it to a string for each format',
    uses: ['units', 'stats', 'sample', 'curve', 'span'],
    types: words(
      'random tokens prompt provider protocol credentials wire plan scenario snapshot compare',
      'attribute simulate instrument metrics run schedule serve',
    ),
  },
  // From the defining files, so that a command loads no more than it needs; test/tooling/edge.test.ts holds that
  // all of it stands in `src/index.ts` too.
  cli: {
    holds: 'one thin file a command: flags in, exit code out',
    uses: words(
      'units random scenario run snapshot curve compare simulate span attribute serve instrument schedule report',
    ),
    types: ['sample'],
  },
  probes: { holds: 'one experimental design a file', uses: [], types: ['plan'] },
}

/** @param {string[]} texts */
function words(...texts) {
  return texts.flatMap((text) => text.split(' '))
}
