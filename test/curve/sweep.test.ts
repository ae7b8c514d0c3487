import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseSweep } from '../../src/curve/sweep-file.js'
import { fitSweep, holdOut, meanError, type SweepPoint } from '../../src/curve/sweep.js'
import { createRandom } from '../../src/random/random.js'

const LENGTHS = [128, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192]
/** 30 ms, 20 µs a token and 6e-4 µs a token²; decode 8 ms and .3 µs a token of context. */
const point = (promptTokens: number, factor = 1): SweepPoint => ({
  promptTokens,
  outputTokens: 64,
  ttftMs: factor * (30 + 0.02 * promptTokens + 0.6e-6 * promptTokens ** 2),
  tpotMs: factor * (8 + 0.0003 * (promptTokens + 32)),
})
const options = (seed: number) => ({ random: createRandom(seed), resamples: 99 })

test('a sweep with each length once gives the law that it was drawn from, each row a block', () => {
  const { curves, notes } = fitSweep(
    LENGTHS.map((length) => point(length)),
    options(1),
  )
  expect(notes).toEqual([])
  const [prefill, decode] = curves
  expect(prefill).toMatchObject({ target: 'sweep', law: 'prefill', blocks: 12, samples: 12 })
  expect(prefill?.parameters['base']?.value).toBeCloseTo(30, 3)
  expect(prefill?.parameters['fresh']?.value).toBeCloseTo(20, 3)
  expect(prefill?.parameters['curve']?.value).toBeCloseTo(0.0006, 7)
  expect(decode?.parameters['step']?.value).toBeCloseTo(8, 3)
  expect(decode?.parameters['perContext']?.value).toBeCloseTo(0.3, 3)
})

test('rows of one pass are one block', () => {
  const random = createRandom(2)
  const passes = Array.from({ length: 8 }, (_, i) =>
    LENGTHS.map((length) => ({ ...point(length, Math.exp(0.02 * random.normal())), pass: String(i) })),
  )
  const { curves } = fitSweep(passes.flat(), options(2))
  expect(curves[0]).toMatchObject({ blocks: 8, samples: 96 })
})

test('cached tokens tell hit', () => {
  const random = createRandom(3)
  const points = [...LENGTHS, ...LENGTHS].flatMap((length, i) => {
    const cachedTokens = i < LENGTHS.length || length < 512 ? 0 : length - 128
    const ttftMs =
      (30 + 0.02 * (length - cachedTokens) + 0.002 * cachedTokens) * Math.exp(0.01 * random.normal())
    return [{ promptTokens: length, cachedTokens, ttftMs }]
  })
  const hit = fitSweep(points, options(3)).curves[0]?.parameters['hit']
  expect(hit?.low).toBeLessThan(2)
  expect(hit?.high).toBeGreaterThan(2)
  expect(hit?.high).toBeLessThan(4)
})

describe('held out', () => {
  test('every third length but the last is predicted by the others, and none outside their range', () => {
    const held = holdOut(
      LENGTHS.map((length) => point(length)),
      3,
      options(4),
    )
    expect(held.map(({ promptTokens }) => promptTokens)).toEqual([384, 1024, 3072])
    expect(meanError(held)).toBeLessThan(1e-4)
  })

  test('a length is held against the median of its times, and what the law does not hold is told', () => {
    const points = [
      ...LENGTHS.map((length) => point(length)),
      ...[1.2, 1.2].map((factor) => point(1024, factor)),
    ]
    const off = holdOut(points, 3, options(5)).find(({ promptTokens }) => promptTokens === 1024)
    expect(off?.error).toBeCloseTo(1 - 1 / 1.2, 3)
  })
})

test('one length, and one pass alone, give notes and no curve', () => {
  const one = fitSweep([point(512), point(512)], options(6))
  expect(one.notes.map(({ law, kind }) => [law, kind])).toEqual([['prefill', 'one-length']])
  const alone = fitSweep(
    LENGTHS.map((length) => ({ ...point(length), pass: 'a' })),
    options(6),
  )
  expect(alone.curves).toEqual([])
  expect(alone.notes.map(({ kind }) => kind)).toEqual(['one-block', 'one-block'])
})

describe('a sweep file', () => {
  const points = (text: string) => {
    const parsed = parseSweep(text)
    if (!parsed.ok) throw new Error(`${parsed.line}: ${parsed.problem}`)
    return parsed.points
  }
  const wanted = { promptTokens: 128, cachedTokens: 64, outputTokens: 16, ttftMs: 46.5 }

  test.each([
    ['prompt_tokens,cached_tokens,output_tokens,ttft_ms\n128,64,16,46.5\n'],
    ['TTFT (ms);Prompt Tokens;gpu;cachedTokens;output-tokens\r\n46.5;128;H100;64;16\r\n'],
    ['\uFEFF"promptTokens"\t"cachedTokens"\t"outputTokens"\t"ttft"\n\n"128"\t"64"\t"16"\t"46.5"'],
    ['{"promptTokens":128,"cachedTokens":64,"outputTokens":16,"ttft":46.5,"gpu":{"name":"H100"}}'],
    ['note,"promptTokens",cachedTokens,outputTokens,ttft,ttft_p99\n"a ""b"", c",128,64,16,46.5,90\n'],
    ['promptTokens,cachedTokens,outputTokens,ttft\r"128","64","16","46.5"\r'],
    ['{"prompt_tokens":"128","cached_tokens":64,"output_tokens":16,"ttft_ms":46.5}\n'],
  ])('%j is one point', (text) => {
    expect(points(text)).toEqual([expect.objectContaining(wanted)])
  })

  test.each([
    ['', 1, /empty/],
    ['tokens,ms\n1,2', 1, /head must name promptTokens/],
    ['promptTokens,ttft', 1, /no line below the head/],
    ['promptTokens,ttft\n128,40\n256,-1', 3, /ttft '-1' is no number above 0/],
    ['promptTokens,ttft\n1,024,71.2', 2, /3 cells, the head has 2/],
    ['prompt_tokens,ttft,ttft_ms\n1,2,3', 1, /two columns are ttft/],
    ['{"promptTokens":1,"ttft":5,"ttft_ms":7}', 1, /ttft stands there twice/],
    ['[{"promptTokens":1,"ttft":2}]', 1, /no array/],
    ['promptTokens,ttft\n128,\n', 2, /neither ttft nor tpot/],
    ['promptTokens,ttft\n,3\n', 2, /promptTokens is missing/],
    ['promptTokens,cachedTokens,ttft\n128,128,40', 2, /leave nothing of promptTokens 128/],
    ['{"promptTokens":1,"ttft":2}\n{"promptTokens":1,', 2, /./],
    ['{"promptTokens":1,"ttft":2}\n[1]', 2, /./],
    ['{"asked":{"promptTokens":1},"promptTokens":1,"ttft":2}', 1, /sample of Plumbline itself/],
  ])('%j is refused by its line %i', (text, line, problem) => {
    expect(parseSweep(text)).toEqual({ ok: false, line, problem: expect.stringMatching(problem) })
  })

  test('any text is read or refused, and what is read has times above 0', () => {
    fc.assert(
      fc.property(fc.string(), (rest) => {
        const parsed = parseSweep(`promptTokens,ttft,tpot\n${rest}`)
        if (!parsed.ok) return
        for (const { promptTokens, ttftMs = 1, tpotMs = 1 } of parsed.points)
          expect(Math.min(promptTokens, ttftMs, tpotMs)).toBeGreaterThan(0)
      }),
    )
  })
})
