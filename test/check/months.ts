/** Simulated months, seed after seed: what befell the program in them, and every rule that did not hold, with its seed. */
import { liveMonth } from '../virtual/month.js'
import type { Month } from '../virtual/month.js'
import { DAYS } from '../virtual/setting.js'
import type { Batch, Check } from './check.js'
import { batches } from './check.js'

const SEEDS_A_JOB = 5

export const check: Check<Batch, Month[]> = {
  jobs: (repeats) => batches(repeats, SEEDS_A_JOB),
  async work({ from, to }) {
    const months: Month[] = []
    for (let seed = from; seed < to; seed++) months.push(await liveMonth(seed))
    return months
  },
  report(results) {
    const months = results.flat()
    const total = (of: (month: Month) => number): string =>
      months.reduce((sum, month) => sum + of(month), 0).toLocaleString('en')
    const kinds = [...new Set(months.flatMap(({ faults }) => Object.keys(faults)))].sort()
    const faults = kinds.map((kind) => `${kind} ${total((month) => month.faults[kind] ?? 0)}`)
    return {
      lines: [
        `${months.length} months of ${DAYS} days, ${total(({ runs }) => runs)} runs, ${total(({ requests }) => requests)} requests`,
        `met on the way: ${faults.join(', ')}`,
      ],
      broken: months.flatMap(({ seed, broken }) =>
        [...new Set(broken)].map((line) => `seed ${seed}: ${line} (npm run check:months -- --seed ${seed})`),
      ),
    }
  },
  async replay(seed) {
    const { broken } = await liveMonth(seed, { log: (line) => process.stdout.write(`${line}\n`) })
    return [...broken]
  },
}
