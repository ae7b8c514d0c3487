import { describe, expect, it } from 'vitest'
import type { calibrate } from '../../src/instrument/calibrate.js'
import { examine, machineFacts, type MachineFacts } from '../../src/instrument/examine.js'
import { systemClock } from '../../src/units/time.js'
import { ensureBuilt } from '../support/build.js'

const QUIET: MachineFacts = { cores: 8, cpu: 'some processor', governor: null, clockSource: 'tsc', load: 0.4 }

/** A calibration that finds the given p99 at each number of streams. */
function measured(p99s: Readonly<Record<number, number | null>>, timerNs = 41): typeof calibrate {
  return ({ streams }) => {
    const p99 = p99s[streams] ?? null
    const error = p99 === null ? null : { p50: 0.05, p99, streams, n: 1000 }
    return Promise.resolve({ streams, timerNs, error, warnings: p99 === null ? ['not calibrated: why'] : [] })
  }
}

const verdictAt = (p99s: Record<number, number | null>, machine = QUIET, timerNs = 41) =>
  examine({ clock: systemClock, streams: [200, 8, 50], machine, calibrate: measured(p99s, timerNs) })

describe('the examination of a machine', () => {
  it('is good to at least the most streams tried where all stayed inside the limits', async () => {
    const { goodStreams, verdict, reasons, calibrations } = await verdictAt({ 8: 0.2, 50: 0.4, 200: 0.71 })
    expect(goodStreams).toBe(200)
    expect(verdict).toBe('good to at least 200 streams here; p99 timing error 0.7 ms at 200')
    expect(reasons).toEqual([])
    expect(calibrations.map(({ streams }) => streams)).toEqual([8, 50, 200])
  })

  it('is good to the last number before the first that failed', async () => {
    expect(await verdictAt({ 8: 0.2, 50: 0.4, 200: 9 })).toMatchObject({
      goodStreams: 50,
      verdict: 'good to about 50 streams here; p99 timing error 0.4 ms at 50',
    })
    expect(await verdictAt({ 8: 300, 50: 0.4, 200: 0.5 })).toMatchObject({
      goodStreams: 0,
      verdict: 'not good for measuring at the moment; p99 timing error 300.0 ms at 8',
    })
  })

  it('claims nothing where nothing could be calibrated', async () => {
    expect(await verdictAt({ 8: null, 50: null, 200: null })).toMatchObject({
      goodStreams: 0,
      verdict: 'not known: no calibration succeeded',
      reasons: ['not calibrated: why', 'not calibrated: why', 'not calibrated: why'],
    })
  })

  it('names what disturbs: one core, load, governor, clock source, coarse clock', async () => {
    const poor: MachineFacts = { cores: 1, cpu: 'x', governor: 'powersave', clockSource: 'hpet', load: 3 }
    const { reasons } = await verdictAt({ 8: 0.2, 50: 0.4, 200: 0.7 }, poor, 1e6)
    expect(reasons).toEqual([
      expect.stringMatching(/^one core/),
      expect.stringMatching(/^busy: 3\.0 programs want to run on 1 cores/),
      expect.stringMatching(/^CPU governor powersave/),
      expect.stringMatching(/^clock source hpet/),
      expect.stringMatching(/steps of 1000\.0 µs/),
    ])
  })

  it('measures this machine', async () => {
    await ensureBuilt()
    const { calibrations, machine, timerNs, verdict } = await examine({ clock: systemClock, streams: [8] })
    expect(machine).toMatchObject({ cores: machineFacts().cores, cpu: machineFacts().cpu })
    expect(machine.cores).toBeGreaterThan(0)
    expect(calibrations[0]?.error?.n).toBe(208)
    expect(timerNs).toBeGreaterThan(0)
    expect(verdict).toMatch(/p99 timing error \d+\.\d ms at 8$/)
  })
})
