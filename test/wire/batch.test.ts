import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addRead, emptyBatch, handedOver, hasRoom, mayEnd, seekRead } from '../../src/wire/batch.js'

describe('what a connection has read and nobody has parsed', () => {
  it('each byte finds the read that it came with, wherever reads end and whenever all is handed over', () => {
    const read = fc.record({
      length: fc.integer({ min: 1, max: 3_000 }),
      isSame: fc.boolean(),
      handsOver: fc.boolean(),
      isDone: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(read, { maxLength: 200 }), (reads) => {
        const batch = emptyBatch()
        let count = -1
        let held: { length: number; count: number; byte: number }[] = []
        const check = (): void => {
          let at = batch.from
          for (const { length, count: expected, byte } of held) {
            for (const offset of [at, at + length - 1]) {
              const reading = { ns: 0, count: 0 }
              expect(seekRead(batch, offset, reading)).toBeGreaterThan(offset)
              expect(reading).toEqual({ ns: expected * 1000, count: expected })
              expect(batch.bytes[offset]).toBe(byte)
            }
            at += length
          }
          expect(at).toBe(batch.end)
        }
        const hand = (isDone: boolean): void => {
          check()
          handedOver(batch, isDone)
          held = []
          // What comes to light later is of the last read.
          if (count < 0) return
          const reading = { ns: 0, count: 0 }
          seekRead(batch, batch.end, reading)
          expect(reading.ns).toBe(count * 1000)
        }
        for (const [i, { length, isSame, handsOver, isDone }] of reads.entries()) {
          const same = isSame && count >= 0
          if (!hasRoom(batch, length)) hand(isDone)
          if (!same) count++
          addRead(batch, Buffer.alloc(length, i), count * 1000, same)
          held.push({ length, count, byte: i & 255 })
          if (handsOver) hand(isDone)
        }
        check()
      }),
    )
  })

  it('bytes that somebody keeps are not written over', () => {
    const batch = emptyBatch()
    addRead(batch, Buffer.from('first'), 1, false)
    const kept = batch.bytes.subarray(batch.from, batch.end)
    handedOver(batch, false)
    addRead(batch, Buffer.from('other'), 2, false)
    expect(kept.toString()).toBe('first')
  })

  it('an end shows wherever it is cut, between hand-overs as well', () => {
    const text = 'd\r\n0\r\n\r\n'
    for (let cut = 1; cut < text.length; cut++)
      for (const isDone of [true, false]) {
        const batch = emptyBatch()
        addRead(batch, Buffer.from(text.slice(0, cut)), 1, false)
        expect(mayEnd(batch)).toBe(false)
        handedOver(batch, isDone)
        addRead(batch, Buffer.from(text.slice(cut)), 2, false)
        expect(mayEnd(batch), `cut at ${cut}`).toBe(true)
      }
  })
})
