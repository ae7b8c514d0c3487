/** A simulated prefill run: six fresh and three warm cells, a block each in random order. */
import type { Random } from '../../src/random/random.js'

const CELLS = [
  [128, 0],
  [294, 0],
  [676, 0],
  [1552, 0],
  [3566, 0],
  [8192, 0],
  [1024, 896],
  [2048, 1920],
  [8192, 8064],
] as const

export interface PrefillRun {
  readonly rows: { readonly columns: readonly number[][]; readonly y: readonly number[] }
  readonly blocks: readonly number[]
}

/** `law`: base ms, fresh and hit µs/token (= ms a thousand tokens). `noise`: a factor a request. */
export function prefillRun(options: {
  readonly law: readonly [number, number, number]
  readonly blocks: number
  readonly random: Random
  readonly noise: (random: Random, request: number) => number
}): PrefillRun {
  const { law, random, noise } = options
  const columns: number[][] = [[], [], []]
  const y: number[] = []
  const blocks: number[] = []
  for (let block = 0; block < options.blocks; block++) {
    for (const [prompt, cached] of random.shuffle(CELLS)) {
      const row = [1, (prompt - cached) / 1000, cached / 1000]
      for (const [j, value] of row.entries()) columns[j]!.push(value)
      y.push(row.reduce((sum, value, j) => sum + value * law[j]!, 0) * noise(random, y.length))
      blocks.push(block)
    }
  }
  return { rows: { columns, y }, blocks }
}
