import * as fc from 'fast-check'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  canonicalJson,
  encodeSnapshot,
  parseSnapshot,
  readSnapshot,
  sha256,
  writeSnapshot,
} from '../../src/snapshot/format.js'
import type { Snapshot } from '../../src/snapshot/snapshot.js'
import { sampleOf, snapshotOf } from './data.js'
import { kindOf, temporaryFolder, valueOf } from './fixtures.js'

const text = encodeSnapshot(snapshotOf())
const parse = (changed: string) => parseSnapshot(changed, 'x.json')

/** A document with a checksum that fits, whatever its fields. */
function sealed(change: (document: Record<string, unknown>) => void): string {
  const document = JSON.parse(text) as Record<string, unknown>
  change(document)
  delete document.checksum
  return JSON.stringify({ ...document, checksum: sha256(canonicalJson(document)) })
}

describe('layout', () => {
  test('what was written is read again, every field', () => {
    const { checksum, ...rest } = valueOf(parse(text))
    expect(checksum).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect({ ...rest, checksum: '' }).toEqual(snapshotOf())
  })

  test('the top level and its fields are laid out, each sample is one line', () => {
    const lines = text.split('\n')
    expect(lines[1]).toBe('  "format": "plumbline.snapshot/1",')
    expect(lines).toContain('    "name": "openai",')
    expect(lines.filter((line) => line.startsWith('    {"id":"s-'))).toHaveLength(2)
  })

  test('any layout and any order of keys fits the same checksum', () => {
    const document = JSON.parse(text) as Record<string, unknown>
    const reversed = Object.fromEntries(Object.entries(document).toReversed())
    expect(kindOf(parse(JSON.stringify(reversed)))).toBe('ok')
    expect(kindOf(parse(text.replaceAll('\n', '\r\n')))).toBe('ok')
  })

  test('RFC 8785, section 3.2.3: keys sorted by UTF-16 units', () => {
    const value = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\ud83d\ude00': 5, '\u0080': 6, '\u00f6': 7 }
    expect(canonicalJson(value)).toBe(
      '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\ud83d\ude00":5,"\ufb33":3}',
    )
  })

  test('canonical JSON is one text for a value and for what JSON makes of it', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(canonicalJson(JSON.parse(canonicalJson(value)))).toBe(canonicalJson(value))
      }),
    )
  })

  test('a number that is not finite is refused loudly, never written as null', () => {
    expect(() => encodeSnapshot(snapshotOf({ samples: [sampleOf(1, { ttft: NaN })] }))).toThrow(RangeError)
  })
})

describe('33: damage', () => {
  test('a snapshot cut at any byte is refused, and the offset is said', () => {
    const bytes = Buffer.from(text)
    for (let length = 0; length < bytes.length - 1; length++) {
      const result = parse(bytes.subarray(0, length).toString('utf8'))
      if (result.ok) throw new Error(`cut to ${length} bytes, it was accepted`)
      expect(result.problem.kind, `${length} bytes`).toMatch(/^(cut|malformed)$/)
      expect(result.problem.message).toMatch(/byte \d+/)
    }
    expect(kindOf(parse(text.trimEnd())), 'only the last newline is missing').toBe('ok')
  })

  test('a cut names the byte at which the file ends', () => {
    const result = parse(text.slice(0, 300))
    expect(!result.ok && result.problem).toMatchObject({ kind: 'cut' })
    expect(!result.ok && result.problem.message).toContain(
      `cut off at byte ${Buffer.byteLength(text.slice(0, 300))}`,
    )
  })

  test('one bit flipped is refused, or changes no value', () => {
    const whole = Buffer.from(text)
    const before = parse(text)
    let refused = 0
    for (let bit = 0; bit < whole.length * 8; bit += 7) {
      const bytes = Buffer.from(whole)
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      const result = parse(bytes.toString('utf8'))
      if (result.ok) expect(result).toEqual(before)
      else refused++
    }
    expect(refused).toBeGreaterThan(whole.length * 1.1)
  })

  test('a changed figure is refused by its checksum', () => {
    expect(kindOf(parse(text.replace('412.6', '312.6')))).toBe('checksum')
  })

  test('33: a figure beyond every number (1e999, found by fuzzing) is refused by the checksum, and throws nothing', () => {
    expect(kindOf(parse(text.replace('412.6', '1e999')))).toBe('checksum')
  })

  test('39: a key that stands twice is refused', () => {
    expect(kindOf(parse(text.replace('"partial": false', '"partial": true,\n  "partial": false')))).toBe(
      'malformed',
    )
  })

  test('40: __proto__ is refused at any depth', () => {
    const changed = text.replace('"route":{', '"route":{"__proto__":{"region":"here"},')
    expect(changed).not.toBe(text)
    expect(kindOf(parse(changed))).toBe('malformed')
  })

  test('38: a hundred thousand brackets are refused', () => {
    const changed = text.replace('"notes": []', `"notes": ${'['.repeat(1e5)}${']'.repeat(1e5)}`)
    expect(kindOf(parse(changed))).toBe('malformed')
  })
})

describe('format', () => {
  test('34: a newer format is named beside ours, whatever else it holds', () => {
    const result = parse(text.replace('snapshot/1', 'snapshot/12'))
    expect(!result.ok && result.problem.kind).toBe('newer-format')
    expect(!result.ok && result.problem.message).toContain('plumbline.snapshot/12')
    expect(!result.ok && result.problem.message).toContain('plumbline.snapshot/1;')
  })

  test.each(['{}', '[]', 'null', '"x"', '{"format":"other/9"}', '{"format":7}'])(
    '%s is no snapshot',
    (json) => {
      const result = parse(json)
      expect(!result.ok && result.problem.message).toContain('is no snapshot')
    },
  )

  test('a field that a later version adds is let pass', () => {
    const added = sealed((document) => {
      document.weather = { sky: 'grey' }
    })
    expect(valueOf(parse(added)).id).toBe(snapshotOf().id)
  })

  test.each<[string, (document: Snapshot & Record<string, unknown>) => void]>([
    ['samples[1].outcome', (d) => Object.assign(d.samples[1]!, { outcome: 'fine' })],
    ['samples[0].ttft', (d) => Object.assign(d.samples[0]!, { ttft: '412' })],
    [
      'curves[0].parameters.base.unit',
      (d) => Object.assign(d.curves[0]!.parameters.base!, { unit: 'miles' }),
    ],
    ['summary[0].errors', (d) => Object.assign(d.summary[0]!, { errors: { bored: 1 } })],
    ['scenario.text', (d) => Object.assign(d.scenario, { text: undefined })],
  ])('a wrong %s is named by its path', (path, change) => {
    const result = parse(
      sealed((document) => change(document as unknown as Snapshot & Record<string, unknown>)),
    )
    expect(!result.ok && result.problem.message).toContain(`x.json: ${path}:`)
  })
})

test('a file is written, read and found again', async () => {
  const path = join(temporaryFolder(), 'a.json')
  valueOf(await writeSnapshot(path, snapshotOf()))
  expect(valueOf(await readSnapshot(path)).samples).toEqual(snapshotOf().samples)
  expect(kindOf(await readSnapshot(`${path}x`))).toBe('missing')
  writeFileSync(path, '')
  expect(kindOf(await readSnapshot(path))).toBe('cut')
})
