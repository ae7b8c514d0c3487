// @ts-check
/** Many streams at once for a long time: memory must not grow, descriptors must come back, the timing error must stay. */
import { readdirSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { chat, put, startProgram, within } from './rig.mjs'

const VICTIM = fileURLToPath(new URL('soak-victim.mjs', import.meta.url))
const GAP_MS = 50
/** Streams of half a minute: what a run keeps of each of its samples grows with their number, and that is no leak. */
const TOKENS = 600
const MOST_MB_A_MINUTE = 1
/**
 * A timing error that is no larger than so is unchanged: the machine itself is not the same at two times, and the p99 of a
 * calibration holds one stall or none.
 */
const isUnchanged = (/** @type {number} */ before, /** @type {number} */ after) => after <= 2 * before + 1

/** @typedef {{ when: string, p50Ms: number | null, p99Ms: number | null, heapMb: number, kind?: string, message?: string, stop?: unknown, failed?: number }} Said */

/** @param {{ streams: number, minutes: number }} options @returns {Promise<{ line: string, broken: string[] }>} */
export function soak({ streams, minutes }) {
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
      const { child, ended } = startProgram(
        VICTIM,
        [String(streams)],
        path,
        {},
        (3 * minutes + 5) * 60_000,
        'pipe',
      )
      const state = { isOver: false }
      void ended.then(() => (state.isOver = true))
      const { pid = 0, stdin, stdout } = child
      if (stdin === null || stdout === null) throw new Error('no pipes')
      /** @type {{ said: Said, files: number }[]} */
      const looks = []
      createInterface({ input: stdout }).on('line', (line) => {
        looks.push({ said: JSON.parse(line), files: look(pid)?.files ?? 0 })
        stdin.write('\n')
      })
      /** @type {{ atMin: number, rssMb: number, files: number }[]} */
      const seen = []
      const begunMs = performance.now()
      while (!state.isOver) {
        await sleep(1000)
        const found = look(pid)
        if (looks.length === 1 && found !== null)
          seen.push({ atMin: (performance.now() - begunMs) / 60_000, ...found })
      }
      const { code, stderr } = await ended
      const [before, after] = looks
      if (before === undefined || after === undefined)
        return { line: `soak: ended ${code}`, broken: [stderr.slice(-500)] }
      return verdict({ streams, minutes, asked: server.asked, seen, before, after })
    } finally {
      server.close()
    }
  })
}

/** @param {{ streams: number, minutes: number, asked: number, seen: { atMin: number, rssMb: number, files: number }[], before: { said: Said, files: number }, after: { said: Said, files: number } }} found */
function verdict({ streams, minutes, asked, seen, before, after }) {
  // A process swells for its first minute and a half, whatever it does; the fits at the end have memory of their own.
  const steady = seen.filter(({ atMin }, i) => atMin >= 1.5 && i >= seen.length / 2 && i < seen.length * 0.95)
  if (steady.length < 30) return { line: 'soak: too short', broken: ['it needs 3 minutes at least'] }
  const growth = slope(steady.map(({ atMin, rssMb }) => [atMin, rssMb]))
  const most = Math.max(...steady.map(({ files }) => files))
  const { said } = after
  const broken = []
  if (said.kind !== 'finished' || said.stop !== null) broken.push(`the run: ${JSON.stringify(said)}`)
  if ((said.failed ?? 0) > 0) broken.push(`${said.failed} requests failed`)
  if (growth > MOST_MB_A_MINUTE) broken.push(`memory grows by ${growth.toFixed(1)} MB a minute`)
  if (most > streams + 60) broken.push(`${most} descriptors for ${streams} streams`)
  if (after.files > before.files) broken.push(`${before.files} descriptors before, ${after.files} behind`)
  for (const name of /** @type {const} */ (['p50Ms', 'p99Ms'])) {
    const [a, b] = [before.said[name], said[name]]
    if (a === null || b === null) broken.push('not calibrated')
    else if (!isUnchanged(a, b)) broken.push(`timing error ${name}: ${a} before, ${b} behind`)
  }
  const ms = (/** @type {Said} */ { p50Ms, p99Ms }) => `${p50Ms?.toFixed(2)} / ${p99Ms?.toFixed(2)} ms`
  return {
    line: `soak: ${streams} streams for ${minutes} minutes, ${asked} requests; memory ${growth.toFixed(2)} MB a minute (heap ${before.said.heapMb.toFixed(0)} MB before, ${said.heapMb.toFixed(0)} MB behind), descriptors ${before.files} before, at most ${most}, ${after.files} behind, timing error p50 / p99 ${ms(before.said)} before, ${ms(said)} behind`,
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

/** Least squares. @param {number[][]} points */
function slope(points) {
  const mean = (/** @type {number} */ at) =>
    points.reduce((sum, point) => sum + (point[at] ?? 0), 0) / points.length
  const [x, y] = [mean(0), mean(1)]
  const part = (/** @type {number[]} */ [a = 0, b = 0]) => [(a - x) * (b - y), (a - x) ** 2]
  const [over, under] = points.map(part).reduce(([p = 0, q = 0], [r = 0, s = 0]) => [p + r, q + s], [0, 0])
  return (over ?? 0) / (under || 1)
}
