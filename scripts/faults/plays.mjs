// @ts-check
/** The small runs and commands whose every call is made to fail once, and the folder that each of them begins with. */
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { built, HOOK, JOURNAL, put, results, scenario, SNAPSHOT, start } from './rig.mjs'

/** @typedef {import('./rig.mjs').Ended} Ended */
/**
 * @typedef {object} Play
 * @property {string} name
 * @property {'bare' | 'broken' | 'measured'} from the folder that it begins with: a scenario, with the journal of a killed run, with results
 * @property {readonly string[]} args
 * @property {readonly string[]} [next] what must work afterwards, where that is not the same again
 * @property {boolean} [isService] stays up until it is told to stop
 */

const SCENARIO = 's.yaml'
const FRESH = 'fresh.yaml'
const SCHEDULE = 'schedule.yaml'
const [A, B] = ['a.json', 'b.json']
const CURVES = 'curves.json'

/** @type {readonly Play[]} */
export const plays = [
  { name: 'run', from: 'bare', args: ['run', SCENARIO] },
  {
    name: 'run on new connections',
    from: 'bare',
    args: ['run', FRESH, '--out', 'results'],
    next: ['run', SCENARIO],
  },
  { name: 'run --resume', from: 'broken', args: ['run', SCENARIO, '--resume'], next: ['run', SCENARIO] },
  {
    name: 'run after a kill',
    from: 'broken',
    args: ['run', SCENARIO, '--record', 'rec', '--samples', 'all.ndjson'],
  },
  { name: 'replay', from: 'measured', args: ['replay', 'rec'] },
  { name: 'compare', from: 'measured', args: ['compare', A, B, '--format', 'markdown'] },
  { name: 'accept', from: 'measured', args: ['accept', B, '--force'] },
  { name: 'report', from: 'measured', args: ['report', A, B, '-o', 'page.html'] },
  { name: 'trend', from: 'measured', args: ['trend', 'results/s'] },
  { name: 'attribute', from: 'measured', args: ['attribute', CURVES, 'spans.ndjson'] },
  {
    name: 'schedule',
    from: 'measured',
    args: ['schedule', SCHEDULE, '--cost-per-day', '1', '--json'],
    isService: true,
  },
]

/** Fills a folder with what the plays begin with, each in a folder of its own name. @param {string} path @param {string} url */
export async function stockUp(path, url) {
  const { canonicalJson, sha256 } = await built('snapshot/format')
  const { otlpLine } = await built('span/otlp-envelope')
  const bare = folder(path, 'bare')
  const text = scenario(url, 2)
  put(bare, SCENARIO, text)
  put(bare, FRESH, text.replace('outputTokens: 5', 'outputTokens: 5, connection: new'))
  put(bare, SCHEDULE, `${text}budget: { cost: 0.5 }\nschedule: { cron: '17 3 1 1 *' }\n`)

  const broken = folder(path, 'broken', bare)
  const twelfth = { what: 'journal', call: 'writeSync #12', code: 'KILL' }
  await start(['run', SCENARIO], broken, hooked(broken, twelfth)).ended
  if (results(broken, JOURNAL).length !== 1) throw new Error('the run that was to leave a journal left none')

  const measured = folder(path, 'measured', bare)
  for (const name of [A, B]) {
    const { code, stderr } = await start(['run', SCENARIO, '--record', 'rec'], measured).ended
    if (code !== 0) throw new Error(`the run to begin with ended ${code}: ${stderr}`)
    const newest = results(measured, SNAPSHOT).at(-1) ?? ''
    cpSync(newest, join(measured, name))
  }
  // Curves take more samples than a small run has.
  const known = JSON.parse(readFileSync(new URL('fuzz-snapshot.json', import.meta.url), 'utf8'))
  known.checksum = sha256(canonicalJson({ ...known, checksum: undefined }))
  put(measured, CURVES, JSON.stringify(known))
  const startMs = Date.parse(known.startedAt)
  const span = {
    traceId: '5b8efff798038103d269b633813fc60c',
    spanId: 'eee19b7ec3c1b174',
    name: 'chat m',
    kind: 'client',
    startMs,
    endMs: startMs + 2000,
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.model': known.targets[0].model,
      'gen_ai.usage.input_tokens': 100,
      'gen_ai.usage.output_tokens': 5,
    },
  }
  put(
    measured,
    'spans.ndjson',
    otlpLine([{ resource: { 'service.name': 'shop' }, scope: { name: 'a' }, spans: [span] }]),
  )
}

/** @param {string} path @param {string} name @param {string} [like] */
function folder(path, name, like) {
  const made = join(path, name)
  if (like === undefined) mkdirSync(made)
  else cpSync(like, made, { recursive: true })
  return made
}

/** @param {Play} play @param {string} path @param {Record<string, string>} [env] @returns {Promise<Ended>} */
export async function perform({ args, isService = false }, path, env = {}) {
  const { child, ended } = start(args, path, env)
  // Told to stop once it is up, and not before.
  if (isService)
    child.stdout?.on('data', (text) => String(text).includes('configured') && child.kill('SIGTERM'))
  return ended
}

/**
 * The environment in which a call fails: `disk`, `socket` or `journal` (writes only), its name by `fail-call.cjs`, its code.
 * @param {string} path @param {{ what?: string, call?: string, code?: string, share?: number }} point
 * @returns {Record<string, string>}
 */
export const hooked = (path, { what = 'disk', call = '', code = 'EIO', share = 0.5 }) => ({
  NODE_OPTIONS: `--require ${HOOK}`,
  PLUMBLINE_TORTURE_ROOT: path,
  PLUMBLINE_TORTURE_WHAT: what,
  PLUMBLINE_TORTURE_CALL: call,
  PLUMBLINE_TORTURE_CODE: code,
  PLUMBLINE_TORTURE_SHARE: String(share),
  PLUMBLINE_TORTURE_CALLS: callsFile(path),
})

const callsFile = (/** @type {string} */ path) => join(path, '.calls')

/** Names of the calls of the process that was hooked, in order. @param {string} path @returns {string[]} */
export function called(path) {
  const file = callsFile(path)
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : []
}
