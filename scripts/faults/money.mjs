// @ts-check
/** Caps on money under kills: runs and schedules killed, taken up again, two at once; the server's own count is the judge. */
import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { chat, enough, put, results, SNAPSHOT, start, startProgram, unsaved, within } from './rig.mjs'

// Most of a victim's life it waits: for the paced server that it calibrates against, and for tokens.
const WIDTH = 6
const KILLS_A_CHAIN = 5
const SCHEDULE = fileURLToPath(new URL('schedule-victim.mjs', import.meta.url))

/** @typedef {import('./rig.mjs').Chat} Chat @typedef {import('./rig.mjs').Ended} Ended @typedef {import('./rig.mjs').Started} Started */

/** What a server may say of its usage: no count, or not the truth. What is too low to be true frees no money either. */
const LIES = [
  { prompt_tokens: -1, completion_tokens: -1000 },
  '{"prompt_tokens":1e308,"completion_tokens":1e308}',
  '{"prompt_tokens":"NaN","completion_tokens":null}',
  undefined,
  { prompt_tokens: 0, completion_tokens: 0 },
  { prompt_tokens: 1, completion_tokens: 1 },
]

/** Each limit below what the plan would take; a token costs a thousandth. */
const LIMITS = [
  { name: 'requests', most: 40 },
  { name: 'tokens', most: 4000 },
  { name: 'cost', most: 4 },
]
const LOADS = ['concurrency: 1', 'concurrency: 4', 'rate: 60, maxInFlight: 6']

/** @typedef {{ kills: number, chains: number, requests: number, refused: number, nearest: number }} Tally */

/** @param {number} kills @param {() => number} random @returns {Promise<{ line: string, broken: string[] }>} */
export async function money(kills, random) {
  /** @type {Tally} */
  const tally = { kills: 0, chains: 0, requests: 0, refused: 0, nearest: 0 }
  /** @type {string[]} */
  const broken = []
  let next = 0
  // A victim may end before it is hit, so chains are begun until enough have been killed.
  const walk = async () => {
    while (tally.kills < kills && broken.length < 20 && !enough.isTrue) {
      const index = next++
      const draws = Array.from({ length: 3 * KILLS_A_CHAIN }, random)
      const found = await (index % 6 === 5 ? scheduled(index, draws, tally) : chained(index, draws, tally))
      broken.push(...found)
    }
  }
  await Promise.all(Array.from({ length: Math.min(WIDTH, kills) }, walk))
  return {
    line: `money: killed ${tally.kills} times in ${tally.chains} runs and schedules below limits of requests, tokens and money, one at a time, four at once and at a rate, with servers that lie about usage; ${tally.requests} requests by the servers' count, no limit passed (nearest ${(100 * tally.nearest).toFixed(0)} %); ${tally.refused} of two at once refused`,
    broken,
  }
}

/** @param {string} url @param {string} name @param {string} rest */
const scenario = (url, name, rest) => `name: ${name}
targets:
  - { name: t, baseUrl: '${url}', model: ${name}, tokenizer: o200k_base, price: { inputPerM: 1000, outputPerM: 1000 } }
probes:
  - { probe: prompt-length, promptTokens: [64, 128], outputTokens: 8, blocks: 200 }
warmup: { requests: 1 }
errorLimit: 100%
${rest}
`

/** What the server was made to work for. @param {Chat} server */
function spentBy(server) {
  const tokens = [...server.prompts].reduce((sum, text) => sum + countTokens(text), server.tokens)
  return { requests: server.asked, tokens, cost: tokens / 1000 }
}

/** A run below one limit, killed and taken up again, sometimes two at once. @param {number} index @param {number[]} draws @param {Tally} tally @returns {Promise<string[]>} */
function chained(index, draws, tally) {
  return within(async (path) => {
    const limit = LIMITS[index % LIMITS.length] ?? fail()
    const lie = LIES[index % LIES.length]
    const load = LOADS[Math.floor(index / LIMITS.length) % LOADS.length]
    const server = await chat({ gapMs: 2, usage: () => lie })
    try {
      put(
        path,
        's.yaml',
        scenario(server.url, 's', `load: { ${load} }\nbudget: { ${limit.name}: ${limit.most} }`),
      )
      /** @type {string[]} */
      const wrong = []
      for (let i = 0; i < KILLS_A_CHAIN; i++) {
        const [when = 0, early = 0, both = 0] = draws.slice(3 * i)
        const flags = () => (unsaved(path).length > 0 ? ['--resume'] : [])
        const victims = Array.from({ length: both < 0.25 ? 2 : 1 }, () =>
          start(['run', 's.yaml', ...flags()], path),
        )
        // Most are hit while money is spent, some while they start or calibrate.
        if (early > 0.15) await untilAsked(server, victims)
        await sleep(when * (early > 0.15 ? 250 : 1200))
        const ended = await killAll(victims, tally)
        if (ended.some(({ code }) => code === 3)) break
        // Killed in its last moment: what it had to do was done, and another run would spend anew.
        if (results(path, SNAPSHOT).length > 0) break
      }
      // Left alone, two at once: one goes on to its limit, the other is refused.
      const last =
        unsaved(path).length > 0
          ? await Promise.all([1, 2].map(() => start(['run', 's.yaml', '--resume'], path).ended))
          : []
      tally.refused += last.filter(({ code }) => code === 2).length
      for (const { code, signal, stderr } of last)
        if (!(code === 2 || (code === 3 && /budget/.test(stderr))))
          wrong.push(`ends ${code ?? signal}: ${stderr.slice(-300)}`)
      if (last.length > 0 && !last.some(({ code }) => code === 3))
        wrong.push(`both were refused: ${last.map(({ stderr }) => stderr.slice(-300)).join(' | ')}`)
      wrong.push(...judge(spentBy(server), limit, tally))
      return wrong.map((each) => `run ${index} (${limit.name}, ${load}): ${each}`)
    } finally {
      server.close()
    }
  })
}

