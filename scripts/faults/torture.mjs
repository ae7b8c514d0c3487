// @ts-check
/** Each disk and socket call of a small run made to fail once in turn: only listed exits, and what is left can be read. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  built,
  chat,
  HOOK,
  JOURNAL,
  put,
  results,
  scenario,
  SNAPSHOT,
  spread,
  start,
  within,
} from './rig.mjs'

const DISK = ['ENOSPC', 'EIO', 'EACCES', 'EMFILE']
const SOCKET = ['ECONNRESET', 'ETIMEDOUT', 'EPIPE']
const EXITS = [0, 2, 3]
const WIDTH = 2

/** @typedef {{ what: string, at: number, code: string }} Point */

/** @param {number} points how many at least, where the run has so many @returns {Promise<{ line: string, broken: string[] }>} */
export async function torture(points) {
  const server = await chat()
  try {
    const disk = await countOf('disk', server.url)
    const socket = await countOf('socket', server.url)
    const chosen = choose(disk, socket, points)
    const found = await spread(chosen, WIDTH, (point) => strike(point, server.url))
    /** @type {Record<string, number>} */
    const exits = {}
    for (const { exit } of found) exits[exit] = (exits[exit] ?? 0) + 1
    const told = Object.entries(exits).map(([exit, n]) => `${exit} ${n} times`)
    return {
      line: `torture: ${chosen.length} points of ${disk} disk and ${socket} socket calls; exits ${told.join(', ')}`,
      broken: found.flatMap(({ broken }) => broken),
    }
  } finally {
    server.close()
  }
}

/** Each call before any call a second time, then with another code. @param {number} disk @param {number} socket @param {number} points */
function choose(disk, socket, points) {
  const turns = DISK.map((_, turn) => [
    ...pointsOf('disk', disk, DISK, turn),
    ...pointsOf('socket', socket, SOCKET, turn),
  ])
  const [first = []] = turns
  if (points >= first.length) return turns.flat().slice(0, points)
  return Array.from({ length: points }, (_, i) => first[Math.floor((i * first.length) / points)] ?? fail())
}

/** @returns {never} */
function fail() {
  throw new Error('no such point')
}

/** @param {string} what @param {number} calls @param {readonly string[]} codes @param {number} turn @returns {Point[]} */
function pointsOf(what, calls, codes, turn) {
  return Array.from({ length: calls }, (_, i) => ({
    what,
    at: i + 1,
    code: codes[(i + turn) % codes.length] ?? fail(),
  }))
}

/** @param {string} path @param {Partial<Point>} point */
const hooked = (path, { what = 'disk', at = 0, code = 'EIO' }) => ({
  NODE_OPTIONS: `--require ${HOOK}`,
  PLUMBLINE_TORTURE_ROOT: join(path, 'results'),
  PLUMBLINE_TORTURE_WHAT: what,
  PLUMBLINE_TORTURE_AT: String(at),
  PLUMBLINE_TORTURE_CODE: code,
  PLUMBLINE_TORTURE_COUNT: join(path, 'count'),
})

/** @param {string} what @param {string} url @returns {Promise<number>} */
function countOf(what, url) {
  return within(async (path) => {
    put(path, 's.yaml', scenario(url, 2))
    await start(['run', 's.yaml'], path, hooked(path, { what })).ended
    return JSON.parse(readFileSync(join(path, 'count'), 'utf8')).count
  })
}

/** @param {Point} point @param {string} url @returns {Promise<{ exit: string, broken: string[] }>} */
function strike(point, url) {
  return within(async (path) => {
    put(path, 's.yaml', scenario(url, 2))
    const { code, signal, stdout, stderr } = await start(['run', 's.yaml'], path, hooked(path, point)).ended
    const said = stderr + stdout
    /** @type {string[]} */
    const wrong = []
    if (code === null || !EXITS.includes(code)) wrong.push(`exit ${code ?? signal}`)
    if (/^ +at /m.test(said)) wrong.push('a stack was printed')
    if (said.includes('a fault of its own')) wrong.push('told as a fault of our own')
    if (code !== 0 && !/error:|stopped:/.test(stderr)) wrong.push('no sentence says why')
    wrong.push(...(await unreadable(path)))
    const kept = await measuredOf(path)
    const next = await start(['run', 's.yaml'], path).ended
    if (next.code !== 0)
      wrong.push(`the next run ends ${next.code ?? next.signal}: ${next.stderr.slice(-300)}`)
    wrong.push(...(await unreadable(path)))
    const after = await measuredOf(path)
    const lost = [...kept].filter((id) => !after.has(id))
    if (lost.length > 0) wrong.push(`lost by the next run: ${lost.join(' ')}`)
    const { named } = { named: [''], ...JSON.parse(readCount(path)) }
    const where = `${point.what} call ${point.at} (${named[0] ?? 'not reached'}) fails with ${point.code}`
    return {
      exit: String(code ?? signal),
      broken: wrong.map(
        (each) => `${where}: ${each}\n    ${stderr.trim().split('\n').slice(-4).join('\n    ')}`,
      ),
    }
  })
}

/** @param {string} path */
function readCount(path) {
  try {
    return readFileSync(join(path, 'count'), 'utf8')
  } catch {
    return '{}'
  }
}

/** @param {string} path @returns {Promise<string[]>} */
async function unreadable(path) {
  const { readSnapshot } = await built('snapshot/format')
  const { readJournal } = await built('snapshot/journal-reader')
  const wrong = []
  for (const file of results(path, SNAPSHOT)) {
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
