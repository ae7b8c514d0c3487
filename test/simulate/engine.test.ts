import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRandom } from '../../src/random/random.js'
import { createEngine, createSequence } from '../../src/simulate/engine-state.js'
import { enqueue, isIdle, step } from '../../src/simulate/engine.js'
import { PHASE_NAMES, type Phases } from '../../src/simulate/job.js'
import { profileOf, runVirtual, type VirtualRequest } from './virtual.js'

/** SIMULATOR.md's last row: idle TTFT of fresh prompts, ms. */
const IDLE_TTFT = {
  '8b-a100': { 512: 51, 2048: 157, 8192: 635, 32768: 3189 },
  '8b-h100': { 512: 23, 2048: 57, 8192: 220, 32768: 1135 },
  '70b-h100x4': { 512: 45, 2048: 133, 8192: 525, 32768: 2393 },
}

function phaseNs(phases: Phases): number {
  return PHASE_NAMES.reduce((sum, name) => sum + Math.round(phases[name] * 1e6), 0)
}

function gaps(times: readonly number[]): number[] {
  return times.slice(1).map((ms, i) => ms - times[i]!)
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!
}

describe('idle TTFT', () => {
  for (const [name, table] of Object.entries(IDLE_TTFT)) {
    it(`of ${name} is within 3 % of the published table at 512, 2k, 8k and 32k`, () => {
      const rows = Object.entries(table).map(([length, wantedMs]) => {
        const promptTokens = Number(length)
        const runs = [1, 2, 3].map((seed) => runVirtual(profileOf(name), [{ promptTokens }], seed)[0]!.ttftMs)
        return { profile: name, promptTokens, wantedMs, ttftMs: Number(median(runs).toFixed(1)) }
      })
      console.table(rows)
      for (const { ttftMs, wantedMs } of rows) expect(Math.abs(ttftMs / wantedMs - 1)).toBeLessThan(0.03)
    })
  }
})

const still = { noise: 0 }

describe('the shapes of real engines', () => {
  it('TTFT is a staircase: 2049 tokens cost a second step with its weights', () => {
    const profile = profileOf('8b-h100', still)
    const at = (promptTokens: number): number => runVirtual(profile, [{ promptTokens }])[0]!.ttftMs
    const smooth = at(2048) - at(2047)
    const stair = at(2049) - at(2048)
    expect(smooth).toBeLessThan(0.1)
    expect(stair).toBeGreaterThan(5.6)
  })

  it("a long prefill stretches others' inter-token time in every one of its 4 chunks, and no longer", () => {
    const [decoding] = runVirtual(profileOf('8b-h100', still), [
      { promptTokens: 100, outputTokens: 120 },
      { arrivalMs: 300, promptTokens: 8000, outputTokens: 1 },
    ])
    const slow = gaps(decoding!.tokenMs).filter((ms) => ms > 20)
    expect(slow).toHaveLength(4)
    expect(decoding!.phases.interference).toBeGreaterThan(100)
  })

  it('queueing begins at maxSequences: the 5th of 4 waits for a place', () => {
    const profile = profileOf('8b-h100', { ...still, maxSequences: 4 })
    const requests = Array.from({ length: 5 }, () => ({ promptTokens: 64, outputTokens: 50 }))
    const answers = runVirtual(profile, requests)
    expect(answers.slice(0, 4).map(({ phases }) => phases.queue)).toEqual([0, 0, 0, 0])
    expect(answers[4]!.phases.queue).toBeGreaterThan(49 * 5.6)
  })

  it('under overload at least 95 % of the variance of TTFT is queueing', () => {
    const random = createRandom('overload')
    let arrivalMs = 0
    const requests = Array.from({ length: 1500 }, () => {
      arrivalMs += random.exponential() * 8
      return { arrivalMs, promptTokens: 200 + random.int(800), outputTokens: 100 }
    })
    const answers = runVirtual(profileOf('8b-h100', { maxSequences: 64 }), requests)
    const variance = (values: number[]): number => {
      const mean = values.reduce((sum, x) => sum + x, 0) / values.length
      return values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length
    }
    const all = variance(answers.map(({ ttftMs }) => ttftMs))
    const rest = variance(answers.map(({ ttftMs, phases }) => ttftMs - phases.queue))
    expect(1 - rest / all).toBeGreaterThan(0.95)
  })

  it('a warm prefix saves the time of exactly the blocks that it shares', () => {
    const profile = profileOf('8b-h100', still)
    const [cold, warm] = runVirtual(profile, [
      { promptTokens: 4000, family: 1 },
      { arrivalMs: 1000, promptTokens: 4000, family: 1 },
    ])
    const [short] = runVirtual(profile, [{ promptTokens: 16 }])
    // 4000 tokens are 250 whole blocks; the last one is computed again, for the last token.
    expect(warm!.cachedTokens).toBe(3984)
    expect(cold!.cachedTokens).toBe(0)
    expect(warm!.ttftMs).toBeCloseTo(short!.ttftMs + warm!.phases.prefillCached, 6)
    expect(warm!.phases.prefillCached).toBeCloseTo(0.7e-6 * 16 * 3984, 6)
  })

  it('the cache forgets the end of the prompt that was used longest ago when blocks run out', () => {
    const profile = profileOf('8b-h100', { ...still, kvBlocks: 250 })
    const ask = (arrivalMs: number, family: number): VirtualRequest => ({
      arrivalMs,
      family,
      promptTokens: 1600,
    })
    // 250 blocks: two prompts of 100 and 50 never used. The third takes those and the last 50 of the second.
    const answers = runVirtual(profile, [
      ask(0, 1),
      ask(500, 2),
      ask(1000, 1),
      ask(1500, 3),
      ask(2000, 1),
      ask(2500, 2),
    ])
    expect(answers.map(({ cachedTokens }) => cachedTokens)).toEqual([0, 0, 1584, 0, 1584, 800])
  })

  it('the youngest is preempted when KV runs out, recomputed, and ends with all of its tokens', () => {
    const profile = profileOf('8b-h100', { ...still, kvBlocks: 40 })
    const answers = runVirtual(profile, [
      { promptTokens: 200, outputTokens: 200 },
      { arrivalMs: 1, promptTokens: 200, outputTokens: 200 },
      { arrivalMs: 2, promptTokens: 160, outputTokens: 200 },
    ])
    expect(answers[0]!.preemptions).toBe(0)
    expect(answers[1]!.preemptions + answers[2]!.preemptions).toBeGreaterThan(0)
    expect(answers.map(({ tokenMs }) => tokenMs.length)).toEqual([200, 200, 200])
    const preempted = answers.find(({ preemptions }) => preemptions > 0)!
    expect(preempted.phases.interference).toBeGreaterThan(50)
  })

  it('a slow replica scales prefill and decode, and not the front end', () => {
    const ask = [{ promptTokens: 2000, outputTokens: 20 }]
    const [normal] = runVirtual(profileOf('8b-h100', still), ask)
    const [slow] = runVirtual(profileOf('8b-h100', { ...still, slowness: 2 }), ask)
    expect(slow!.e2eMs - 9).toBeCloseTo(2 * (normal!.e2eMs - 9), 6)
  })
})