const CAP = 6
const BUDGET = 0.6

/** Two scenarios that may run at once, on a cron expression, below one cap a day or a month. @param {number} index @param {number[]} draws @param {Tally} tally @returns {Promise<string[]>} */
function scheduled(index, draws, tally) {
  return within(async (path) => {
    const lie = LIES[index % LIES.length]
    const server = await chat({ gapMs: 2, usage: () => lie })
    try {
      for (const name of ['a', 'b'])
        put(
          path,
          `${name}.yaml`,
          scenario(server.url, name, `budget: { cost: ${BUDGET} }\nschedule: { cron: '* * * * *' }`),
        )
      const cap = Math.floor(index / 6) % 2 === 0 ? 'perDay' : 'perMonth'
      // One clock for all of them: to a restart it has gone on.
      const startedMs = String(Date.now())
      const begin = () => startProgram(SCHEDULE, [cap, String(CAP), startedMs], path, {}, 300_000)
      /** @type {string[]} */
      const wrong = []
      for (let i = 0; i < KILLS_A_CHAIN; i++) {
        const [when = 0, early = 0, both = 0] = draws.slice(3 * i)
        const victims = Array.from({ length: both < 0.25 ? 2 : 1 }, begin)
        if (early > 0.15) await untilAsked(server, victims)
        await sleep(when * (early > 0.15 ? 400 : 1200))
        await killAll(victims, tally)
      }
      // Two at once: one goes on until its cap stops it, the other finds the folder held, or free again where it came late.
      const last = await Promise.all([1, 2].map(() => begin().ended))
      tally.refused += last.filter(({ code }) => code === 2).length
      const [kept, ...others] = last.filter(({ code }) => code !== 2)
      if (kept?.code !== 0)
        wrong.push(
          `ends ${kept?.code ?? kept?.signal}: ${last.map(({ stderr }) => stderr.slice(-300)).join(' | ')}`,
        )
      else {
        const { spent } = JSON.parse(kept.stdout)
        if (spent > CAP) wrong.push(`the ledger holds ${spent} of ${CAP}`)
        if (spent < spentBy(server).cost)
          wrong.push(`the ledger holds ${spent}, the server counted ${spentBy(server).cost}`)
      }
      for (const other of others)
        if (other.code !== 0) wrong.push(`ends ${other.code ?? other.signal}: ${other.stderr.slice(-300)}`)
        else if (kept?.code === 0 && overlap(kept.stdout, other.stdout))
          wrong.push('two schedules held one folder at a time')
      wrong.push(...judge(spentBy(server), { name: 'cost', most: CAP }, tally))
      return wrong.map((each) => `schedule ${index} (${cap}): ${each}`)
    } finally {
      server.close()
    }
  })
}

/** Whether two schedules held their folder at one time, by what they say. @param {string} one @param {string} other */
function overlap(one, other) {
  const [a, b] = [JSON.parse(one), JSON.parse(other)]
  return a.heldFromMs < b.heldToMs && b.heldFromMs < a.heldToMs
}

/** @param {{ requests: number, tokens: number, cost: number }} spent @param {{ name: string, most: number }} limit @param {Tally} tally @returns {string[]} */
function judge(spent, { name, most }, tally) {
  const value = Reflect.get(spent, name)
  tally.chains++
  tally.requests += spent.requests
  tally.nearest = Math.max(tally.nearest, value / most)
  if (value > most) return [`${value} by the server's count passed the limit of ${most} ${name}`]
  return spent.requests < 5 ? [`only ${spent.requests} requests were sent`] : []
}

/** @param {Chat} server @param {readonly Started[]} victims */
async function untilAsked(server, victims) {
  const before = server.asked
  const state = { isOver: false }
  void Promise.all(victims.map(({ ended }) => ended)).then(() => (state.isOver = true))
  while (!state.isOver && server.asked === before) await sleep(3)
}

/** @param {readonly Started[]} victims @param {Tally} tally @returns {Promise<Ended[]>} */
async function killAll(victims, tally) {
  for (const { child } of victims) child.kill('SIGKILL')
  const ended = await Promise.all(victims.map((each) => each.ended))
  tally.kills += ended.filter(({ signal }) => signal === 'SIGKILL').length
  return ended
}

/** @returns {never} */
function fail() {
  throw new Error('no such limit')
}
