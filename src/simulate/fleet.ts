/** A provider whole: regions of replicas behind a router, a gateway and a queue, and what goes wrong on the way. */
import type { Random } from '../random/random.js'
import type { Agenda } from './agenda.js'
import { startTenants } from './background.js'
import type { Cause } from './causes.js'
import type { Region } from './fleet-constants.js'
import { drawHosted, networkMs, type HostedDraws } from './hosted-draws.js'
import { createLot, drawnMs, type Incident, type Struck } from './incidents.js'
import { usableTokens } from './engine.js'
import { settlePhases, type Job, type Outcome, type Replica, type Service, type ServiceLoad } from './job.js'
import type { Profile } from './profiles.js'
import { createSite, type Site } from './site.js'

export interface FleetOptions {
  readonly incidents?: readonly Incident[]
  /** Every prefix that the region has ever had is still there, at every replica: the twin without cold caches. */
  readonly perfectCache?: boolean
}

/** What incidents do to one request. */
interface Effects {
  missesCache: boolean
  queueMs: number
  networkMs: number
  clientMs: number
  /** Token (as a share of them) before which the client stops reading. */
  clientPlace: number
  region: Region
  factor: number
}

interface Flight {
  readonly job: Job
  readonly site: Site
  readonly replica: Replica
  readonly number: number
  readonly draws: HostedDraws
  readonly effects: Effects
  readonly upMs: number
  readonly downMs: number
  readonly queueMs: number
  /** When the request reached its replica. */
  readonly servedMs: number
  seenTokens: number
  firstMs: number
  unreadMs: { first: number; visible: number }
  /** Nothing is delivered before it: the client does not read. */
  clientUntilMs: number
}

