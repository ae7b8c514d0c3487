/** Held-out prompt lengths on idle engines, composed from kernel and layer times that others measured. */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { Curve } from '../../src/curve/curve.js'
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

/** Curves from twenty blocks of `lengths` at 1 % noise; mean |predicted ÷ true − 1| at `heldOut`. */
function heldOutError(
  seed: string,
  msOf: (n: number) => number,
  lengths: readonly number[],
  heldOut: readonly number[],
): { curves: Curve[]; error: number } {
  const random = createRandom(seed)
  const samples = Array.from({ length: 20 }, (_, block) =>
    random.shuffle(lengths).map((promptTokens, i) =>
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
  const errors = heldOut.map((promptTokens) => {
    const { ttft } = predict(curves, { promptTokens, cachedTokens: 0, outputTokens: 16, concurrency: 1 })
    return 'ms' in ttft ? Math.abs(ttft.ms / msOf(promptTokens) - 1) : Infinity
  })
  return { curves, error: mean(errors) }
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

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
      const { curves, error } = heldOutError(profile, msOf, [128, 512, 2048, 8192], [256, 1024, 4096, 6144])
      expect(curves[0]?.parameters['curve']?.low).toBeGreaterThan(0)
      expect(error).toBeLessThan(0.05)
    },
  )
})

const DENSE_DATA = fileURLToPath(new URL('../../../shared/data/vidur-profiling/', import.meta.url))
const LAYER = [
  ...['input_layernorm', 'attn_pre_proj', 'attn_rope', 'attn_post_proj', 'post_attention_layernorm'],
  ...['mlp_up_proj', 'mlp_act', 'mlp_down_proj', 'add'],
]

/** Of each number of GPUs, milliseconds of all dense layers by number of tokens; attention is in none of them. */
function denseMs(profile: string, layers: number): Map<string, Map<number, number>> {
  const [head = [], ...rows] = readFileSync(`${DENSE_DATA}${profile}.mlp.csv`, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(','))
  const column = (title: string): number => head.indexOf(title)
  const columns = LAYER.map((layer) => column(`time_stats.${layer}.median`))
  const byGpus = new Map<string, Map<number, number>>()
  for (const row of rows) {
    const gpus = row[column('num_tensor_parallel_workers')] ?? ''
    const ms = columns.reduce((sum, at) => sum + Number(row[at] ?? 0), 0) * layers
    const own = byGpus.get(gpus) ?? new Map<number, number>()
    byGpus.set(gpus, own.set(Number(row[column('num_tokens')]), FRONT_END_MS + ms))
  }
  return byGpus
}

const areDense = existsSync(DENSE_DATA)
describe.skipIf(!areDense)(`dense layers${areDense ? '' : ` (skipped: ${DENSE_DATA} is absent)`}`, () => {
  test.each([
    ['a100_meta-llama_Meta-Llama-3-8B', 32, 8192],
    ['a100_meta-llama_Meta-Llama-3-70B', 80, 8192],
    ['h100_meta-llama_Llama-2-7b-hf', 32, 4096],
    ['h100_meta-llama_Llama-2-70b-hf', 80, 4096],
  ])(
    '%s on 1, 2, 4 and 8 GPUs: lengths between are predicted within 5 % on average, from a curve of four',
    (profile, layers, longest) => {
      const errors = [...denseMs(profile, layers)].map(([gpus, times]) => {
        const measured = [...times.keys()]
        const nearest = (n: number): number =>
          measured.reduce((a, b) => (Math.abs(b - n) < Math.abs(a - n) ? b : a))
        const spaced = (count: number): number[] =>
          Array.from({ length: count }, (_, i) => nearest(128 * (longest / 128) ** (i / (count - 1))))
        const lengths = spaced(4)
        const heldOut = spaced(40).filter((n) => !lengths.includes(n))
        return heldOutError(`${profile} ${gpus}`, (n) => times.get(n)!, lengths, heldOut).error
      })
      expect(errors).toHaveLength(4)
      expect(mean(errors)).toBeLessThan(0.05)
    },
  )
})
