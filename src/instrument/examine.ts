/** What this machine is good for as an instrument: the measurement behind `plumbline doctor`. */
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg } from 'node:os'
import type { Clock } from '../units/time.js'
import { calibrate, type Calibration } from './calibrate.js'
import { judgeCalibration } from './limits.js'

export interface MachineFacts {
  /** Cores that this process may use. */
  cores: number
  cpu: string
  /** Linux frequency governor of the first core; null where it can't be read (virtual machines, other systems). */
  governor: string | null
  /** Linux clock source; null where it can't be read. */
  clockSource: string | null
  /** Runnable programs, mean over the last minute; 0 on Windows, which has no such figure. */
  load: number
}

export interface Examination {
  machine: MachineFacts
  timerNs: number
  /** One for each number of streams, ascending. */
  calibrations: Calibration[]
  /** Most streams whose timing error stayed inside the limits of a run; 0: not even the fewest did. */
  goodStreams: number
  /** `good to about 200 streams here; p99 timing error 0.7 ms at 200`. */
  verdict: string
  /** What may make it worse than it need be, a sentence each. */
  reasons: string[]
}

export interface ExamineOptions {
  clock: Clock
  /** Numbers of streams to try. */
  streams: readonly number[]
  machine?: MachineFacts | undefined
  calibrate?: typeof calibrate | undefined
}

/** Takes about three seconds for each number of streams. */
export async function examine(options: ExamineOptions): Promise<Examination> {
  const machine = options.machine ?? machineFacts()
  const measure = options.calibrate ?? calibrate
  const calibrations: Calibration[] = []
  // One after another: two bursts at once would disturb each other.
  for (const streams of [...options.streams].sort((a, b) => a - b))
    calibrations.push(await measure({ streams, clock: options.clock }))
  const timerNs = Math.min(...calibrations.map((each) => each.timerNs))
  const goodStreams = mostGood(calibrations)
  return {
    machine,
    timerNs,
    calibrations,
    goodStreams,
    verdict: verdictOf(calibrations, goodStreams),
    reasons: [...calibrations.flatMap((each) => each.warnings), ...reasonsOf(machine, timerNs)],
  }
}

/** Up to the first number of streams that fails: a lucky burst at a higher one proves nothing. */
function mostGood(calibrations: readonly Calibration[]): number {
  let good = 0
  for (const calibration of calibrations) {
    const { error } = calibration
    if (error === null || judgeCalibration(calibration).overloaded.length > 0) return good
    good = error.streams
  }
  return good
}

function verdictOf(calibrations: readonly Calibration[], goodStreams: number): string {
  const errors = calibrations.flatMap(({ error }) => error ?? [])
  const last = errors.findLast(({ streams }) => streams <= goodStreams) ?? errors[0]
  if (last === undefined) return 'not known: no calibration succeeded'
  const figure = `p99 timing error ${last.p99.toFixed(1)} ms at ${last.streams}`
  if (goodStreams === 0) return `not good for measuring at the moment; ${figure}`
  const isTop = last === errors.at(-1)
  return `good to ${isTop ? 'at least' : 'about'} ${goodStreams} streams here; ${figure}`
}

function reasonsOf({ cores, governor, clockSource, load }: MachineFacts, timerNs: number): string[] {
  const reasons: string[] = []
  if (cores === 1)
    reasons.push('one core: whatever else runs, a server on this machine included, makes stamps late')
  if (load > cores)
    reasons.push(`busy: ${load.toFixed(1)} programs want to run on ${cores} cores; measure when it is quiet`)
  if (governor !== null && governor !== 'performance')
    reasons.push(`CPU governor ${governor}: cores wake up slowly; 'performance' is steadier`)
  if (clockSource !== null && !FAST_CLOCKS.has(clockSource))
    reasons.push(`clock source ${clockSource}: each stamp costs a system call; tsc does not`)
  if (timerNs > COARSE_NS)
    reasons.push(
      `the clock moves in steps of ${(timerNs / 1000).toFixed(1)} µs: shorter times can't be told apart`,
    )
  return reasons
}

/** Clock sources that Linux reads without a system call. */
const FAST_CLOCKS: ReadonlySet<string> = new Set([
  'tsc',
  'kvm-clock',
  'hyperv_clocksource_tsc_page',
  'arch_sys_counter',
])
const COARSE_NS = 10_000

export function machineFacts(): MachineFacts {
  return {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    governor: readLine('/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor'),
    clockSource: readLine('/sys/devices/system/clocksource/clocksource0/current_clocksource'),
    load: loadavg()[0] ?? 0,
  }
}

function readLine(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return null
  }
}
