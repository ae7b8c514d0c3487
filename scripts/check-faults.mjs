// @ts-check
/**
 * The campaign against the built program: calls that fail, kills, money, fuzzing, months, streams for a long time; each prints
 * one line of figures and what does not hold. `npm run check:faults -- --torture 60 --kills 100`; with `--only torture,kills`
 * only those. Ctrl-C ends it with the figures so far.
 */
import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { fileURLToPath } from 'node:url'
import { fuzz } from './faults/fuzz.mjs'
import { killsAtRandom, killsAtWrites } from './faults/kills.mjs'
import { money } from './faults/money.mjs'
import { months } from './faults/months.mjs'
import { enough, seeded } from './faults/rig.mjs'
import { soak } from './faults/soak.mjs'
import { torture } from './faults/torture.mjs'

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    torture: { type: 'string', default: '300' },
    kills: { type: 'string', default: '300' },
    money: { type: 'string', default: '1000' },
    fuzz: { type: 'string', default: '1000000' },
    months: { type: 'string', default: '1000' },
    streams: { type: 'string', default: '200' },
    minutes: { type: 'string', default: '10' },
    leak: { type: 'string', default: '0' },
    seed: { type: 'string', default: '20261124' },
  },
})

const root = fileURLToPath(new URL('../', import.meta.url))
/** @type {Record<string, () => Promise<{ line: string, broken: string[] }>>} */
const parts = {
  writes: killsAtWrites,
  kills: () => killsAtRandom(Number(values.kills), seeded(Number(values.seed))),
  money: () => money(Number(values.money), seeded(Number(values.seed))),
  torture: () => torture(Number(values.torture), Number(values.seed)),
  fuzz: () => fuzz({ inputs: Number(values.fuzz), seed: Number(values.seed) }),
  months: () => months(Number(values.months)),
  soak: () =>
    soak({
      streams: Number(values.streams),
      minutes: Number(values.minutes),
      leakKb: Number(values.leak),
    }),
}

const only = values.only?.split(',') ?? Object.keys(parts)
const stranger = only.find((name) => !(name in parts))
if (stranger !== undefined) {
  process.stderr.write(`--only ${stranger} is none of ${Object.keys(parts).join(', ')}\n`)
  process.exit(2)
}
const commit = spawnSync('git', ['rev-parse', '--short', 'HEAD'], {
  cwd: root,
  encoding: 'utf8',
}).stdout.trim()
console.log(`node ${process.version}, commit ${commit || 'none'}, ${new Date().toISOString().slice(0, 10)}`)
// A long campaign may be ended early: the part that runs tells what it has done, and the others are left out.
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM']))
  process.once(signal, () => (enough.isTrue = true))
let isGood = true
for (const name of only) {
  if (enough.isTrue) break
  const startedMs = performance.now()
  const found = await parts[name]?.()
  if (found === undefined) continue
  const seconds = Math.round((performance.now() - startedMs) / 1000)
  isGood &&= found.broken.length === 0
  console.log(`${found.broken.length === 0 ? 'good' : 'FAIL'}  ${found.line} (${seconds} s)`)
  for (const line of found.broken) console.log(`  does not hold: ${line}`)
}
process.exitCode = isGood ? 0 : 1
