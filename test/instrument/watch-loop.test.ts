import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { composeReport } from '../../src/instrument/compose-report.js'
import { watchLoop } from '../../src/instrument/watch-loop.js'
import type { Clock } from '../../src/units/time.js'
import { ensureBuilt } from '../support/build.js'
import { CALM, visitOf } from './data.js'

function hold(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

/** A machine whose clocks the test sets. */
function machine() {
  const now = { monotonicMs: 50_000, utcMs: 1.8e12, uptimeMs: 90_000 }
  const clock: Clock = { nowNs: () => now.monotonicMs * 1e6, utcMs: () => now.utcMs }
  return { now, options: { clock, uptimeMs: () => now.uptimeMs } }
}

describe('the watch on the event loop', () => {
  // Others may take the machine for half a second: then once more.
  it(
    'reads less than its own interval of 10 ms as the typical delay of an idle loop',
    { retry: 3 },
    async () => {
      const loop = watchLoop()
      await sleep(500)
      const { delay, suspendedMs, clockJumpMs } = loop.read()
      loop.stop()
      expect(delay.p50).toBeLessThan(10)
      expect(delay.p50).toBeLessThanOrEqual(delay.p99)
      expect(delay.p99).toBeLessThanOrEqual(delay.max)
      expect({ suspendedMs, clockJumpMs }).toEqual({ suspendedMs: 0, clockJumpMs: 0 })
    },
  )

  it('finds a stall of 600 ms, and the instrument overloaded when a request was in flight', async () => {
    const loop = watchLoop()
    await sleep(60)
    const startedAt = new Date().toISOString()
    hold(600)
    await sleep(60)
    const reading = loop.read()
    loop.stop()
    expect(reading.longestStallMs).toBeGreaterThan(500)
    expect(reading.delay.max).toBeGreaterThan(500)
    const samples = visitOf([0], { rate: null, e2e: 650 }).map((sample) => ({ ...sample, startedAt }))
    const report = composeReport(CALM, reading, samples)
    expect(report.overloaded).toBe(true)
    expect(report.warnings[0]).toMatch(/overloaded: its event loop/)
    expect(report.warnings.join()).toMatch(/stood still for 0\.[5-9] s/)
  })

  it('sees a stall that is not over by a turn of the loop when it is read', () => {
    const loop = watchLoop()
    hold(200)
    expect(loop.read().longestStallMs).toBeGreaterThan(150)
    loop.stop()
  })

  it('does not keep the process alive', () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const before = timers()
    const loop = watchLoop()
    expect(timers()).toBe(before)
    loop.stop()
  })

  it('tells a machine that slept for a minute from a clock that was set', () => {
    const slept = machine()
    const loop = watchLoop(slept.options)
    slept.now.monotonicMs += 25
    slept.now.utcMs += 60_025
    slept.now.uptimeMs += 60_025
    expect(loop.read()).toMatchObject({ suspendedMs: 60_000, clockJumpMs: 0, longestStallMs: 0 })
    loop.stop()
  })

  it('records a clock set 2 h forward and another set back, and no sleep', () => {
    for (const jumpMs of [7_200_000, -3_600_000]) {
      const { now, options } = machine()
      const loop = watchLoop(options)
      now.monotonicMs += 25
      now.utcMs += 25 + jumpMs
      now.uptimeMs += 25
      const reading = loop.read()
      expect(reading).toMatchObject({ suspendedMs: 0, clockJumpMs: jumpMs })
      loop.stop()
      const report = composeReport(CALM, reading, [])
      expect(report.overloaded).toBe(false)
      expect(report.warnings).toEqual([
        expect.stringMatching(/wall clock was set (forward by 7200|back by 3600)\.0 s/),
      ])
    }
  })

  it('takes a clock that drifts by half a millisecond a second for right', () => {
    const { now, options } = machine()
    const loop = watchLoop(options)
    for (let i = 0; i < 1000; i++) {
      now.monotonicMs += 1000
      now.utcMs += 1000.5
      now.uptimeMs += 1000
      loop.read()
    }
    expect(loop.read()).toMatchObject({ suspendedMs: 0, clockJumpMs: 0 })
    loop.stop()
  })

  it('finds a process that was stopped for 700 ms held up for as long', async () => {
    const module = pathToFileURL(join(await ensureBuilt(), 'src/instrument/watch-loop.js')).href
    const path = join(mkdtempSync(join(tmpdir(), 'instrument-')), 'stopped.mjs')
    writeFileSync(
      path,
      `import { watchLoop } from ${JSON.stringify(module)}
       const loop = watchLoop()
       setTimeout(() => console.log('ready'), 100)
       process.stdin.once('data', () => { console.log(JSON.stringify(loop.read())); process.exit() })`,
    )
    const child = spawn(process.execPath, [path], { stdio: ['pipe', 'pipe', 'inherit'] })
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    await lines.next()
    child.kill('SIGSTOP')
    await sleep(700)
    child.kill('SIGCONT')
    await sleep(100)
    child.stdin.write('read\n')
    const { value } = await lines.next()
    await once(child, 'exit')
    const { longestStallMs } = JSON.parse(String(value)) as { longestStallMs: number }
    expect(longestStallMs).toBeGreaterThan(600)
  })
})
