/** Which faults hold for a request: of the plan those that are due, and those that its own header asks for. */
import type { Random } from '../random/random.js'
import { SERVICE_CAUSES } from './causes.js'
import { parseFaults, type Fault } from './faults.js'
import { splitPlanned, type Incident } from './incidents.js'
import { isDue, parsePlanned, type Planned } from './schedule.js'

export type FaultPlan =
  { ok: true; onWire: readonly Planned[]; incidents: readonly Incident[] } | { ok: false; problem: string }

/** Reads what `--fault` gives; everything in it is known and can happen at a server. */
export function parseFaultPlan(text: string): FaultPlan {
  const parsed = parsePlanned(text)
  if (!parsed.ok) return parsed
  const { incidents, onWire } = splitPlanned(parsed.planned)
  const wire = parseFaults(onWire.map(wireText).join(','))
  if (!wire.ok) return wire
  const stranger = incidents.find(({ cause }) => !SERVICE_CAUSES.has(cause))
  if (stranger) {
    const problem = `fault '${stranger.cause}' lies with the client, so a server cannot make it; it happens in virtual time`
    return { ok: false, problem }
  }
  return { ok: true, onWire, incidents }
}

export type FaultsDue =
  { ok: true; fault: Fault; names: string[]; incidents: readonly Incident[] } | { ok: false; problem: string }

/** `own` is the request's header. The plan's incidents are the service's business and are not given again. */
export function faultsDue(
  onWire: readonly Planned[],
  own: string,
  arrivalMs: number,
  random: Random,
): FaultsDue {
  const asked = parseFaultPlan(own)
  if (!asked.ok) return asked
  const crowd = asked.incidents.find(({ cause }) => cause === 'noisy-neighbour' || cause === 'slow-replica')
  if (crowd) return { ok: false, problem: `fault '${crowd.cause}' befalls a replica, not one request` }
  const due = onWire.filter(({ when }) => isDue(when, arrivalMs) && random.next() < when.share)
  const parsed = parseFaults([...due, ...asked.onWire].map(wireText).join(','))
  if (!parsed.ok) return parsed
  const names = [...parsed.names, ...asked.incidents.map(({ cause, value }) => `${cause}:${value}`)]
  return { ok: true, fault: parsed.fault, names, incidents: asked.incidents }
}

function wireText({ name, value }: Planned): string {
  return value === undefined ? name : `${name}:${value}`
}
