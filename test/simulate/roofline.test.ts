import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { gemmMs } from '../../src/simulate/step-law.js'
import { profileOf } from './virtual.js'

/** Operator times by token count, from real A100 and H100 machines (Vidur, MIT). Not part of this project. */
const DATA = fileURLToPath(new URL('../../../shared/data/vidur-profiling/', import.meta.url))
const OPERATORS = ['attn_pre_proj', 'attn_post_proj', 'mlp_up_proj', 'mlp_down_proj']

interface Point {
  tokens: number
  ms: number
}

/** The matrix products of all layers by tokens in a step, for each file and tensor-parallel degree. */
function measured(): Map<string, Point[]> {
  const profiles = new Map<string, Point[]>()
  for (const file of readdirSync(DATA).filter((name) => name.endsWith('.mlp.csv'))) {
    const [head = '', ...lines] = readFileSync(DATA + file, 'utf8')
      .trimEnd()
      .split('\n')
    const column = (name: string): number => head.split(',').indexOf(name)
    const times = OPERATORS.map((operator) => column(`time_stats.${operator}.median`))
    const layers = /70b/i.test(file) ? 80 : 32
    for (const line of lines) {
      const cells = line.split(',')
      const tokens = Number(cells[column('num_tokens')])
      // A step carries 2048 tokens; beyond twice that no engine batches.
      if (tokens > 4096) continue
      const name = `${file.replace('.mlp.csv', '')} tp${cells[column('num_tensor_parallel_workers')]}`
      const ms = layers * times.reduce((sum, at) => sum + Number(cells[at]), 0)
      profiles.set(name, [...(profiles.get(name) ?? []), { tokens, ms }])
    }
  }
  return profiles
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!
}

function meanError(points: readonly Point[], predict: (tokens: number) => number): number {
  return points.reduce((sum, { tokens, ms }) => sum + Math.abs(predict(tokens) / ms - 1), 0) / points.length
}

it.skipIf(!existsSync(DATA))(
  'the smooth roofline, with w from the smallest and c from the largest steps, is within 8 % of real operator times',
  () => {
    const base = profileOf('8b-h100')
    if (base.kind !== 'engine') throw new Error('not an engine')
    const rows = [...measured()].map(([name, points]) => {
      const weightsMs = median(points.filter(({ tokens }) => tokens <= 8).map(({ ms }) => ms))
      const tokenUs =
        1000 * median(points.filter(({ tokens }) => tokens >= 3072).map(({ ms, tokens }) => ms / tokens))
      const constants = { ...base.constants, weightsMs, tokenUs }
      const smooth = meanError(points, (tokens) => gemmMs(constants, tokens))
      const knee = points.filter(
        ({ tokens }) => Math.abs(Math.log((tokens * tokenUs) / 1000 / weightsMs)) < 0.35,
      )
      const hard = meanError(knee, (tokens) => Math.max(weightsMs, (tokenUs * tokens) / 1000))
      const kneeError = meanError(knee, (tokens) => gemmMs(constants, tokens))
      const round = (x: number): number => Number((100 * x).toFixed(1))
      return {
        name,
        w: weightsMs.toFixed(2),
        c: tokenUs.toFixed(1),
        smooth: round(smooth),
        atKnee: round(kneeError),
        hardAtKnee: round(hard),
      }
    })
    console.table(rows)
    expect(rows).toHaveLength(16)
    const mean = rows.reduce((sum, { smooth }) => sum + smooth, 0) / rows.length
    expect(mean).toBeLessThan(8)
    expect(median(rows.map(({ atKnee }) => atKnee))).toBeLessThan(
      median(rows.map(({ hardAtKnee }) => hardAtKnee)),
    )
  },
)