export function createFleet(
  profile: Profile,
  random: Random,
  agenda: Agenda,
  { incidents = [], perfectCache = false }: FleetOptions = {},
): Service {
  const { constants } = profile
  const home = constants.regions[0]!
  const lot = createLot(incidents, random.fork('incidents'))
  const jobs = random.fork('jobs')
  const sites = new Map<string, Site>()
  const flights = new Map<number, Flight>()

  function siteAt(region: Region, factor: number): Site {
    const name = `${region.name}/${factor}`
    const site =
      sites.get(name) ??
      createSite({
        profile,
        region,
        isHome: region === home && factor === 1,
        factor,
        incidents,
        random,
        agenda,
      })
    sites.set(name, site)
    return site
  }

  function effectsOf(job: Job): Effects {
    const effects: Effects = {
      missesCache: false,
      queueMs: 0,
      networkMs: 0,
      clientMs: 0,
      clientPlace: 0,
      region: home,
      factor: 1,
    }
    const struck = lot(job.id, job.arrivalMs)
    for (const incident of job.incidents ?? []) {
      struck.push({ incident, draws: jobs.fork(`${job.id}/${incident.cause}`) })
    }
    for (const each of struck) strike(effects, each)
    return effects
  }

  function strike(effects: Effects, struck: Struck): void {
    const { cause, value, region } = struck.incident
    if (cause === 'cold-cache') effects.missesCache = true
    else if (cause === 'queueing') effects.queueMs += drawnMs(struck)
    else if (cause === 'network') effects.networkMs += drawnMs(struck)
    else if (cause === 'client-stall') {
      effects.clientMs += drawnMs(struck)
      effects.clientPlace = struck.draws.next()
    } else if (cause === 'route-change') {
      const { regions } = constants
      effects.region = regions.find(({ name }) => name === region) ?? regions[1] ?? home
      effects.factor *= value
    }
  }

  function submit(job: Job, nowMs: number): void {
    const effects = effectsOf(job)
    const site = siteAt(effects.region, effects.factor)
    const draws = drawHosted(constants, job.outputTokens, jobs.fork(String(job.id)))
    const tripMs = networkMs(site.region, job.newConnection ?? false, draws.network) + effects.networkMs
    const queueMs = draws.queueMs + effects.queueMs
    const number = site.route({
      hashes: job.hashes,
      key: job.key ?? '',
      nowMs: job.arrivalMs,
      replica: draws.replica,
      overflow: draws.overflow,
    })
    const flight: Flight = {
      job,
      site,
      replica: site.replica(number),
      number,
      draws,
      effects,
      upMs: tripMs / 2,
      downMs: tripMs / 2,
      queueMs,
      servedMs: job.arrivalMs + tripMs / 2 + draws.gatewayMs + queueMs,
      seenTokens: 0,
      firstMs: NaN,
      unreadMs: { first: 0, visible: 0 },
      clientUntilMs: -Infinity,
    }
    flights.set(job.id, flight)
    job.onRouted?.(site.region.name, site.fingerprint)
    if (flight.servedMs <= nowMs) serve(flight, nowMs)
    else agenda.at(flight.servedMs, (dueMs) => serve(flight, dueMs))
  }

  function serve(flight: Flight, nowMs: number): void {
    const { job, site, draws, effects, servedMs } = flight
    if (flights.get(job.id) !== flight) return
    flight.seenTokens = usableTokens(constants, site.seen.lookUp(job.hashes, job.promptTokens))
    flight.replica.submit(
      {
        id: job.id,
        arrivalMs: servedMs,
        promptTokens: job.promptTokens,
        outputTokens: job.outputTokens,
        reasoningTokens: job.reasoningTokens,
        hashes: job.hashes,
        tells: job.tells,
        onCached: (tokens) => job.onCached?.(tokens),
        missesCache: !perfectCache && (draws.missesCache || effects.missesCache),
        grantedTokens: perfectCache ? flight.seenTokens : 0,
        onToken: (index, dueMs, outcome) => pass(flight, index, dueMs, outcome),
      },
      nowMs,
    )
  }

  /** A token on its way from the replica to the client. */
  function pass(flight: Flight, index: number, dueMs: number, outcome: Outcome | undefined): void {
    const { job, draws, effects, downMs, site } = flight
    if (index === 0) site.seen.remember(job.hashes)
    const stallMs = draws.stallAt >= 0 && index >= draws.stallAt ? draws.stallMs : 0
    const atMs = dueMs + downMs + stallMs
    // Who sends no reasoning gives the client nothing to read before the answer.
    const unseen = constants.streamsReasoning ? 0 : job.reasoningTokens
    const clientFrom = unseen + Math.floor(effects.clientPlace * (job.outputTokens - unseen))
    if (effects.clientMs > 0 && index >= clientFrom && flight.clientUntilMs === -Infinity) {
      flight.clientUntilMs = atMs + effects.clientMs
    }
    const readMs = Math.max(atMs, flight.clientUntilMs)
    if (index === 0) {
      flight.firstMs = readMs
      flight.unreadMs.first = readMs - atMs
    }
    if (index === job.reasoningTokens) flight.unreadMs.visible = readMs - atMs
    const whole = outcome && describe(flight, outcome, atMs, readMs)
    // Who hears of ends only keeps them, so they may be told before they are due.
    if (readMs <= dueMs || job.tells === 'ends') tell(flight, index, readMs, whole)
    else agenda.at(readMs, (lateMs) => tell(flight, index, lateMs, whole))
  }

  function tell(flight: Flight, index: number, dueMs: number, outcome: Outcome | undefined): void {
    const { job } = flight
    if (flights.get(job.id) !== flight) return
    if (outcome) flights.delete(job.id)
    job.onToken(index, dueMs, outcome)
  }

  function describe(flight: Flight, inner: Outcome, atMs: number, readMs: number): Outcome {
    const { job, site, number, draws, queueMs, upMs, downMs, seenTokens } = flight
    const { phases } = inner
    const e2eMs = readMs - job.arrivalMs
    const gapMaxMs = Math.max(inner.gapMaxMs, draws.stallAt > 0 ? draws.stallMs : 0, readMs - atMs)
    const settled = settlePhases(e2eMs, {
      network: phases.network + upMs + downMs,
      gateway: phases.gateway + draws.gatewayMs,
      queue: phases.queue + queueMs,
      prefillFresh: phases.prefillFresh,
      prefillCached: phases.prefillCached,
      reasoning: phases.reasoning,
      decode: phases.decode,
      client: phases.client + readMs - atMs,
    })
    return {
      cachedTokens: inner.cachedTokens,
      preemptions: inner.preemptions,
      ttftMs: flight.firstMs - job.arrivalMs,
      e2eMs,
      gapMaxMs,
      phases: settled,
      route: {
        region: site.region.name,
        replica: number,
        fingerprint: site.fingerprint,
        seenTokens,
        unreadMs: flight.unreadMs,
        labels: labelsOf(flight, inner.cachedTokens, settled.queue, e2eMs),
      },
    }
  }

  function labelsOf(flight: Flight, cachedTokens: number, waitMs: number, e2eMs: number): Cause[] {
    const { site, number, effects, servedMs, replica, seenTokens } = flight
    const beyondMs = waitMs - constants.queueMedianMs
    const labels: Cause[] = []
    // In the order of `CAUSES`.
    if (seenTokens - cachedTokens >= constants.blockTokens) labels.push('cold-cache')
    if (replica.crowdedMs() >= servedMs) labels.push('noisy-neighbour')
    if (effects.queueMs > 0 || beyondMs > Math.max(LISTED_MS, LISTED_SHARE * e2eMs)) labels.push('queueing')
    if (site.region !== home || effects.factor !== 1) labels.push('route-change')
    if (site.slowAt(number, servedMs) > 1) labels.push('slow-replica')
    if (effects.clientMs > 0) labels.push('client-stall')
    if (effects.networkMs > 0) labels.push('network')
    return labels
  }

  startTenants(profile, incidents, random.fork('tenants'), agenda, (number) =>
    siteAt(home, 1).replica(number),
  )

  return {
    submit,
    cancel(id) {
      const flight = flights.get(id)
      flights.delete(id)
      flight?.replica.cancel(id)
    },
    inFlight: () => flights.size,
    load: () => addLoads([...sites.values()].flatMap((site) => [...site.started()])),
  }
}

function addLoads(replicas: readonly Replica[]): ServiceLoad {
  const loads = replicas.map((replica) => replica.load())
  const sum = (of: keyof ServiceLoad): number => loads.reduce((total, load) => total + load[of], 0)
  return {
    running: sum('running'),
    waiting: sum('waiting'),
    kvUsage: sum('kvUsage') / Math.max(1, loads.length),
    preemptions: sum('preemptions'),
    prefilledTokens: sum('prefilledTokens'),
    cachedTokens: sum('cachedTokens'),
    decodedTokens: sum('decodedTokens'),
    steps: sum('steps'),
    stepSequences: sum('stepSequences'),
  }
}

/** A wait beyond the usual one is a label from here up, as a cause is listed. */
const LISTED_MS = 50
const LISTED_SHARE = 0.1
