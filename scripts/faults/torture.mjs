// @ts-check
/** Each disk and socket call of small runs and commands made to fail once in turn: only listed exits, and what is left can be read. */
import { createHash } from 'node:crypto'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { called, hooked, perform, plays, stockUp } from './plays.mjs'
import { built, chat, JOURNAL, results, SNAPSHOT, spread, within } from './rig.mjs'

const CODES = {
  disk: ['ENOSPC', 'EIO', 'EACCES', 'EMFILE'],
  socket: ['ECONNRESET', 'ETIMEDOUT', 'EPIPE'],
}
const WHATS = /** @type {const} */ (['disk', 'socket'])
/** What a call that fails may end a command with, besides what it ends with when none does. */
const EXITS = [2, 3]
const WIDTH = 3

/** @typedef {import('./plays.mjs').Play} Play */
/** @typedef {Play & { exit: number, disk: string[], socket: string[] }} Known what it ends with undisturbed, and the names of its calls */
/** @typedef {{ play: Known, what: 'disk' | 'socket', call: string, code: string }} Point */

/**
 * @param {number} points how many, where there are so many
 * @param {number} seed the same points for the same seed, as long as the program makes the same calls
 * @returns {Promise<{ line: string, broken: string[] }>}
 */
export async function torture(points, seed) {
  const server = await chat()
  try {
    return await within(async (stock) => {
      await stockUp(stock, server.url)
      const known = await spread(plays, WIDTH, (play) => know(play, stock))
      const chosen = choose(known, points, seed)
      const found = await spread(chosen, WIDTH, (point) => strike(point, stock))
      /** @type {Record<string, number>} */
      const exits = {}
      for (const { exit } of found) exits[exit] = (exits[exit] ?? 0) + 1
      const told = Object.entries(exits).map(([exit, n]) => `${exit} ${n} times`)
      const [disk, socket] = WHATS.map((what) => known.reduce((sum, play) => sum + play[what].length, 0))
      const commands = known.map((play) => `${play.name} ${play.disk.length + play.socket.length}`)
      // The same eight letters are the same points.
      const names = chosen.map(({ play, what, call, code }) => [play.name, what, call, code].join(' '))
      const digest = createHash('sha256').update(names.sort().join('\n')).digest('hex').slice(0, 8)
      const unmet = found.filter(({ isMet }) => !isMet).length
      return {
        line: `torture: ${found.length} points (seed ${seed}, ${digest}) of ${disk} disk and ${socket} socket calls in ${known.length} commands (${commands.join(', ')}); exits ${told.join(', ')}; ${unmet} not met again`,
        broken: [
          ...found.flatMap(({ broken }) => broken),
          ...(unmet > found.length / 10 ? [`${unmet} calls were not met again: they are named badly`] : []),
        ],
      }
    })
  } finally {
    server.close()
  }
}

/** What a command does when nothing fails. @param {Play} play @param {string} stock @returns {Promise<Known>} */
async function know(play, stock) {
  /** @param {'disk' | 'socket'} what */
  const once = (what) =>
    begun(play, stock, async (path) => {
      const { code, stderr } = await perform(play, path, hooked(path, { what }))
      if (code === null || EXITS.includes(code))
        throw new Error(`${play.name} ends ${code} by itself: ${stderr}`)
      return { exit: code, calls: called(path) }
    })
  const { exit, calls } = await once('disk')
  return { ...play, exit, disk: calls, socket: (await once('socket')).calls }
}

/** In a folder that is as the play begins with it. @template T @param {Play} play @param {string} stock @param {(path: string) => Promise<T>} work @returns {Promise<T>} */
function begun({ from }, stock, work) {
  return within((outer) => {
    const path = join(outer, 'work')
    cpSync(join(stock, from), path, { recursive: true })
    return work(path)
  })
}

/**
 * Each call before any call a second time, then with another code. By what a hash makes of seed and name: a call that comes
 * or goes changes one point and leaves the others.
 * @param {readonly Known[]} known @param {number} points @param {number} seed @returns {Point[]}
 */
