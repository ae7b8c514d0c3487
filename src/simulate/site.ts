/** The machines of one region behind one route: replicas that come into being when they are first asked. */
import { createRandom, type Random } from '../random/random.js'
import type { Agenda } from './agenda.js'
import type { Region } from './fleet-constants.js'
import type { Incident } from './incidents.js'
import type { FactorAt, Replica } from './job.js'
import { createLawService } from './law.js'
import { profileIn, type Profile } from './profiles.js'
import { createReplica } from './replica.js'
import { createRouter, type Router } from './router.js'
import { isDue } from './schedule.js'
import { createSeen, type Seen } from './seen.js'
import { MEAN_OVER_MEDIAN } from './tenants.js'

export interface Site {
  readonly region: Region
  readonly profile: Profile
  readonly fingerprint: string
  readonly route: Router
  readonly seen: Seen
  replica(number: number): Replica
  started(): Iterable<Replica>
  /** What times the work of a replica at an instant, less the level of the day: above 1 it is a slow one. */
  slowAt(number: number, nowMs: number): number
}

export interface SiteSettings {
  readonly profile: Profile
  readonly region: Region
  readonly isHome: boolean
  /** Times everything that is done here. */
  readonly factor: number
  readonly incidents: readonly Incident[]
  readonly random: Random
  readonly agenda: Agenda
}

const DAY_MS = 86_400_000

export function createSite(settings: SiteSettings): Site {
  const { region, isHome, factor, random, agenda } = settings
  const profile = profileIn(settings.profile, region)
  const { constants } = profile
  const name = `${region.name}/${factor}`
  const replicas = new Map<number, Replica>()
  const mine = settings.incidents.filter(({ region: wanted }) =>
    wanted === undefined ? isHome : wanted === region.name,
  )
  const slowing = mine.filter(({ cause }) => cause === 'slow-replica')
  const crowding = mine.filter(({ cause }) => cause === 'noisy-neighbour')
  const level = createLevel(constants.levelSigma, isHome, random.fork(`level/${region.name}`))

  function slowAt(number: number, nowMs: number): number {
    let slow = number >= constants.replicas - constants.slowReplicas ? constants.slowFactor : 1
    for (const incident of slowing) {
      if (isDue(incident, nowMs) && (incident.replica ?? number) === number) slow *= incident.value
    }
    return slow
  }

  function create(number: number): Replica {
    const own = random.fork(`${name}/${number}`)
    const factorAt: FactorAt = (nowMs) => factor * level(nowMs) * slowAt(number, nowMs)
    if (profile.kind === 'engine') return createReplica(profile.constants, own, agenda, factorAt)
    const { freshUs } = profile.constants
    const tenants = isHome ? constants.tenants : []
    const steady = tenants.reduce(
      (sum, tenant) => sum + tenant.ratePerS * tenant.promptTokens * MEAN_OVER_MEDIAN * freshUs * 1e-6,
      0,
    )
    const bursts = own.fork('bursts')
    const crowdAt: FactorAt = (nowMs) => {
      let load = steady
      for (const incident of crowding) {
        if (isDue(incident, nowMs) && (incident.replica ?? number) === number) load += incident.value
      }
      return load === 0 ? 0 : load * burst(bursts, nowMs)
    }
    return createLawService(profile.constants, agenda, factorAt, crowdAt)
  }

  return {
    region,
    profile,
    fingerprint: fingerprintOf(profile, factor),
    route: createRouter(constants),
    seen: createSeen(constants.blockTokens),
    replica(number) {
      const replica = replicas.get(number) ?? create(number)
      replicas.set(number, replica)
      return replica
    },
    started: () => replicas.values(),
    slowAt,
  }
}

/** The level of a day, lognormal with median 1; the constants are those of the first day at home. */
function createLevel(sigma: number, isHome: boolean, random: Random): FactorAt {
  if (sigma === 0) return () => 1
  const levels: number[] = isHome ? [1] : []
  return (nowMs) => {
    const day = Math.max(0, Math.floor(nowMs / DAY_MS))
    return (levels[day] ??= Math.exp(sigma * random.fork(String(day)).normal()))
  }
}

/** How much of a load is there in this second: exponential with mean 1, the same for all who ask. */
function burst(random: Random, nowMs: number): number {
  return random.fork(String(Math.floor(nowMs / 1000))).exponential()
}

/** Changes with the constants, as that of a real model does with its version. */
function fingerprintOf({ name, constants }: Profile, factor: number): string {
  const { regions: _, tenants: __, ...model } = constants
  const random = createRandom(JSON.stringify([name, model, factor]))
  return `fp_${Array.from({ length: 10 }, () => random.int(16).toString(16)).join('')}`
}
