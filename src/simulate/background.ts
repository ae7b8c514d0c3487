/** Background load: the tenants of an engine, and neighbours that crowd a replica for a while. */
import type { Random } from '../random/random.js'
import type { Agenda } from './agenda.js'
import type { Tenant } from './fleet-constants.js'
import type { Incident } from './incidents.js'
import type { Replica } from './job.js'
import { contextLimit, type Profile } from './profiles.js'
import type { ReplicaConstants } from './replica.js'
import { idlePrefillMs } from './step-law.js'
import { gapsOf, lengthOf, MEAN_OVER_MEDIAN, NEIGHBOUR } from './tenants.js'

/** Ids of background jobs lie above all that a caller gives. */
const FIRST_BACKGROUND_ID = 2 ** 40
const MOST_PROMPT_TOKENS = 16_384

/** Lets the tenants of an engine profile and its noisy neighbours send for as long as the agenda runs. */
export function startTenants(
  profile: Profile,
  incidents: readonly Incident[],
  random: Random,
  agenda: Agenda,
  replicaAt: (number: number) => Replica,
): void {
  if (profile.kind !== 'engine') return
  const { constants } = profile
  const most = Math.min(MOST_PROMPT_TOKENS, Math.floor(contextLimit(profile) / 2))
  let nextId = FIRST_BACKGROUND_ID

  function stream(tenant: Tenant, ratePerS: number, number: number, fromMs: number, toMs: number): void {
    const own = random.fork(`${tenant.name}/${number}/${fromMs}`)
    const gaps = gapsOf(tenant, own)
    const gapMs = (): number => (gaps() * 1000) / ratePerS
    const arrive = (nowMs: number): void => {
      if (nowMs >= toMs) return
      replicaAt(number).submit(
        {
          id: nextId++,
          arrivalMs: nowMs,
          promptTokens: lengthOf(tenant.promptTokens, most, own),
          outputTokens: lengthOf(tenant.outputTokens, most, own),
          reasoningTokens: 0,
          hashes: NO_HASHES,
          isBackground: true,
          tells: 'ends',
          onToken: () => {},
        },
        nowMs,
      )
      agenda.at(nowMs + gapMs(), arrive)
    }
    if (ratePerS > 0) agenda.at(fromMs + gapMs(), arrive)
  }

  for (let number = 0; number < constants.replicas; number++) {
    for (const tenant of constants.tenants) stream(tenant, tenant.ratePerS, number, 0, Infinity)
    for (const incident of incidents) {
      if (incident.cause !== 'noisy-neighbour' || (incident.replica ?? number) !== number) continue
      const tenant = constants.tenants.find(({ name }) => name === incident.tenant) ?? NEIGHBOUR
      stream(
        tenant,
        (incident.value * 1000) / costMs(constants, tenant),
        number,
        incident.fromMs,
        incident.toMs,
      )
    }
  }
}

/** What a mean request of a tenant takes of a busy replica: its prefill, and what each token adds to a step. */
function costMs(constants: ReplicaConstants, tenant: Tenant): number {
  const prompt = Math.round(tenant.promptTokens * MEAN_OVER_MEDIAN)
  const output = tenant.outputTokens * MEAN_OVER_MEDIAN
  const tokenMs =
    (constants.tokenUs + constants.sequenceUs) * 1e-3 + constants.contextNs * (prompt + output / 2) * 1e-6
  return idlePrefillMs(constants, prompt, 0) + output * tokenMs
}

const NO_HASHES = new Float64Array(0)
