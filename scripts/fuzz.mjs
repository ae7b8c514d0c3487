// @ts-check
/** Feeds the built readers with hostile input: `npm run fuzz -- --minutes 10`, or `--inputs 1000000`; `--seed N` for others. */
import { parseArgs } from 'node:util'
import { fuzz } from './faults/fuzz.mjs'

const { values } = parseArgs({
  options: { minutes: { type: 'string' }, inputs: { type: 'string' }, seed: { type: 'string' } },
})
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31))
const bounds =
  values.minutes === undefined
    ? { inputs: Number(values.inputs ?? 20_000) }
    : { minutes: Number(values.minutes) }
const { line, broken } = await fuzz({ ...bounds, seed })
console.log(`${broken.length === 0 ? 'good' : 'FAIL'}  ${line}`)
for (const each of broken) console.log(`  does not hold: ${each}`)
process.exitCode = broken.length === 0 ? 0 : 1
