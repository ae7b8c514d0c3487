/** Held-out prompt lengths on idle engines, composed from kernel times that others measured. */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { fitCurves } from '../../src/curve/fit-curves.js'
import { predict } from '../../src/curve/predict.js'
import { createRandom } from '../../src/random/random.js'
import { sample } from './simulated-run.js'

const DATA = fileURLToPath(new URL('../../../shared/data/llmservingsim-kernel-profiles/', import.meta.url))
const present = existsSync(DATA)

const CHUNK = 2048 // tokens that an engine prefills in one step
const FRONT_END_MS = 20 // HTTP, tokenizer and scheduler, in none of the kernels
const DENSE = [
  'act_fn',
  'down_proj',
  'gate_up_proj',
  'o_proj',
  'qkv_proj',
  'rotary_emb',
  'layernorm',
  'layernorm',
]

/** Prefill of n tokens, chunk by chunk, milliseconds. */
function prefillMs(profile: string, layers: number): (n: number) => number {
  const rows = (kind: string): string[][] =>
    readFileSync(`${DATA}${profile}.${kind}.csv`, 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.split(','))
  const prefills = rows('attention').filter(([, , decodes]) => decodes === '0')
  const attention = new Map(prefills.map(([chunk, before, , , us]) => [`${chunk}/${before}`, Number(us)]))
  const dense = new Map(rows('dense').map(([layer, tokens, us]) => [`${layer}/${tokens}`, Number(us)]))
  const attentionUs = (chunk: number, before: number): number =>
    attention.get(`${chunk}/${before}`) ??
    // Measured before 4,096 and 8,192 tokens, and linear in them.
    (attentionUs(chunk, 4096) * (8192 - before) + attentionUs(chunk, 8192) * (before - 4096)) / 4096
  return (n) => {
    let us = 0
    for (let before = 0; before < n; before += CHUNK) {
      const chunk = Math.min(CHUNK, n - before)
      const kernels = DENSE.reduce(
        (sum, layer) => sum + dense.get(`${layer}/${chunk}`)!,
        attentionUs(chunk, before),
      )
      us += layers * kernels + dense.get(`embedding/${chunk}`)!
    }
    return FRONT_END_MS + us / 1000
  }
}

const name = `kernel profiles${present ? '' : ` (skipped: ${DATA} is absent)`}`
describe.skipIf(!present)(name, () => {
  test.each([
    ['RTX4090_meta-llama_Llama-3.1-8B_bf16_tp1', 32],
    ['RTXPRO6000_Qwen_Qwen3-32B_bf16_tp2', 64],
    ['RTXPRO6000_meta-llama_Llama-3.1-8B_bf16_tp1', 32],
  ])(
    '%s: four held-out lengths are predicted within 5 % on average, from a curve of four others',
    (profile, layers) => {
      const msOf = prefillMs(profile, layers)
      const random = createRandom(profile)
      const samples = Array.from({ length: 20 }, (_, block) =>
        random.shuffle([128, 512, 2048, 8192]).map((promptTokens, i) =>
          sample({
            block,
            atMs: block * 1000 + i,
            cell: String(promptTokens),
            asked: {
              promptTokens,
              prefixTokens: 0,
              outputTokens: 16,
              cache: 'fresh',
              concurrency: 1,
              rate: null,
              connection: 'reused',
            },
            promptTokens,
            outputTokens: 16,
            cachedTokens: 0,
            ttft: msOf(promptTokens) * Math.exp(0.01 * random.normal()),
            tpot: null,
          }),
        ),
      ).flat()
      const { curves } = fitCurves(samples, { random, resamples: 199 })
      expect(curves[0]?.parameters['curve']?.low).toBeGreaterThan(0)
      const errors = [256, 1024, 4096, 6144].map((promptTokens) => {
        const { ttft } = predict(curves, { promptTokens, cachedTokens: 0, outputTokens: 16, concurrency: 1 })
        return 'ms' in ttft ? Math.abs(ttft.ms / msOf(promptTokens) - 1) : Infinity
      })
      expect(errors.reduce((sum, error) => sum + error, 0) / errors.length).toBeLessThan(0.05)
    },
  )
})
