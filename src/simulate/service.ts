/** From a profile to the service that serves by it. */
import type { Random } from '../random/random.js'
import type { Agenda } from './agenda.js'
import type { Service } from './job.js'
import { createLawService } from './law.js'
import type { Profile } from './profiles.js'
import { createReplica } from './replica.js'

export function createService(profile: Profile, random: Random, agenda: Agenda): Service {
  return profile.kind === 'engine'
    ? createReplica(profile.constants, random, agenda)
    : createLawService(profile.constants, random, agenda)
}
