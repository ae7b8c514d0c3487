// @ts-check
/** Many streams at once for a long time: memory must not grow, descriptors must come back, the timing error must stay. */
import { readdirSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { built, chat, put, startProgram, within } from './rig.mjs'

const VICTIM = fileURLToPath(new URL('soak-victim.mjs', import.meta.url))
const GAP_MS = 50
/** Streams of half a minute. */
const TOKENS = 600
/** Beyond what the samples take that the run was asked for. */
const MOST_MB_A_MINUTE = 1
/** A process swells for its first minute and a half, whatever it does. */
const SWELLS_MIN = 1.5
/**
 * A timing error that is no larger than so is unchanged: the machine itself is not the same at two times, and the p99 of a
 * calibration holds one stall or none.
 */
const isUnchanged = (/** @type {number} */ before, /** @type {number} */ after) => after <= 2 * before + 1

/**
 * @typedef {{ p50Ms: number | null, p99Ms: number | null, usedMb: number, heapMb: number, files: number }} Look
 * @typedef {Look & { when: 'before' }} Before
 * @typedef {Look & { when: 'behind', kind: string, message?: string, stop: unknown, failed: number, sampleMb: number }} Behind
 * @typedef {{ when: 'amid', atMin: number, done: number, usedMb: number, heapMb: number }} Amid
 * @typedef {{ rssMb: number, files: number }} Seen
 * @typedef {{ streams: number, minutes: number, leakKb: number }} Options
 */

/** @param {Options} options @returns {Promise<{ line: string, broken: string[] }>} */
export function soak(options) {
  const { streams, minutes, leakKb } = options
  return within(async (path) => {
    const server = await chat({ gapMs: GAP_MS })
    try {
      const blocks = Math.max(1, Math.ceil((minutes * 60_000) / (GAP_MS * TOKENS)))
      put(
        path,
        's.yaml',
        `name: s
targets: [{ name: t, baseUrl: '${server.url}', model: m, tokenizer: o200k_base }]
probes: [{ probe: concurrency, concurrency: [${streams}], promptTokens: 64, outputTokens: ${TOKENS}, blocks: ${blocks} }]
output: { keep: summary }
`,
      )
      const args = [String(streams), String(leakKb)]
      const { child, ended } = startProgram(VICTIM, args, path, {}, (3 * minutes + 5) * 60_000, 'pipe')
      const state = { isOver: false }
      void ended.then(() => (state.isOver = true))
      const { pid = 0, stdin, stdout } = child
      if (stdin === null || stdout === null) throw new Error('no pipes')
      /** @type {{ before?: Before, behind?: Behind, amid: Amid[], seen: Seen[] }} */
      const found = { amid: [], seen: [] }
      createInterface({ input: stdout }).on('line', (line) => {
        const said = JSON.parse(line)
        if (said.when === 'amid') return void found.amid.push(said)
        const files = look(pid)?.files ?? 0
        if (said.when === 'before') found.before = { ...said, files }
        else found.behind = { ...said, files }
        stdin.write('\n')
      })
      while (!state.isOver) {
        await sleep(1000)
        const at = look(pid)
        if (found.before !== undefined && found.behind === undefined && at !== null) found.seen.push(at)
      }
      const { code, stderr } = await ended
      const { before, behind } = found
      if (before === undefined || behind === undefined)
        return { line: `soak: ended ${code}`, broken: [stderr.slice(-500)] }
      const { theilSen } = await built('stats/theil-sen')
      return verdict({ ...options, ...found, before, behind, theilSen })
    } finally {
      server.close()
    }
  })
}

/** @param {Options & { amid: Amid[], seen: Seen[], before: Before, behind: Behind, theilSen: (x: number[], y: number[]) => { slope: number } | null }} found */
function verdict({ streams, minutes, amid, seen, before, behind, theilSen }) {
  const fromMin = (amid[0]?.atMin ?? 0) + Math.max(SWELLS_MIN, minutes / 4)
  const steady = amid.filter(({ atMin }) => atMin >= fromMin)
  if (steady.length < 4) return { line: 'soak: too short', broken: ['it needs 4 minutes at least'] }
  // A leak grows with every block; an allocator that takes a step once when buffers come together is none, and does not
  // turn the median of all slopes.
  const perMinute = (/** @type {(at: Amid) => number} */ of) =>
    theilSen(
      steady.map(({ atMin }) => atMin),
      steady.map(of),
    )?.slope ?? Infinity
  const growth = perMinute(({ usedMb }) => usedMb)
  const samples = behind.sampleMb * perMinute(({ done }) => done)
  const most = Math.max(...seen.map(({ files }) => files))
  const broken = []
  if (behind.kind !== 'finished' || behind.stop !== null) broken.push(`the run: ${JSON.stringify(behind)}`)
  if (behind.failed > 0) broken.push(`${behind.failed} requests failed`)
  if (growth - samples > MOST_MB_A_MINUTE)
    broken.push(
      `memory grows by ${growth.toFixed(1)} MB a minute, ${samples.toFixed(1)} of it samples: ${amid.map(({ usedMb }) => usedMb.toFixed(0)).join(', ')} MB in use`,
    )
  if (most > streams + 60) broken.push(`${most} descriptors for ${streams} streams`)
  if (behind.files > before.files) broken.push(`${before.files} descriptors before, ${behind.files} behind`)
  for (const name of /** @type {const} */ (['p50Ms', 'p99Ms'])) {
    const [a, b] = [before[name], behind[name]]
    if (a === null || b === null) broken.push('not calibrated')
    else if (!isUnchanged(a, b)) broken.push(`timing error ${name}: ${a} before, ${b} behind`)
  }
  const ms = (/** @type {Look} */ { p50Ms, p99Ms }) => `${p50Ms?.toFixed(2)} / ${p99Ms?.toFixed(2)} ms`
  const mb = (/** @type {number} */ value) => value.toFixed(0)
  const highest = (/** @type {Seen[]} */ part) => mb(Math.max(...part.map(({ rssMb }) => rssMb)))
  const middle = Math.floor(seen.length / 2)
  return {
    line: `soak: ${streams} streams for ${minutes} minutes, ${amid.at(-1)?.done ?? 0} requests; memory in use ${growth.toFixed(2)} MB a minute from minute ${(fromMin - (amid[0]?.atMin ?? 0)).toFixed(1)} on, ${samples.toFixed(2)} of it samples (${(behind.sampleMb * 1024).toFixed(2)} kB each); resident at most ${highest(seen.slice(0, middle))} MB in the first half, ${highest(seen.slice(middle))} in the second; heap ${mb(before.heapMb)} MB before, ${mb(behind.heapMb)} behind; descriptors ${before.files} before, at most ${most}, ${behind.files} behind; timing error p50 / p99 ${ms(before)} before, ${ms(behind)} behind`,
    broken,
  }
}

/** Of a process of Linux; null once it is gone. @param {number} pid */
function look(pid) {
  try {
    const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1])
    return { rssMb: (pages * 4096) / 2 ** 20, files: readdirSync(`/proc/${pid}/fd`).length }
  } catch {
    return null
  }
}
