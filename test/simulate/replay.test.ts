import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { PHASE_NAMES } from '../../src/simulate/job.js'
import type { VirtualRequest } from '../../src/simulate/virtual-request.js'
import { runVirtual } from '../../src/simulate/virtual.js'
import { profileOf } from './virtual.js'

/** Arrivals of real services. Not part of this project. */
const DATA = fileURLToPath(new URL('../../../shared/data/', import.meta.url))
const AZURE = `${DATA}azure-llm-2023/AzureLLMInferenceTrace_`
const MOONCAKE = `${DATA}mooncake-fast25/`

/** Azure's production traces of 2023 (Patel et al. 2024, Splitwise): when, and how many tokens in and out. */
function azure(name: string): VirtualRequest[] {
  const [, ...lines] = readFileSync(`${AZURE}${name}.csv`, 'utf8').trimEnd().split(/\r?\n/)
  const rows = lines.map((line) => {
    const [when = '', promptTokens, outputTokens] = line.split(',')
    return {
      atMs: Date.parse(`${when.replace(' ', 'T').slice(0, 23)}Z`),
      promptTokens: Number(promptTokens),
      outputTokens: Number(outputTokens),
    }
  })
  return fromStart(rows)
}

interface MooncakeRow {
  timestamp: number
  input_length: number
  output_length: number
  hash_ids: number[]
}

/** Mooncake's traces (Qin et al., FAST 2025): also which blocks of 512 tokens a prompt shares with others. */
function mooncake(name: string): VirtualRequest[] {
  const lines = readFileSync(`${MOONCAKE}${name}_trace.jsonl`, 'utf8').trimEnd().split('\n')
  const rows = lines.map((line) => {
    const row = JSON.parse(line) as MooncakeRow
    const whole = Math.floor(row.input_length / 512)
    return {
      atMs: row.timestamp,
      promptTokens: row.input_length,
      outputTokens: row.output_length,
      hashes: row.hash_ids.slice(0, whole).map((id) => id + 1),
    }
  })
  return fromStart(rows)
}

function fromStart(rows: (Omit<VirtualRequest, 'arrivalMs'> & { atMs: number })[]): VirtualRequest[] {
  const sorted = rows.toSorted((a, b) => a.atMs - b.atMs)
  const firstMs = sorted[0]!.atMs
  return sorted
    .filter(({ promptTokens, outputTokens }) => promptTokens > 0 && outputTokens > 0)
    .map(({ atMs, ...request }) => ({ arrivalMs: atMs - firstMs, ...request }))
}

/** Mooncake's blocks, and a pool of the usual 400,000 tokens in each of eight replicas. */
const LONG = { replicas: 8, blockTokens: 512, kvBlocks: 781, cacheStepTokens: 512, affinityTokens: 1024 }

const traces = [
  {
    name: 'azure-llm-2023 code',
    file: `${AZURE}code.csv`,
    read: () => azure('code'),
    model: '8b-h100',
    set: {},
  },
  // One replica that is busy with it: a batch of more than 32.
  {
    name: 'azure-llm-2023 conv',
    file: `${AZURE}conv.csv`,
    read: () => azure('conv'),
    model: '70b-h100x4',
    set: { slowness: 1.2 },
  },
  {
    name: 'mooncake-fast25 conversation',
    file: `${MOONCAKE}conversation_trace.jsonl`,
    read: () => mooncake('conversation'),
    model: '8b-h100',
    set: LONG,
  },
  {
    name: 'mooncake-fast25 synthetic',
    file: `${MOONCAKE}synthetic_trace.jsonl`,
    read: () => mooncake('synthetic'),
    model: '8b-h100',
    set: LONG,
  },
]

for (const { name, file, read, model, set } of traces) {
  it.skipIf(!existsSync(file))(`a replay of ${name} conserves tokens and milliseconds`, () => {
    const asked = read().filter(({ promptTokens, outputTokens }) => promptTokens + outputTokens <= 131_072)
    const profile = profileOf(model, set)
    const began = process.cpuUsage()
    const { outcomes, load, endMs } = runVirtual({ profile, incidents: [], seed: 1 }, asked)
    const { user, system } = process.cpuUsage(began)
    const cpuS = (user + system) / 1e6
    const cached = outcomes.reduce((sum, { cachedTokens }) => sum + cachedTokens, 0)
    const input = asked.reduce((sum, { promptTokens }) => sum + promptTokens, 0)
    console.table({
      [name]: {
        requests: asked.length,
        'simulated, s': Math.round(endMs / 1000),
        'CPU, s': Number(cpuS.toFixed(2)),
        'steps a CPU second': Math.round(load.steps / cpuS),
        'mean batch': Number((load.stepSequences / load.steps).toFixed(1)),
        'cached, %': Number(((100 * cached) / input).toFixed(1)),
        preemptions: load.preemptions,
      },
    })
    expect(outcomes).toHaveLength(asked.length)
    for (const { phases, e2eMs } of outcomes) {
      const ns = PHASE_NAMES.reduce((sum, phase) => sum + Math.round(phases[phase] * 1e6), 0)
      expect(ns).toBe(Math.round(e2eMs * 1e6))
    }
    expect(load.decodedTokens).toBe(asked.reduce((sum, { outputTokens }) => sum + outputTokens, 0))
    // What is computed again after a preemption comes on top.
    if (load.preemptions === 0) expect(load.prefilledTokens + load.cachedTokens).toBe(input)
    else expect(load.prefilledTokens + load.cachedTokens).toBeGreaterThan(input)
  })
}
