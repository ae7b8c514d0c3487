/** Rules of a scenario that need more than one key at once. */
import { didYouMean } from '../border/nearest.js'
import type { PathPart } from '../border/problem.js'
import { faultOfCron } from './cron.js'
import { parseExpectation } from './expectation.js'
import type { Complain, Report } from './report.js'
import type { Load, Scenario, Target } from './scenario.js'
import { gateMetrics } from './schema.js'
import type { TopLevel } from './schema.js'

const defaultMargin = 0.05
const defaultDetect = { ttft: 0.25, tpot: 0.25 }

/** Margins of every metric, and the metrics that must be detectable: the usual two and those that are named. */
export function readGate(gate: TopLevel['gate']): Pick<Scenario, 'margins' | 'detect'> {
  const usual = Object.fromEntries(gateMetrics.map((metric) => [metric, defaultMargin]))
  return { margins: { ...usual, ...gate?.margins }, detect: { ...defaultDetect, ...gate?.detect } }
}

/** Either concurrency, or rate with maxInFlight. Of what hangs on a key that is wrong itself nothing is said. */
export function readLoad(load: TopLevel['load'], { problem: complain, hasProblem }: Report): Load {
  const isWrong = (key: keyof NonNullable<TopLevel['load']>): boolean => hasProblem(['load', key])
  if (isWrong('rate') || isWrong('trace')) return { kind: 'closed', concurrency: 1 }
  const problem: Complain = (path, message, at) => {
    if (!hasProblem(path)) complain(path, message, at)
  }
  const { concurrency, rate: asked, arrivals, maxInFlight, burstiness, rateTo, steps, trace } = load ?? {}
  // The mean rate of a trace is known once it is read.
  const rate = trace === undefined ? asked : TRACE_UNREAD
  if (rate === undefined) {
    for (const [key, value] of Object.entries({ arrivals, maxInFlight, burstiness, rateTo, steps })) {
      if (value !== undefined)
        problem(
          ['load', key],
          'belongs to an open loop: add rate (requests per second), or leave it out',
          'key',
        )
    }
    return { kind: 'closed', concurrency: concurrency ?? 1 }
  }
  if (concurrency !== undefined) {
    problem(
      ['load', 'rate'],
      'cannot stand beside concurrency: one is an open loop, the other a closed one',
      'key',
    )
  }
  if (maxInFlight === undefined) {
    problem(
      ['load', 'maxInFlight'],
      'is missing: an open loop needs the most requests in flight, such as maxInFlight: 50',
    )
  }
  const most = maxInFlight ?? 1
  if (trace !== undefined) {
    for (const [key, value] of Object.entries({ rate: asked, arrivals, burstiness, rateTo, steps }))
      if (value !== undefined)
        problem(['load', key], 'cannot stand beside trace, which says when requests start', 'key')
    return { kind: 'open', rate, arrivals: 'trace', maxInFlight: most, trace }
  }
  if (!isWrong('arrivals')) checkShape({ burstiness, rateTo, steps }, arrivals, problem)
  return {
    kind: 'open',
    rate,
    arrivals: arrivals ?? 'poisson',
    maxInFlight: most,
    ...(burstiness !== undefined && { burstiness }),
    ...(rateTo !== undefined && { rateTo }),
    ...(steps !== undefined && { steps }),
  }
}

const TRACE_UNREAD = 1

type Shape = Partial<Record<'burstiness' | 'rateTo' | 'steps', number | undefined>>

/** Each belongs to its own arrivals, and a ramp or steps need their end. */
function checkShape(shape: Shape, arrivals: string | undefined, problem: Complain): void {
  const owners = { burstiness: ['gamma'], rateTo: ['ramp', 'step'], steps: ['step'] } as const
  for (const key of ['burstiness', 'rateTo', 'steps'] as const) {
    const of: readonly string[] = owners[key]
    if (shape[key] !== undefined && !of.includes(arrivals ?? 'poisson'))
      problem(['load', key], `belongs to arrivals: ${of.join(' or ')}`, 'key')
  }
  if ((arrivals === 'ramp' || arrivals === 'step') && shape.rateTo === undefined)
    problem(['load', 'rateTo'], `is missing: arrivals: ${arrivals} need their last rate`)
}

