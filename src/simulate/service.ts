/** From a profile to the service that serves by it. */
import type { Random } from '../random/random.js'
import type { Agenda } from './agenda.js'
import { createFleet, type FleetOptions } from './fleet.js'
import type { Service } from './job.js'
import type { Profile } from './profiles.js'

export function createService(
  profile: Profile,
  random: Random,
  agenda: Agenda,
  options: FleetOptions = {},
): Service {
  return createFleet(profile, random, agenda, options)
}
