/** The JSON Schema of scenario files, with the built-in tables filled in. */
import type { ProtocolName } from '../protocol/protocol.js'
import { scenarioJsonSchema } from '../scenario/json-schema.js'
import { PROFILE_NAMES } from '../simulate/profiles.js'
import { probes, protocols, providers } from './tables.js'

export function scenarioSchema(): object {
  return scenarioJsonSchema(probes, {
    providers: Object.keys(providers),
    protocols: Object.keys(protocols) as ProtocolName[],
    profiles: PROFILE_NAMES,
  })
}
