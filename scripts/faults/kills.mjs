// @ts-check
/** A run killed at every write of its journal in turn, and at random times: nothing lost, nothing doubled, no limit passed. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import {
  built,
  chat,
  HOOK,
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
    const env = { ...hook('journal', 0, 0), PLUMBLINE_TORTURE_COUNT: join(path, 'count') }
    await start(['run', 's.yaml'], path, env).ended
    server.close()
    return JSON.parse(readFileSync(join(path, 'count'), 'utf8')).count
  })
  const all = Array.from({ length: writes }, (_, i) => i + 1)
  const found = await spread(all, WIDTH, (k) => killedAt(k, blocks))
  return {
    line: `killed at every write in turn: ${writes} writes; every sample back, plan completed by --resume`,
    broken: found.flat(),
  }
}

/** @param {string} what @param {number} at @param {number} share of the write that reaches the disk */
const hook = (what, at, share) => ({
  NODE_OPTIONS: `--require ${HOOK}`,
  PLUMBLINE_TORTURE_WHAT: what,
  PLUMBLINE_TORTURE_AT: String(at),
  PLUMBLINE_TORTURE_CODE: 'KILL',
  PLUMBLINE_TORTURE_SHARE: String(share),
})

/** @param {number} k @param {number} blocks @returns {Promise<string[]>} */
function killedAt(k, blocks) {
  return within(async (path) => {
    const server = await chat()
    try {
      put(path, 's.yaml', scenario(server.url, blocks))
      const { signal } = await start(['run', 's.yaml'], path, hook('journal', k, (k % 3) / 2)).ended
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

/** What a server may say of its usage, each no count or no truth. */
const LIES = [
  { prompt_tokens: -1, completion_tokens: -1000 },
  '{"prompt_tokens":1e308,"completion_tokens":1e308}',
  '{"prompt_tokens":"NaN","completion_tokens":null}',
  undefined,
  { prompt_tokens: 0, completion_tokens: 0 },
]

const BLOCKS = 12
/** Limits that the plan would pass: the runs are to stop below them, however often they are killed. */
const KINDS = [
  { name: 'free', limit: '' },
  { name: 'requests', limit: 'budget: { requests: 16 }' },
  { name: 'tokens', limit: 'budget: { tokens: 1500 }' },
  { name: 'cost', limit: 'budget: { cost: 1.5 }' },
]

/** @param {number} kills @param {() => number} random @returns {Promise<Found>} */
export async function killsAtRandom(kills, random) {
  /** @type {Record<string, number>} */
  const done = { kills: 0, runs: 0, requests: 0, most: 0 }
  const chains = Array.from({ length: Math.ceil(kills / KILLS_A_RUN) }, (_, i) => ({
    index: i,
    kind: KINDS[i % KINDS.length] ?? fail(),
    waits: Array.from({ length: KILLS_A_RUN }, () => random() * 450),
  }))
  const found = await spread(chains, WIDTH, (chain) => chained(chain, done))
  return {
    line: `killed ${done['kills']} times at random in ${done['runs']} runs, a quarter of them without a limit, the others below a limit of requests, tokens or money, with servers that lie about usage; ${done['requests']} requests by the servers' count`,
    broken: found.flat(),
  }
}

/** @returns {never} */
function fail() {
  throw new Error('no such kind')
}

/**
 * One run, killed and resumed until it has been killed often enough, then left to end.
 * @param {{ index: number, kind: { name: string, limit: string }, waits: number[] }} chain
 * @param {Record<string, number>} done
 * @returns {Promise<string[]>}
 */
function chained({ index, kind, waits }, done) {
  return within(async (path) => {
    // What lies below the truth frees money; only zeros look like a count, so those are left to the free runs.
    const lie = LIES[index % (kind.name === 'free' ? LIES.length : LIES.length - 1)]
    const server = await chat({ gapMs: 3, usage: () => lie })
    try {
      put(path, 's.yaml', scenario(server.url, BLOCKS, kind.limit))
      const kept = new Set()
      const wrong = []
      let last
      for (const waitMs of waits) {
        const flags = results(path, JOURNAL).length > 0 ? ['--resume'] : []
        const { child, ended } = start(['run', 's.yaml', ...flags], path)
        const state = { isOver: false }
        void ended.then(() => (state.isOver = true))
        const before = server.asked
        while (!state.isOver && server.asked === before) await sleep(3)
        await sleep(waitMs)
        child.kill('SIGKILL')
        last = await ended
        if (last.signal !== 'SIGKILL') break
        done['kills'] = (done['kills'] ?? 0) + 1
        const now = results(path, SNAPSHOT).length > 0 ? kept : new Set(journalled(path))
        const lost = [...kept].filter((id) => !now.has(id))
        if (lost.length > 0) wrong.push(`lost from the journal: ${lost.join(' ')}`)
        for (const id of now) kept.add(id)
        // Killed in its last moment: what it had to do was done.
        if (results(path, SNAPSHOT).length > 0) break
      }
      /** Killed when its snapshot was written: there is no exit code, and nothing to go on with. */
      const isSaved = last?.signal === 'SIGKILL' && results(path, SNAPSHOT).length > 0
      if (last?.signal === 'SIGKILL' && !isSaved) {
        // Two at once: one may go on, the other is refused.
        const both = [1, 2].map(() => start(['run', 's.yaml', '--resume'], path).ended)
        const [a, b] = await Promise.all(both)
        const refused = [a, b].filter((each) => each?.code === 2)
        last = [a, b].find((each) => each?.code !== 2)
        if (last === undefined) wrong.push(`both refused: ${a?.stderr}`)
        if (refused.length === 0 && kind.name === 'free') wrong.push('both went on')
      }
      done['runs'] = (done['runs'] ?? 0) + 1
      done['requests'] = (done['requests'] ?? 0) + server.asked
      if (kind.name === 'free') {
        if (last?.code !== 0 && !isSaved) wrong.push(`ends ${last?.code}: ${last?.stderr.slice(-300)}`)
        else wrong.push(...(await incomplete(path, kept, BLOCKS, server, isSaved)))
      } else wrong.push(...passed(kind.name, server, isSaved ? undefined : last))
      return wrong.map((each) => `run ${index} (${kind.name}): ${each}`)
    } finally {
      server.close()
    }
  })
}

/** By the server's own count. @param {string} name @param {Chat} server @param {import('./rig.mjs').Ended | undefined} last */
function passed(name, server, last) {
  const prompt = [...server.prompts].reduce((sum, text) => sum + countTokens(text), 0)
  const tokens = prompt + server.tokens
  const wrong = []
  if (last !== undefined && (last.code !== 3 || !/budget/.test(last.stderr)))
    wrong.push(`ends ${last?.code}: ${last?.stderr.slice(-300)}`)
  if (name === 'requests' && server.asked > 16) wrong.push(`${server.asked} requests passed the limit of 16`)
  if (name === 'tokens' && tokens > 1500) wrong.push(`${tokens} tokens passed the limit of 1500`)
  if (name === 'cost' && tokens / 1000 > 1.5) wrong.push(`${tokens / 1000} passed the limit of 1.5`)
  if (server.asked < 5) wrong.push(`only ${server.asked} requests were sent`)
  return wrong
}
