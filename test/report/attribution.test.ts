import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSummary } from '../../src/attribute/summary.js'
import { phaseBar, phaseText } from '../../src/report/attribution-bar.js'
import { attributionHtml } from '../../src/report/attribution-html.js'
import { attributionJson, summaryJson } from '../../src/report/attribution-json.js'
import { attributionMarkdown, attributionText } from '../../src/report/attribution-text.js'
import { attributionModel } from '../../src/report/attribution.js'
import type { AttributionInput } from '../../src/report/attribution.js'
import type { Attributed } from '../../src/attribute/paired.js'
import { phases, type Phases } from '../../src/span/causes.js'
import { attributed } from './attribution-data.js'

const counts = { seen: 0, spans: 0, other: 0, repeated: 0, folded: 0, synthetic: 0, faults: {} }

function model(all: readonly Attributed[], change: Partial<AttributionInput> = {}) {
  const summary = createSummary(['service', 'model'])
  for (const each of all) summary.add(each)
  return attributionModel({
    summary: summary.result(),
    counts: { ...counts, seen: all.length },
    baselines: new Map([['20261123T085000Z-9c1e', { scenario: 'shop', file: 'scenarios/shop.yaml' }]]),
    notes: [],
    ...change,
  })
}

describe('the bar', () => {
  it('fills its width exactly, each phase to within one letter of its share', () => {
    const share = fc.oneof(fc.constant(0), fc.double({ min: 0.001, max: 1e6, noNaN: true }))
    fc.assert(
      fc.property(
        fc.array(share, { minLength: 8, maxLength: 8 }),
        fc.integer({ min: 1, max: 120 }),
        (ms, width) => {
          const parts = Object.fromEntries(phases.map((name, i) => [name, ms[i]])) as Phases
          const bar = phaseBar(parts, width)
          expect(bar).toHaveLength(width)
          const total = ms.reduce((a, b) => a + b, 0)
          if (total === 0) return
          const letters = bar.split('').filter((letter) => letter === 'd').length
          expect(Math.abs(letters - (parts.decode / total) * width)).toBeLessThanOrEqual(1)
        },
      ),
    )
  })

  it('of the example: 42 of 2,340 ms are 1 letter of 74, the prefill 47, decode 26', () => {
    const { attribution } = attributed(0, 2340, 'cold-cache', {
      attribution: {
        phases: {
          ...attributed(0, 1, 'none').attribution.phases,
          network: 42,
          prefillFresh: 1480,
          decode: 818,
        },
      },
    })
    expect(phaseBar(attribution.phases, 74)).toBe('n' + 'p'.repeat(47) + 'd'.repeat(26))
    expect(phaseText(attribution.phases)).toBe('network 42, prefill 1,480, decode 818 ms')
  })
})

