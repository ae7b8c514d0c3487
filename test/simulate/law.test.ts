import { describe, expect, it } from 'vitest'
import { PHASE_NAMES } from '../../src/simulate/job.js'
import { parseSetting, PROFILE_NAMES, resolveProfile } from '../../src/simulate/profiles.js'
import { profileOf, runVirtual } from './virtual.js'

const law = { base: 37.5, fresh: 210, hit: 11, curve: 3, tpot: 6.3, perContext: 40 }

describe('the exact profile', () => {
  it('answers after base + fresh·210 µs + 3 ns·fresh², then every tpot + 40 ns·context, without noise', () => {
    const [answer] = runVirtual(profileOf('exact', law), [
      { arrivalMs: 11, promptTokens: 1000, outputTokens: 3 },
    ])
    const ttftMs = 37.5 + 210 + 3
    expect(answer!.ttftMs).toBeCloseTo(ttftMs, 9)
    const second = 11 + ttftMs + 6.3 + 0.04 * 1.001
    expect(answer!.tokenMs[1]).toBeCloseTo(second, 9)
    expect(answer!.tokenMs[2]).toBeCloseTo(second + 6.3 + 0.04 * 1.002, 9)
  })

  it('charges hit·cached for what an earlier answer left in the cache, in whole blocks', () => {
    const ask = { promptTokens: 1000, family: 3 }
    const [, warm] = runVirtual(profileOf('exact', law), [ask, { ...ask, arrivalMs: 1000 }])
    expect(warm!.cachedTokens).toBe(992)
    expect(warm!.ttftMs).toBeCloseTo(37.5 + 8 * 0.21 + 64e-6 * 3 + 992 * 0.011, 9)
  })

  it('a request in flight does not warm its twin: the cache fills when the first token comes', () => {
    const ask = { promptTokens: 1000, family: 3 }
    const [, twin] = runVirtual(profileOf('exact', law), [ask, { ...ask, arrivalMs: 1 }])
    expect(twin!.cachedTokens).toBe(0)
  })

  it('k requests in flight add ttftPerPeer·(k−1) and tpotPerPeer·(k−1), to each of a burst alike', () => {
    const peers = { ttftPerPeer: 4, tpotPerPeer: 0.5, tpot: 5, base: 20, fresh: 0 }
    const burst = Array.from({ length: 8 }, (_, i) => ({ arrivalMs: i, promptTokens: 100, outputTokens: 40 }))
    const answers = runVirtual(profileOf('exact', peers), burst)
    for (const { ttftMs, tokenMs } of answers) {
      expect(ttftMs).toBeCloseTo(20 + 4 * 7, 9)
      expect(tokenMs[1]! - tokenMs[0]!).toBeCloseTo(5 + 0.5 * 7, 9)
    }
  })

  it('counts reasoning before the answer in a phase of its own', () => {
    const [answer] = runVirtual(profileOf('exact'), [
      { promptTokens: 10, outputTokens: 30, reasoningTokens: 10 },
    ])
    expect(answer!.phases.reasoning).toBeCloseTo(50, 6)
    expect(answer!.phases.decode).toBeCloseTo(95, 6)
  })
})