/**
 * Grammar, metrics, and the names of targets and probes; a null set of names could not be found out. What is no text
 * has been told by the schema.
 */
export function checkExpectations(
  texts: readonly unknown[],
  targets: ReadonlySet<string> | null,
  probes: ReadonlySet<string> | null,
  problem: Complain,
): void {
  for (const [index, text] of texts.entries()) {
    if (typeof text !== 'string') continue
    const path = ['expectations', index]
    const parsed = parseExpectation(text)
    if (!parsed.ok) {
      problem(path, `cannot be read: ${parsed.message}`)
      continue
    }
    const { target, probe } = parsed.expectation.where
    if (target !== undefined && targets !== null) checkNames([target], targets, path, problem, 'target')
    if (probe !== undefined && probes !== null) checkNames([probe], probes, path, problem, 'probe')
  }
}

/** The names that are known; each of the others, and each repetition, is a problem. */
export function checkNames(
  names: readonly string[],
  known: ReadonlySet<string>,
  path: readonly PathPart[],
  problem: Complain,
  what: 'target' | 'probe' | 'list' = 'list',
): string[] {
  return names.filter((name, index) => {
    const at = what === 'list' ? [...path, index] : path
    if (!known.has(name)) {
      const meant = didYouMean(name, known)
      const here = `: here are ${[...known].map((one) => `'${one}'`).join(', ')}`
      problem(
        at,
        `names no ${what === 'probe' ? 'probe' : 'target'} of this scenario, '${name}'${meant === '' ? here : meant}`,
      )
      return false
    }
    if (names.indexOf(name) === index) return true
    problem(at, `names '${name}' again: once is enough`)
    return false
  })
}

const CRON_FIELD = /^(?:[\d*?LW#/,-]|[A-Za-z]{3})+$/

/** Five fields that name some time, and a time zone that this Node knows. */
export function checkSchedule(schedule: TopLevel['schedule'], problem: Complain): void {
  if (schedule === undefined) return
  const fields = schedule.cron.trim().split(/\s+/)
  if (fields.length !== 5 || !fields.every((field) => CRON_FIELD.test(field))) {
    problem(
      ['schedule', 'cron'],
      "must be five fields, minute hour day month weekday, such as '17 */6 * * *'",
    )
  } else {
    const fault = faultOfCron(schedule.cron)
    if (fault !== null) problem(['schedule', 'cron'], fault)
  }
  if (schedule.timezone !== undefined && !isTimeZone(schedule.timezone)) {
    const zone = schedule.timezone
    const meant = Intl.supportedValuesOf('timeZone').find((name) => name.endsWith(`/${zone}`))
    problem(
      ['schedule', 'timezone'],
      `must be an IANA time zone, such as Europe/Berlin or UTC${meant === undefined ? '' : ` (did you mean '${meant}'?)`}`,
    )
  }
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false // RangeError: the only way to ask
  }
}

/** Money can be held to a limit only where every price is known, in one currency. The simulated provider is free. */
export function checkBudget(
  cost: number | undefined,
  targets: readonly (Target | undefined)[],
  problem: Complain,
): void {
  if (cost === undefined) return
  const currencies = new Set<string>()
  for (const [index, target] of targets.entries()) {
    if (target === undefined || target.simulate !== null) continue
    if (target.price !== null) currencies.add(target.price.currency)
    else {
      problem(
        ['targets', index, 'price'],
        `is missing: budget.cost cannot be kept without it; write { inputPerM: …, outputPerM: … }, money per million tokens`,
      )
    }
  }
  if (currencies.size > 1) {
    problem(
      ['budget', 'cost'],
      `cannot be kept over prices in ${[...currencies].join(' and ')}: use one currency, or a budget of tokens`,
    )
  }
}