const request = fc.record({
  arrivalMs: fc.integer({ min: 0, max: 400 }),
  promptTokens: fc.integer({ min: 1, max: 900 }),
  outputTokens: fc.integer({ min: 1, max: 60 }),
  reasoningTokens: fc.integer({ min: 0, max: 20 }),
  family: fc.integer({ min: 1, max: 4 }),
})

describe('whatever the load', () => {
  it('milliseconds are conserved: no phase is negative and they add up to e2e to the nanosecond', () => {
    const constants = fc.record({
      kvBlocks: fc.integer({ min: 61, max: 400 }),
      maxBatchedTokens: fc.constantFrom(64, 256, 2048),
      maxSequences: fc.integer({ min: 1, max: 16 }),
      slowness: fc.constantFrom(1, 1.5),
      noise: fc.constantFrom(0, 0.05),
    })
    fc.assert(
      fc.property(constants, fc.array(request, { minLength: 1, maxLength: 25 }), (overrides, asked) => {
        // Reasoning is a part of the output.
        const requests = asked.map((r) => ({
          ...r,
          reasoningTokens: Math.min(r.reasoningTokens, r.outputTokens),
        }))
        const answers = runVirtual(profileOf('8b-h100', overrides), requests)
        answers.forEach((answer, i) => {
          expect(answer.tokenMs).toHaveLength(requests[i]!.outputTokens)
          expect(Math.min(...PHASE_NAMES.map((name) => answer.phases[name]))).toBeGreaterThanOrEqual(0)
          expect(phaseNs(answer.phases)).toBe(Math.round(answer.e2eMs * 1e6))
          expect(answer.tokenMs[0]! - requests[i]!.arrivalMs).toBeCloseTo(answer.ttftMs, 6)
        })
      }),
      { numRuns: 60 },
    )
  })

  it('tokens and blocks are conserved: each step computes what it books, and an idle pool is all free', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 61, max: 200 }),
        fc.array(request, { minLength: 1, maxLength: 25 }),
        (kvBlocks, asked) => {
          const profile = profileOf('8b-h100', { kvBlocks, noise: 0 })
          if (profile.kind !== 'engine') throw new Error('not an engine')
          const engine = createEngine(profile.constants, createRandom(1))
          const sequences = asked.map(({ promptTokens, outputTokens }, i) =>
            createSequence(i, promptTokens, outputTokens, new Float64Array(0)),
          )
          let worked = 0
          for (const sequence of sequences) enqueue(engine, sequence, 0)
          for (let nowMs = 0; !isIdle(engine);) {
            const durationMs = step(engine, nowMs)
            worked += engine.load.tokens
            nowMs += durationMs
            const held = engine.running.reduce((sum, { blocks }) => sum + blocks.length, 0)
            expect(held + engine.kv.free).toBe(kvBlocks)
          }
          const needed = sequences.reduce((sum, s) => sum + s.promptTokens + s.outputTokens - 1, 0)
          if (sequences.every(({ preemptions }) => preemptions === 0)) expect(worked).toBe(needed)
          else expect(worked).toBeGreaterThan(needed)
          expect(engine.kv.free).toBe(kvBlocks)
          expect(sequences.map(({ generated }) => generated)).toEqual(
            asked.map(({ outputTokens }) => outputTokens),
          )
        },
      ),
      { numRuns: 60 },
    )
  })

  it('the same seed gives the same times to the last digit, another seed others', () => {
    const requests = Array.from({ length: 50 }, (_, i) => ({
      arrivalMs: i * 7,
      promptTokens: 300,
      outputTokens: 20,
    }))
    const times = (seed: number): number[][] =>
      runVirtual(profileOf('8b-h100'), requests, seed).map(({ tokenMs }) => tokenMs)
    expect(times(5)).toEqual(times(5))
    expect(times(5)).not.toEqual(times(6))
  })
})
