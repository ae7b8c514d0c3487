// @ts-check
/** A run killed at every write of its journal in turn, and at random times: nothing lost, nothing doubled, the plan completed. */
import { setTimeout as sleep } from 'node:timers/promises'
import { called, hooked } from './plays.mjs'
import {
  built,
  chat,
  enough,
  JOURNAL,
  journalled,
  put,
  results,
  scenario,
  SNAPSHOT,
  spread,
  start,
  within,
} from './rig.mjs'

const WIDTH = 2
/** Runs at once that are killed at random: they wait more than they work. */
const CHAINS = 4
const LENGTHS = 2
/** How often one run is killed before it is left to end. */
const KILLS_A_RUN = 5

/** @typedef {import('./rig.mjs').Chat} Chat */
/** @typedef {{ line: string, broken: string[] }} Found */

/** @returns {Promise<Found>} */
export async function killsAtWrites() {
  const blocks = 2
  const writes = await within(async (path) => {
    const server = await chat()
    put(path, 's.yaml', scenario(server.url, blocks))
    await start(['run', 's.yaml'], path, hooked(path, { what: 'journal' })).ended
    server.close()
    return called(path).length
  })
  const all = Array.from({ length: writes }, (_, i) => i + 1)
  const found = await spread(all, WIDTH, (k) => killedAt(k, blocks))
  return {
    line: `killed at every write in turn: ${writes} writes; every sample back, plan completed by --resume`,
    broken: found.flat(),
  }
}

/** @param {number} k @param {number} blocks @returns {Promise<string[]>} */
function killedAt(k, blocks) {
  return within(async (path) => {
    const server = await chat()
    try {
      put(path, 's.yaml', scenario(server.url, blocks))
      const point = { what: 'journal', call: `writeSync #${k}`, code: 'KILL', share: (k % 3) / 2 }
      const { signal } = await start(['run', 's.yaml'], path, hooked(path, point)).ended
      const wrong = signal === 'SIGKILL' ? [] : ['was not killed']
      const left = k === 1 ? [] : journalled(path)
      // The header itself was torn: there is nothing yet to go on with.
      const flags = k === 1 ? [] : ['--resume']
      const { code, stderr } = await start(['run', 's.yaml', ...flags], path).ended
      if (code !== 0) wrong.push(`ends ${code}: ${stderr.slice(-300)}`)
      else wrong.push(...(await incomplete(path, new Set(left), blocks, server)))
      return wrong.map((each) => `killed at write ${k}: ${each}`)
    } finally {
      server.close()
    }
  })
}

/** What is wrong with the snapshot of a run that was to complete its plan. @param {string} path @param {ReadonlySet<string>} kept @param {number} blocks @param {Chat} server */
async function incomplete(path, kept, blocks, server, isKilled = false) {
  const { readSnapshot } = await built('snapshot/format')
  const wrong = []
  const file = results(path, SNAPSHOT).at(-1)
  const read = await readSnapshot(file ?? '')
  if (!read.ok) return [`no snapshot: ${read.problem.message}`]
  const { samples, partial, spent } = read.value
  const ids = samples.map((/** @type {{ id: string }} */ { id }) => id)
  const known = new Set(ids)
  const lost = [...kept].filter((id) => !known.has(id))
  if (lost.length > 0) wrong.push(`lost: ${lost.join(' ')}`)
  if (known.size !== ids.length) wrong.push('a sample stands twice')
  if (partial) wrong.push('the snapshot is partial')
  /** @type {Map<string, number>} */
  const perBlock = new Map()
  for (const { warmup, cell, block } of samples)
    if (!warmup) perBlock.set(`${cell} ${block}`, (perBlock.get(`${cell} ${block}`) ?? 0) + 1)
  if (perBlock.size !== blocks * LENGTHS || [...perBlock.values()].some((n) => n !== 1))
    wrong.push(`blocks are not whole: ${JSON.stringify([...perBlock])}`)
  if (spent.requests < server.asked)
    wrong.push(`${server.asked} were asked, ${spent.requests} count as spent`)
  if (server.prompts.size !== server.asked) wrong.push('a prompt was sent twice')
  if (!isKilled && results(path, JOURNAL).length > 0) wrong.push('a journal is left')
  return wrong
}

const BLOCKS = 12

/** @typedef {{ kills: number, runs: number, requests: number }} Tally */

/** @param {number} kills @param {() => number} random @returns {Promise<Found>} */
export async function killsAtRandom(kills, random) {
  /** @type {Tally} */
  const tally = { kills: 0, runs: 0, requests: 0 }
  /** @type {string[]} */
  const broken = []
  // A run may end before it is hit, so more are begun until enough have been killed.
  const walk = async () => {
    while (tally.kills < kills && broken.length < 20 && !enough.isTrue) {
      const waits = Array.from({ length: KILLS_A_RUN }, () => random() * 450)
      broken.push(...(await chained(waits, tally)))
    }
  }
  await Promise.all(Array.from({ length: Math.min(CHAINS, kills) }, walk))
  return {
    line: `kills: ${tally.kills} at random times in ${tally.runs} runs, each taken up again and completed; ${tally.requests} requests, no sample lost or doubled, blocks whole`,
    broken,
  }
}

/**
 * One run, killed and resumed until it has been killed often enough, then left to complete its plan.
 * @param {readonly number[]} waits
 * @param {Tally} tally
 * @returns {Promise<string[]>}
 */
function chained(waits, tally) {
  return within(async (path) => {
    const server = await chat({ gapMs: 3 })
    try {
      put(path, 's.yaml', scenario(server.url, BLOCKS))
      /** @type {Set<string>} */
      const kept = new Set()
      const wrong = []
      let isSaved = false
      for (const waitMs of waits) {
        const flags = results(path, JOURNAL).length > 0 ? ['--resume'] : []
        const { child, ended } = start(['run', 's.yaml', ...flags], path)
        const state = { isOver: false }
        void ended.then(() => (state.isOver = true))
        const before = server.asked
        while (!state.isOver && server.asked === before) await sleep(3)
        await sleep(waitMs)
        child.kill('SIGKILL')
        const { signal } = await ended
        if (signal === 'SIGKILL') tally.kills++
        // Killed in its last moment, or not at all: what it had to do was done, and there is nothing to go on with.
        isSaved = results(path, SNAPSHOT).length > 0
        if (isSaved) break
        const now = new Set(journalled(path))
        const lost = [...kept].filter((id) => !now.has(id))
        if (lost.length > 0) wrong.push(`lost from the journal: ${lost.join(' ')}`)
        for (const id of now) kept.add(id)
      }
      if (!isSaved) {
        // Two at once: one goes on, the other is refused.
        const both = await Promise.all([1, 2].map(() => start(['run', 's.yaml', '--resume'], path).ended))
        const codes = both.map(({ code }) => code)
        if (!codes.includes(0) || !codes.includes(2))
          wrong.push(
            `two at once end ${codes.join(' and ')}: ${both.map(({ stderr }) => stderr.slice(-200)).join(' | ')}`,
          )
      }
      tally.runs++
      tally.requests += server.asked
      wrong.push(...(await incomplete(path, kept, BLOCKS, server, isSaved)))
      return wrong.map((each) => `run ${tally.runs}: ${each}`)
    } finally {
      server.close()
    }
  })
}
