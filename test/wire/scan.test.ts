import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lineScan, scanChunk } from '../../src/wire/scan.js'

/** The plain way: the line is looked for in the whole text. */
function markerEnd(text: string, marker: string): number {
  const at = `\n${text}`.indexOf(`\n${marker}`)
  return at === -1 ? -1 : at + marker.length
}

/** Index of the piece in which the marker became complete, by the scan. */
function found(pieces: readonly Buffer[], marker: string): number {
  const scan = lineScan(marker)
  return pieces.findIndex((piece) => scanChunk(scan, piece))
}

describe('the scan for the end marker', () => {
  const text = 'data: {"x":"data: [DONE]"}\n\ndata: [DONE]\n\n: after'
  const end = markerEnd(text, 'data: [DONE]')

  it('finds a marker cut at every byte offset, in the piece that completes it', () => {
    for (let cut = 0; cut <= text.length; cut++) {
      const pieces = [Buffer.from(text.slice(0, cut)), Buffer.from(text.slice(cut))]
      expect(found(pieces, 'data: [DONE]'), `cut at ${cut}`).toBe(end <= cut ? 0 : 1)
    }
  })

  it('finds it in single bytes', () => {
    expect(
      found(
        [...Buffer.from(text)].map((byte) => Buffer.from([byte])),
        'data: [DONE]',
      ),
    ).toBe(end - 1)
  })

  it('a marker inside a line is text of the model, not the end', () => {
    expect(found([Buffer.from('data: {"text":"data: [DONE]"}\n\n')], 'data: [DONE]')).toBe(-1)
  })

  it('line breaks around the marker given do not matter', () => {
    expect(found([Buffer.from('a\ndata: [DONE]')], '\ndata: [DONE]\n\n')).toBe(0)
  })

  it('agrees with a search of the whole text at any cuts', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '\n'), maxLength: 60 })
    const marker = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(letters, marker, fc.array(fc.nat(60), { maxLength: 8 }), (body, mark, cuts) => {
        const at = [0, ...cuts.map((cut) => Math.min(cut, body.length)).sort((a, b) => a - b), body.length]
        const pieces = at.slice(1).map((to, i) => Buffer.from(body.slice(at[i], to)))
        const endsAt = markerEnd(body, mark)
        const expected = endsAt === -1 ? -1 : at.slice(1).findIndex((to) => to >= endsAt)
        expect(found(pieces, mark)).toBe(expected)
      }),
    )
  })
})

describe('the length of lines', () => {
  it('the longest that lies over several chunks is known to the byte', () => {
    for (const marker of [null, 'data: [DONE]']) {
      const scan = lineScan(marker)
      for (const piece of ['ab', 'cde\nf', '\n', 'xy\nz']) scanChunk(scan, Buffer.from(piece))
      expect(scan.longest).toBe(5)
    }
  })

  it('counts bytes since the last line break over any cuts, with and without a marker', () => {
    const letters = fc.string({ unit: fc.constantFrom('d', 'x', '\n'), maxLength: 40 })
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 8 }), fc.constantFrom(null, 'd', 'dx'), (pieces, marker) => {
        const scan = lineScan(marker)
        for (const piece of pieces) scanChunk(scan, Buffer.from(piece))
        const all = pieces.join('')
        expect(scan.lineBytes).toBe(all.length - 1 - all.lastIndexOf('\n'))
      }),
    )
  })
})