describe('the hosted profiles', () => {
  const requests = Array.from({ length: 600 }, (_, i) => ({
    arrivalMs: i * 60_000,
    promptTokens: 200,
    outputTokens: 20,
  }))

  it('have a median base of 450 ms: base, gateway, and a queue of median 80 ms with σ 1.1', () => {
    const answers = runVirtual(profileOf('hosted-frontier', { stallShare: 0 }), requests)
    const sorted = answers.map(({ ttftMs }) => ttftMs - 200 * 0.045).toSorted((a, b) => a - b)
    expect(sorted[300]).toBeGreaterThan(425)
    expect(sorted[300]).toBeLessThan(475)
    const logs = answers.map(({ phases }) => Math.log(phases.queue))
    const mean = logs.reduce((sum, x) => sum + x, 0) / logs.length
    expect(Math.exp(mean)).toBeGreaterThan(70)
    expect(Math.exp(mean)).toBeLessThan(91)
    const sigma = Math.sqrt(logs.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (logs.length - 1))
    expect(sigma).toBeGreaterThan(1)
    expect(sigma).toBeLessThan(1.2)
  })

  it('serve from the cache from 1024 tokens up, in steps of 128, and miss 17 % of what they could', () => {
    const profile = profileOf('hosted-frontier', { stallShare: 0 })
    const pairs = Array.from({ length: 400 }, (_, i) => i).flatMap((i) => [
      { arrivalMs: i * 60_000, promptTokens: 1235, family: i + 1 },
      { arrivalMs: i * 60_000 + 20_000, promptTokens: 1235, family: i + 1 },
    ])
    const cached = runVirtual(profile, pairs)
      .filter((_, i) => i % 2 === 1)
      .map(({ cachedTokens }) => cachedTokens)
    const misses = cached.filter((tokens) => tokens === 0).length
    expect(new Set(cached)).toEqual(new Set([0, 1152]))
    expect(misses / cached.length).toBeGreaterThan(0.11)
    expect(misses / cached.length).toBeLessThan(0.23)
    const short = { promptTokens: 1023, family: 9_999 }
    expect(runVirtual(profile, [short, { ...short, arrivalMs: 20_000 }])[1]!.cachedTokens).toBe(0)
  })

  it('forget a prefix that was idle for longer than its lifetime', () => {
    const profile = profileOf('hosted-frontier', { cacheMissShare: 0, stallShare: 0 })
    const ask = { promptTokens: 2000, family: 7 }
    const answers = runVirtual(profile, [ask, { ...ask, arrivalMs: 400_000 }, { ...ask, arrivalMs: 900_000 }])
    expect(answers.map(({ cachedTokens }) => cachedTokens)).toEqual([0, 1920, 0])
  })

  it('stall .5 % of requests for 5 to 60 s, as interference in the truth', () => {
    const answers = runVirtual(profileOf('hosted-frontier', { stallShare: 0.05 }), requests)
    const stalled = answers.filter(({ phases }) => phases.interference > 1)
    expect(stalled.length).toBeGreaterThan(15)
    expect(stalled.length).toBeLessThan(50)
    expect(Math.min(...stalled.map(({ phases }) => phases.interference))).toBeGreaterThanOrEqual(5000)
  })

  it('phases add up to e2e to the nanosecond', () => {
    for (const { phases, e2eMs } of runVirtual(profileOf('hosted-reasoning'), requests)) {
      const ns = PHASE_NAMES.reduce((sum, name) => sum + Math.round(phases[name] * 1e6), 0)
      expect(ns).toBe(Math.round(e2eMs * 1e6))
    }
  })
})

describe('overrides', () => {
  it('are taken with and without their unit, for every constant of every profile', () => {
    for (const name of PROFILE_NAMES) {
      const { constants } = profileOf(name)
      for (const [key, value] of Object.entries(constants)) {
        const other =
          typeof value === 'number' ? (value === 0 ? 1 : value) : Array.isArray(value) ? value : !value
        const short = key.replace(/(?:Ms|Us|Ns)$/, '')
        const full = resolveProfile(name, { [key]: other })
        expect(full, `${name}.${key}`).toMatchObject({ ok: true, profile: { constants: { [key]: other } } })
        expect(resolveProfile(name, { [short]: other })).toEqual(full)
      }
    }
  })

  it.each([
    [{ bas: 3 }, "exact has no constant 'bas' (did you mean 'base'?)"],
    [{ base: -1 }, 'baseMs: '],
    [{ base: 'fast' }, 'baseMs: '],
    [{ cacheMissShare: 1.5 }, 'cacheMissShare: '],
  ])('%j are refused and the problem names the constant', (overrides, start) => {
    const resolved = resolveProfile('exact', overrides)
    expect(resolved.ok ? [] : resolved.problems.map((text) => text.slice(0, start.length))).toEqual([start])
  })

  it('come from text as numbers, booleans and words', () => {
    const texts = ['base=37.5', 'earlyHeaders=false', 'x=y=z', 'none']
    const read = [['base', 37.5], ['earlyHeaders', false], ['x', 'y=z'], undefined]
    expect(texts.map(parseSetting)).toEqual(read)
  })
})
