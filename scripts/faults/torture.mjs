// @ts-check
/** Each disk and socket call of small runs and commands made to fail once in turn: only listed exits, and what is left can be read. */
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { counted, hooked, perform, plays, stockUp } from './plays.mjs'
import { built, chat, JOURNAL, results, seeded, SNAPSHOT, spread, within } from './rig.mjs'

const DISK = ['ENOSPC', 'EIO', 'EACCES', 'EMFILE']
const SOCKET = ['ECONNRESET', 'ETIMEDOUT', 'EPIPE']
/** What a call that fails may end a command with, besides what it ends with when none does. */
const EXITS = [2, 3]
const WIDTH = 3

/** @typedef {import('./plays.mjs').Play} Play */
/** @typedef {Play & { exit: number, disk: number, socket: number }} Known what it ends with undisturbed, and its calls */
/** @typedef {{ play: Known, what: string, at: number, code: string }} Point */

/** @param {number} points how many at least, where there are so many @returns {Promise<{ line: string, broken: string[] }>} */
export async function torture(points) {
  const server = await chat()
  try {
    return await within(async (stock) => {
      await stockUp(stock, server.url)
      const known = await spread(plays, WIDTH, (play) => know(play, stock))
      // In any order, so that a campaign that is ended early has met every command.
      const order = seeded(points)
      const drawn = choose(known, points).map((point) => ({ point, at: order() }))
      const chosen = drawn.sort((a, b) => a.at - b.at).map(({ point }) => point)
      const found = await spread(chosen, WIDTH, (point) => strike(point, stock))
      /** @type {Record<string, number>} */
      const exits = {}
      for (const { exit } of found) exits[exit] = (exits[exit] ?? 0) + 1
      const told = Object.entries(exits).map(([exit, n]) => `${exit} ${n} times`)
      const sum = (/** @type {'disk' | 'socket'} */ what) => known.reduce((all, play) => all + play[what], 0)
      return {
        line: `torture: ${found.length} points of ${sum('disk')} disk and ${sum('socket')} socket calls in ${known.length} commands (${known.map(({ name, disk, socket }) => `${name} ${disk + socket}`).join(', ')}); exits ${told.join(', ')}`,
        broken: found.flatMap(({ broken }) => broken),
      }
    })
  } finally {
    server.close()
  }
}

/** What a command does undisturbed. @param {Play} play @param {string} stock @returns {Promise<Known>} */
async function know(play, stock) {
  /** @param {string} what */
  const once = (what) =>
    begun(play, stock, async (path) => {
      const { code, stderr } = await perform(play, path, hooked(path, { what }))
      if (code === null || EXITS.includes(code))
        throw new Error(`${play.name} ends ${code} by itself: ${stderr}`)
      return { exit: code, count: counted(path).count }
    })
  const { exit, count } = await once('disk')
  return { ...play, exit, disk: count, socket: (await once('socket')).count }
}

/** In a folder that is as the play begins with it. @template T @param {Play} play @param {string} stock @param {(path: string) => Promise<T>} work @returns {Promise<T>} */
function begun({ from }, stock, work) {
  return within((outer) => {
    const path = join(outer, 'work')
    cpSync(join(stock, from), path, { recursive: true })
    return work(path)
  })
}

/** Each call before any call a second time, then with another code. @param {readonly Known[]} known @param {number} points @returns {Point[]} */
function choose(known, points) {
  const turns = DISK.map((_, turn) =>
    known.flatMap((play) => [
      ...pointsOf(play, 'disk', DISK, turn),
      ...(turn < SOCKET.length ? pointsOf(play, 'socket', SOCKET, turn) : []),
    ]),
  )
  const [first = []] = turns
  if (points >= first.length) return turns.flat().slice(0, points)
  return Array.from({ length: points }, (_, i) => first[Math.floor((i * first.length) / points)] ?? fail())
}

/** @returns {never} */
function fail() {
  throw new Error('no such point')
}

/** @param {Known} play @param {'disk' | 'socket'} what @param {readonly string[]} codes @param {number} turn @returns {Point[]} */
function pointsOf(play, what, codes, turn) {
  return Array.from({ length: play[what] }, (_, i) => ({
    play,
    what,
    at: i + 1,
    code: codes[(i + turn) % codes.length] ?? fail(),
  }))
}

/** @param {Point} point @param {string} stock @returns {Promise<{ exit: string, broken: string[] }>} */
function strike({ play, ...point }, stock) {
  return begun(play, stock, async (path) => {
    const before = await measuredOf(path)
    const { code, signal, stdout, stderr } = await perform(play, path, hooked(path, point))
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
    const { named } = counted(path)
    const where = `${play.name}: ${point.what} call ${point.at} (${named[0] ?? 'not reached'}) fails with ${point.code}`
    return {
      exit: String(code ?? signal),
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
