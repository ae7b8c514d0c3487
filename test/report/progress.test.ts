import { expect, test } from 'vitest'
import type { ProgressDisplay } from '../../src/report/progress.js'
import { createProgressDisplay, progressText } from '../../src/report/progress.js'
import type { Progress, RunEvent } from '../../src/run/events.js'
import { sampleOf } from './sample.js'

const progress: Progress = {
  done: 50,
  planned: 200,
  errors: 0,
  tokens: 12_345,
  cost: null,
  elapsedMs: 10_000,
}

function display(isLive: boolean): { written: string[]; at: { ms: number }; shown: ProgressDisplay } {
  const written: string[] = []
  const at = { ms: 0 }
  return {
    written,
    at,
    shown: createProgressDisplay({ write: (text) => written.push(text), isLive, nowMs: () => at.ms }),
  }
}

const sample = (): RunEvent => ({ kind: 'sample', sample: sampleOf({}), progress })

test('progress names requests, rate, errors, tokens and time left', () => {
  expect(progressText(progress)).toBe('50 of 200 (25 %) requests, 5.0/s, no errors, 12,345 tokens, 30 s left')
  expect(
    progressText({ ...progress, planned: null, errors: 2, cost: { currency: 'USD', amount: 1.5 } }),
  ).toBe('50 requests, 5.0/s, 2 errors, 12,345 tokens, 1.50 USD')
})

test('on a pipe there are whole lines and no control codes, at most one each 5 s', () => {
  const { written, at, shown } = display(false)
  shown.show({ kind: 'phase', text: 'measuring' })
  for (at.ms = 0; at.ms < 11_000; at.ms += 100) shown.show(sample())
  shown.show({ kind: 'note', text: 'a note with \u001b[31m in it' })
  shown.end()
  expect(written).toHaveLength(1 + 2 + 1)
  for (const line of written) {
    expect(line).toMatch(/\n$/)
    expect(line).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/)
  }
})

test('on a terminal one line is rewritten, kept under 80 columns and taken away at the end', () => {
  const { written, at, shown } = display(true)
  shown.show({ kind: 'phase', text: 'measuring' })
  at.ms = 1000
  shown.show(sample())
  shown.end()
  expect(written.join('')).not.toContain('\n')
  for (const each of written) expect(each.replace('\r\u001b[K', '').length).toBeLessThan(80)
  expect(written.at(-1)).toBe('\r\u001b[K')
})