describe('sentences', () => {
  /** 1,000 calls, 50 of them slow: 30 long prompts, 11 cold, 4 of a changed route, 3 within the curve, 2 unknown. */
  const week = Array.from({ length: 1000 }, (_, i) => {
    const at = { span: { startedAtMs: Date.UTC(2026, 10, 20, 9) + i * 300_000 } }
    if (i % 20 !== 0) return attributed(i, 900, 'none', at)
    const k = i / 20
    const verdict =
      k < 30 ? 'prefill-surge' : k < 41 ? 'cold-cache' : k < 45 ? 'route-change' : k < 48 ? 'none' : 'unknown'
    return attributed(i, 5000 + k, verdict, at)
  })

  it('say of the spans above p95 what share each verdict has, the largest first, unknown last', () => {
    const [sentence] = model(week).sentences
    expect(sentence).toMatch(
      /^of 50 spans above p95 \(9\d\d ms\) from 20 to 23 November: 60 % long prompts, 22 % cold cache, 8 % route change at 05:20 UTC on Monday, 6 % within the curve, 4 % unknown; /,
    )
  })

  it('say what a remedy would buy back: 30 calls 4 s too long are 2 min', () => {
    expect(model(week).sentences[0]).toMatch(
      /; 2 min of user waiting bought back by shorter prompts, 44 s by keeping prefixes warm$/,
    )
  })

  it('of a call say how much of it nobody can explain, beside what can be', () => {
    const causes = [
      { cause: 'long-output' as const, ms: 400, probability: 0.6, evidence: ['79 output tokens'] },
    ]
    const told = (verdict: 'unknown' | 'long-output', unknownMs: number) =>
      model([attributed(1, 5000, verdict, { attribution: { causes, unknownMs } })]).worst[0]?.title
    expect(told('unknown', 3600)).toMatch(/: unknown 3,600 ms \(86 %\), long outputs 400 ms \(60 %\)$/)
    expect(told('long-output', 500)).toMatch(/: long outputs 400 ms \(60 %\), unknown 500 ms$/)
    expect(told('long-output', 499)).toMatch(/: long outputs 400 ms \(60 %\)$/)
  })

  it('below 100 calls all are looked at, and no p95 is claimed', () => {
    const few = week.filter((_, i) => i % 20 === 0)
    expect(model(few).sentences[0]).toMatch(/^of 50 spans from 20 to 23 November: 60 % long prompts/)
  })

  it('name the baseline, its age, and from 7 days on what to run again', () => {
    const fresh = model([attributed(0, 900, 'none')]).sentences.at(-1)
    expect(fresh).toBe('baseline 20261123T085000Z-9c1e of shop, 10 min old, behind 1 call')
    const old = { attribution: { baseline: { id: '20261123T085000Z-9c1e', ageS: 8 * 86_400 } } }
    expect(model([attributed(0, 900, 'none', old)]).sentences.at(-1)).toBe(
      'baseline 20261123T085000Z-9c1e of shop, 8 days old, behind 1 call: stale, so confidence is lower; ' +
        'run scenarios/shop.yaml again and accept it',
    )
  })

  it('count failed calls and models without a baseline apart, and say how to get one', () => {
    const all = [
      attributed(0, 900, 'none'),
      attributed(1, 900, 'unknown', { span: { error: '429' } }),
      attributed(2, 900, 'unknown', { span: { modelRequested: 'new' }, attribution: { baseline: null } }),
    ]
    const { headline, notes } = model(all)
    expect(headline).toBe('1 call attributed; 1 failed, 1 without a baseline')
    expect(notes.join('\n')).toContain('no baseline for model new (1 call): plumbline attribute --suggest')
  })

  it('a group stands for itself where there are several, the one with the most waiting first', () => {
    const all = [
      ...week,
      ...Array.from({ length: 3 }, (_, i) =>
        attributed(i, 500_000, 'queueing', { span: { service: 'mail' } }),
      ),
    ]
    const { groups } = model(all)
    expect(groups.map(({ title }) => title.replace(/,.*/, ''))).toEqual([
      'mail · gpt-x: 3 calls',
      'shop · gpt-x: 1',
    ])
    expect(groups[0]?.sentences[0]).toContain('100 % queueing')
  })
})

describe('formats', () => {
  const hostile = { span: { service: '\u001b[31mred<script>|`x`\n', modelRequested: 'x'.repeat(300) } }
  const all = [
    attributed(0, 4000, 'cold-cache'),
    attributed(1, 4000, 'unknown', hostile),
    attributed(2, 9000, 'retry', hostile),
  ]

  it('a terminal gets at most 80 columns and no control code but the ends of lines', () => {
    const text = attributionText(model(all))
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/)
    const words = text.split('\n').filter((line) => !line.includes('x'.repeat(80)))
    expect(words.length).toBeGreaterThan(15)
    for (const line of words) expect(line.length).toBeLessThanOrEqual(80)
  })

  it('Markdown and HTML show a hostile name as text', () => {
    expect(attributionMarkdown(model(all))).not.toContain('<script>')
    const html = attributionHtml(model(all))
    expect(html).toContain('red&lt;script&gt;')
    expect(html).not.toContain('<script>')
  })

  const example = join(import.meta.dirname, '../../../shared/examples/attribution.json')
  it.skipIf(!existsSync(example))('JSON has the fields of the example, in its order', () => {
    const wanted = JSON.parse(readFileSync(example, 'utf8')) as {
      causes: object[]
      phases: object
      baseline: object
    }
    const json = attributionJson(attributed(0, 2340, 'cold-cache').attribution) as typeof wanted
    expect(Object.keys(json)).toEqual(Object.keys(wanted))
    for (const part of ['phases', 'baseline'] as const)
      expect(Object.keys(json[part])).toEqual(Object.keys(wanted[part]))
    expect(Object.keys(json.causes[0] ?? {})).toEqual(Object.keys(wanted.causes[0] ?? {}))
  })

  it('the JSON of a summary counts every span in one place', () => {
    const summary = createSummary(['tenant', 'hour'])
    for (const each of all) summary.add(each)
    const json = summaryJson(summary.result()) as {
      all: { spans: number }
      groups: { spans: number; key: object }[]
    }
    expect(json.all.spans).toBe(3)
    expect(json.groups.reduce((sum, { spans }) => sum + spans, 0)).toBe(3)
    expect(json.groups[0]?.key).toEqual({ tenant: null, hour: '2026-11-23T09:00Z' })
  })
})
