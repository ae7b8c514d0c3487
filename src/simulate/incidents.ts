/** What goes wrong inside the provider or its client, on purpose: which cause, how much, when and for whom. */
import type { Random } from '../random/random.js'
import { isCause, type Cause } from './causes.js'
import type { FleetConstants } from './fleet-constants.js'
import { isDue, parsePlanned, type Planned, type When } from './schedule.js'

/** One planned trouble. */
export interface Incident extends When {
  readonly cause: Cause
  /** How much, in the unit of `DEFAULT_VALUES`. */
  readonly value: number
}

/** What an incident without a value does, and what its value means. */
export const DEFAULT_VALUES: Readonly<Record<Cause, number>> = {
  /** Factor on the prompt's tokens. */
  'prefill-surge': 4,
  /** 1: nothing of the request is served from the cache. */
  'cold-cache': 1,
  /** The tenant's load as a share of what a busy replica can do. */
  'noisy-neighbour': 0.5,
  /** Median of the added wait, ms; lognormal with σ .5. */
  queueing: 800,
  /** Factor on all times behind the other route, beside its region's own constants. */
  'route-change': 1.5,
  /** Attempts that fail with 503 before one is served. */
  retry: 1,
  /** Factor on prefill and decode. */
  'slow-replica': 2,
  /** Factor on the visible output. */
  'long-output': 3,
  /** Tokens of reasoning more. */
  reasoning: 400,
  /** Median of the time that the client does not read, ms; lognormal with σ .5. */
  'client-stall': 1500,
  /** Median of the network time more, ms; lognormal with σ .5. */
  network: 600,
}

/** Splits a list of faults into what happens inside and what happens on the wire. */
export function splitPlanned(planned: readonly Planned[]): { incidents: Incident[]; onWire: Planned[] } {
  const incidents: Incident[] = []
  const onWire: Planned[] = []
  for (const each of planned) {
    const { name, value, when } = each
    if (isCause(name)) incidents.push({ ...when, cause: name, value: value ?? DEFAULT_VALUES[name] })
    else onWire.push(each)
  }
  return { incidents, onWire }
}

export type IncidentsParsed = { ok: true; incidents: Incident[] } | { ok: false; problem: string }

/** Reads `slow-replica:2 from=3m to=5m replica=1, cold-cache share=.1`; faults on the wire are refused. */
export function parseIncidents(text: string): IncidentsParsed {
  const parsed = parsePlanned(text)
  if (!parsed.ok) return parsed
  const { incidents, onWire } = splitPlanned(parsed.planned)
  const [stranger] = onWire
  if (stranger) return { ok: false, problem: `fault '${stranger.name}' does not happen in virtual time` }
  return { ok: true, incidents }
}

/** What befalls a replica, and so every request that is there. */
const OF_REPLICAS: ReadonlySet<Cause> = new Set<Cause>(['noisy-neighbour', 'slow-replica'])

/** What an incident names that the fleet does not have, or that says nothing about its cause; a sentence each. */
export function incidentProblems(
  incidents: readonly Incident[],
  { regions, tenants, replicas }: Pick<FleetConstants, 'regions' | 'tenants' | 'replicas'>,
): string[] {
  const problems: string[] = []
  const names = (list: readonly { name: string }[]): string =>
    list.map(({ name }) => name).join(', ') || 'none'
  for (const { cause, share, replica, region, tenant } of incidents) {
    const say = (text: string): void => void problems.push(`fault '${cause}': ${text}`)
    const strikesReplicas = OF_REPLICAS.has(cause)
    if (strikesReplicas && share < 1)
      say('befalls a replica and so every request there; narrow it by from, to and replica, not by share')
    if (!strikesReplicas && replica !== undefined) say('befalls requests, so replica does not narrow it')
    if (!strikesReplicas && cause !== 'route-change' && region !== undefined)
      say('befalls requests wherever they are served, so region does not narrow it')
    if (cause !== 'noisy-neighbour' && tenant !== undefined) say('has no tenant; noisy-neighbour has')
    if (replica !== undefined && replica >= replicas)
      say(`there is no replica ${replica}; there are ${replicas}, counted from 0`)
    if (region !== undefined && !regions.some(({ name }) => name === region))
      say(`there is no region '${region}'; there are ${names(regions)}`)
    if (cause === 'noisy-neighbour' && region !== undefined && region !== regions[0]?.name)
      say('tenants are in the home region, which is the first one')
    if (tenant !== undefined && !tenants.some(({ name }) => name === tenant))
      say(`there is no tenant '${tenant}'; there are ${names(tenants)}`)
  }
  return problems
}

/** An incident that meets a request, and the draws that are the two's alone. */
export interface Struck {
  readonly incident: Incident
  readonly draws: Random
}

/** Which incidents meet a request. */
export type Lot = (id: number, arrivalMs: number) => Struck[]

/**
 * Each incident is drawn for by its cause and its number among those of its cause, so that a run without one cause
 * draws the same for all others.
 */
export function createLot(incidents: readonly Incident[], random: Random): Lot {
  const numbered = incidents.map((incident, i) => {
    const number = incidents.slice(0, i).filter(({ cause }) => cause === incident.cause).length
    const own = random.fork(`${incident.cause}/${number}`)
    return { incident, random: own, word: own.int(2 ** 32) }
  })
  return (id, arrivalMs) => {
    const struck: Struck[] = []
    for (const { incident, random: own, word } of numbered) {
      if (!isDue(incident, arrivalMs) || uniform(word, id) >= incident.share) continue
      struck.push({ incident, draws: own.fork(String(id)) })
    }
    return struck
  }
}

/** In [0, 1), from two words by murmur3's finish: a generator for each request and incident would cost more. */
function uniform(word: number, id: number): number {
  let h = word ^ Math.imul(id + 1, 0x9e3779b1)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32
}

/** The value of an incident that is a time, as it befalls one request: lognormal with σ .5. */
export function drawnMs({ incident, draws }: Struck): number {
  return incident.value * Math.exp(0.5 * draws.normal())
}
