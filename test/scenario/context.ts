/** The real tables, as `run` passes them to the scenario room. */
import { presets } from '../../src/provider/presets.js'
import { probes, protocols } from '../../src/run/tables.js'
import type { ScenarioContext } from '../../src/scenario/context.js'
import type { KnownNames } from '../../src/scenario/target-schema.js'
import { PROFILE_NAMES } from '../../src/simulate/profiles.js'

const providers = Object.fromEntries(presets.map((preset) => [preset.name, preset]))

export const known: KnownNames = {
  providers: presets.map(({ name }) => name),
  protocols: Object.values(protocols).map(({ name }) => name),
  profiles: PROFILE_NAMES,
}

export const context: ScenarioContext = {
  probes,
  providers,
  protocols: known.protocols,
  profiles: PROFILE_NAMES,
  env: {},
  userProbes: {},
}
