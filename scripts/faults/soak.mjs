// @ts-check
/** Many streams at once for a long time: memory and descriptors must not grow. */
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { chat, put, start, within } from './rig.mjs'

const GAP_MS = 50
const TOKENS = 100
/** What a run keeps of each of its samples grows with their number, and that is no leak. */
const MOST_MB_A_MINUTE = 1

/** @param {{ streams: number, minutes: number }} options @returns {Promise<{ line: string, broken: string[] }>} */
export function soak({ streams, minutes }) {
  return within(async (path) => {
    const server = await chat({ gapMs: GAP_MS })
    try {
      const secondsEach = (GAP_MS * TOKENS) / 1000
      const blocks = Math.ceil((minutes * 60) / secondsEach)
      put(
        path,
        's.yaml',
        `name: s
targets: [{ name: t, baseUrl: '${server.url}', model: m, tokenizer: o200k_base }]
probes: [{ probe: concurrency, concurrency: [${streams}], promptTokens: 64, outputTokens: ${TOKENS}, blocks: ${blocks} }]
`,
      )
      const { child, ended } = start(['run', 's.yaml'], path, {}, (minutes + 3) * 60_000)
      const state = { isOver: false }
      void ended.then(() => (state.isOver = true))
      /** @type {{ atMin: number, rssMb: number, files: number }[]} */
      const seen = []
      const begunMs = performance.now()
      while (!state.isOver) {
        await sleep(1000)
        const found = look(child.pid ?? 0)
        if (found !== null) seen.push({ atMin: (performance.now() - begunMs) / 60_000, ...found })
      }
      const { code, stderr } = await ended
      // Start-up and the fits at the end have memory of their own.
      const steady = seen.slice(Math.floor(seen.length / 3), Math.floor(seen.length * 0.95))
      const growth = slope(steady.map(({ atMin, rssMb }) => [atMin, rssMb]))
      const most = Math.max(...steady.map(({ files }) => files))
      const broken = []
      if (code !== 0) broken.push(`ends ${code}: ${stderr.slice(-300)}`)
      if (growth > MOST_MB_A_MINUTE) broken.push(`memory grows by ${growth.toFixed(1)} MB a minute`)
      if (most > streams + 60) broken.push(`${most} descriptors for ${streams} streams`)
      return {
        line: `soak: ${streams} streams for ${minutes} minutes, ${server.asked} requests; memory ${growth.toFixed(2)} MB a minute, descriptors at most ${most}`,
        broken,
      }
    } finally {
      server.close()
    }
  })
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