function choose(known, points, seed) {
  const all = known.flatMap((play) =>
    WHATS.flatMap((what) =>
      play[what].flatMap((call) => {
        const rank = createHash('sha256')
          .update(`${seed} ${play.name} ${what} ${call}`)
          .digest()
          .readUInt32BE()
        const codes = CODES[what]
        return codes.map((_, turn) => {
          const code = codes[(rank + turn) % codes.length] ?? ''
          return { turn, rank, point: { play, what, call, code } }
        })
      }),
    ),
  )
  return all
    .sort((a, b) => a.turn - b.turn || a.rank - b.rank)
    .slice(0, points)
    .map(({ point }) => point)
}

/** @param {Point} point @param {string} stock @returns {Promise<{ exit: string, isMet: boolean, broken: string[] }>} */
function strike({ play, ...point }, stock) {
  return begun(play, stock, async (path) => {
    const before = await measuredOf(path)
    const { code, signal, stdout, stderr } = await perform(play, path, hooked(path, point))
    const isMet = called(path).includes(point.call)
    const said = stderr + stdout
    /** @type {string[]} */
    const wrong = []
    if (code !== play.exit && (code === null || !EXITS.includes(code))) wrong.push(`exit ${code ?? signal}`)
    if (/^ +at /m.test(said)) wrong.push('a stack was printed')
    if (said.includes('a fault of its own')) wrong.push('told as a fault of our own')
    if (code !== play.exit && stderr.trim() === '') wrong.push('no sentence says why')
    wrong.push(...(await unreadable(path)))
    const kept = await measuredOf(path)
    wrong.push(...missing('lost', before, kept))
    const next = await perform({ ...play, args: play.next ?? play.args }, path)
    if (next.code !== play.exit)
      wrong.push(`the next ends ${next.code ?? next.signal}: ${next.stderr.slice(-300)}`)
    wrong.push(...(await unreadable(path)))
    wrong.push(...missing('lost by the next', kept, await measuredOf(path)))
    const where = `${play.name}: ${point.what} call ${point.call} fails with ${point.code}`
    return {
      exit: String(code ?? signal),
      isMet,
      broken: wrong.map(
        (each) => `${where}: ${each}\n    ${stderr.trim().split('\n').slice(-4).join('\n    ')}`,
      ),
    }
  })
}

/** @param {string} what @param {ReadonlySet<string>} before @param {ReadonlySet<string>} after */
function missing(what, before, after) {
  const lost = [...before].filter((id) => !after.has(id))
  return lost.length === 0 ? [] : [`${what}: ${lost.join(' ')}`]
}

const BASELINE = /^baseline\.json$/

/** @param {string} path @returns {Promise<string[]>} */
async function unreadable(path) {
  const { readSnapshot } = await built('snapshot/format')
  const { readJournal } = await built('snapshot/journal-reader')
  const wrong = []
  for (const file of [...results(path, SNAPSHOT), ...results(path, BASELINE)]) {
    const read = await readSnapshot(file)
    if (!read.ok) wrong.push(`unreadable: ${read.problem.message}`)
  }
  for (const file of results(path, JOURNAL)) {
    const read = await readJournal(file)
    if (!read.ok) wrong.push(`unreadable: ${read.problem.message}`)
  }
  return wrong
}

/** Ids of all samples that journals and snapshots hold, with the run they belong to. @param {string} path @returns {Promise<Set<string>>} */
async function measuredOf(path) {
  const { readSnapshot } = await built('snapshot/format')
  const { readJournal } = await built('snapshot/journal-reader')
  const ids = new Set()
  for (const file of results(path, SNAPSHOT)) {
    const read = await readSnapshot(file)
    if (read.ok) for (const { id } of read.value.samples) ids.add(`${read.value.id}/${id}`)
  }
  for (const file of results(path, JOURNAL)) {
    const read = await readJournal(file)
    if (!read.ok) continue
    for (const entry of read.value.entries)
      if (entry.kind === 'sample') ids.add(`${read.value.header.run}/${entry.sample.id}`)
  }
  return ids
}
