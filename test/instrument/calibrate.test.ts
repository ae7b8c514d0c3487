import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { calibrate } from '../../src/instrument/calibrate.js'
import { hrtimeOffsetNs, timerStepNs } from '../../src/instrument/clock-check.js'
import { pacedEntry, spawnPaced } from '../../src/instrument/paced-process.js'
import { systemClock, type Clock } from '../../src/units/time.js'
import { ensureBuilt } from '../support/build.js'

let dist = ''
beforeAll(async () => {
  dist = await ensureBuilt()
})

const SHORT = { streams: 2, eventsPerStream: 3, gapNs: 1e6 }

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** A program of one line in a file of its own. */
function program(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'instrument-')), 'program.mjs')
  writeFileSync(path, text)
  return path
}

describe('calibration against its own server', () => {
  it('finds an error above 0 whose p50 is not above its p99, over every event but the first three tenths and the last of each stream', async () => {
    const { error, timerNs, warnings } = await calibrate({ streams: 8, clock: systemClock, durationMs: 400 })
    expect(warnings).toEqual([])
    expect(error).toMatchObject({ streams: 8, n: 8 * (20 - 6 - 1) })
    expect(error!.p50).toBeGreaterThan(0)
    expect(error!.p99).toBeGreaterThanOrEqual(error!.p50)
    expect(error!.p50).toBeLessThan(1000)
    expect(timerNs).toBeGreaterThan(0)
  })

  it('lets few streams send faster: one alone still gives more than 200 events', async () => {
    const { error } = await calibrate({ streams: 1, clock: systemClock })
    expect(error).toMatchObject({ streams: 1, n: 209 })
  })

  it('takes at most 500 streams and says so', async () => {
    const { streams, error, warnings } = await calibrate({
      streams: 800,
      clock: systemClock,
      durationMs: 100,
    })
    expect(streams).toBe(800)
    expect(error).toMatchObject({ streams: 500, n: 500 * 3 })
    expect(warnings).toEqual([expect.stringMatching(/with 500 streams, not with the 800 of the run/)])
  })

  it('gives the same error by a clock of another origin', async () => {
    const shifted: Clock = { ...systemClock, nowNs: () => systemClock.nowNs() + 7e12 }
    const { error } = await calibrate({ streams: 4, clock: shifted, durationMs: 400 })
    expect(error!.p50).toBeGreaterThan(0)
    expect(error!.p50).toBeLessThan(1000)
  })

  it('finds its own client late when the loop is held up for 40 of every 50 ms', async () => {
    const hold = new Int32Array(new SharedArrayBuffer(4))
    const timer = setInterval(() => Atomics.wait(hold, 0, 0, 40), 50)
    const { error } = await calibrate({ streams: 8, clock: systemClock, durationMs: 700 })
    clearInterval(timer)
    expect(error!.p50).toBeGreaterThan(5)
    expect(error!.p99).toBeGreaterThan(25)
  })

  it('is not done, with a warning and no throw, when the server does not start', async () => {
    const entry = join(tmpdir(), 'no-such-program.mjs')
    const { error, warnings } = await calibrate({ streams: 8, clock: systemClock, entry })
    expect(error).toBeNull()
    expect(warnings).toEqual([expect.stringMatching(/^not calibrated.*did not start: it ended with 1$/)])
  })

  it('is not done, with a warning, when the server dies before its first event', async () => {
    const entry = program(`import { createServer } from 'node:net'
      const server = createServer(() => process.exit(3)).listen(0, '127.0.0.1', () => console.log(server.address().port))`)
    const { error, warnings } = await calibrate({ streams: 2, clock: systemClock, entry })
    expect(error).toBeNull()
    expect(warnings).toEqual([expect.stringMatching(/^not calibrated.*only 0 events came/)])
  })
})

describe('the paced server as a process', () => {
  it('is gone after close', async () => {
    const server = await spawnPaced(SHORT, { entry: pacedEntry(), limitMs: 20_000 })
    if ('problem' in server) throw new Error(server.problem)
    expect(isAlive(server.pid)).toBe(true)
    await server.close()
    expect(isAlive(server.pid)).toBe(false)
  })

  it('ends when its parent is killed with SIGKILL', async () => {
    const module = pathToFileURL(join(dist, 'src/instrument/paced-process.js')).href
    const parent = spawn(
      process.execPath,
      [
        program(`import { pacedEntry, spawnPaced } from ${JSON.stringify(module)}
          const server = await spawnPaced(${JSON.stringify(SHORT)}, { entry: pacedEntry(), limitMs: 20_000 })
          console.log(server.pid)
          setInterval(() => {}, 1000)`),
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    const [line]: unknown[] = await once(parent.stdout, 'data')
    const pid = Number(String(line))
    expect(isAlive(pid)).toBe(true)
    parent.kill('SIGKILL')
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), 5000)
  })

  it('is given up when it does not listen in time, or says what nobody understands', async () => {
    const mute = await spawnPaced(SHORT, { entry: program('setInterval(() => {}, 1000)'), limitMs: 300 })
    expect(mute).toEqual({ problem: 'it was not ready after 300 ms' })
    const odd = await spawnPaced(SHORT, { entry: program('console.log("no port")'), limitMs: 20_000 })
    expect(odd).toEqual({ problem: 'no port' })
  })
})

describe('the check of the clock', () => {
  it('finds the smallest step, and 0 where the clock stands still', () => {
    let reads = 0
    const coarse: Clock = { ...systemClock, nowNs: () => Math.floor(reads++ / 3) * 250 }
    expect(timerStepNs(coarse)).toBe(250)
    expect(timerStepNs({ ...systemClock, nowNs: () => 5 })).toBe(0)
  })

  it('finds how far a clock stands from the one that all processes share, to 0.1 ms', () => {
    const behind: Clock = { ...systemClock, nowNs: () => Number(process.hrtime.bigint() - 123_456_789n) }
    const offBy = Number(hrtimeOffsetNs(behind) - 123_456_789n)
    expect(Math.abs(offBy)).toBeLessThan(1e5)
  })
})
