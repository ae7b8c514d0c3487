/** The JSON Schema of scenario files, with the built-in tables filled in. */
import { scenarioJsonSchema } from '../scenario/json-schema.js'
import { PROFILE_NAMES } from '../simulate/profiles.js'
import { probes, protocolNames, providers } from './tables.js'

export function scenarioSchema(): object {
  return scenarioJsonSchema(probes, {
    providers: Object.keys(providers),
    protocols: protocolNames,
    profiles: PROFILE_NAMES,
  })
}
