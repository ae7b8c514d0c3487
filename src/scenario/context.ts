/** What a scenario is read in: the tables of the house and the environment. */
import type { Probe } from '../plan/probe.js'
import type { ProtocolName } from '../protocol/protocol.js'
import type { CacheRules, Provider } from '../provider/provider.js'
import type { Environment } from './substitute.js'

export type SimulatedCache = Pick<CacheRules, 'minimumTokens' | 'stepTokens'>

/** The tables and surroundings that a scenario is read in. */
export interface ScenarioContext {
  /** Built-in probes, by name. */
  probes: Readonly<Record<string, Probe>>
  providers: Readonly<Record<string, Provider>>
  protocols: readonly ProtocolName[]
  /** Profiles of the simulated provider; left out: any name is taken. */
  profiles?: readonly string[]
  /** What a profile's cache does; or what is wrong with the constants set on it, in sentences. */
  simulated?: (
    profile: string,
    set: Readonly<Record<string, number | string | boolean>>,
  ) => { cache: SimulatedCache } | { problems: readonly string[] }
  env: Environment
  /** The user's probes, by the paths of `probeFilesOf`, already loaded. */
  userProbes: Readonly<Record<string, Probe>>
  /** By the same paths: why one could not be loaded. */
  probeProblems?: Readonly<Record<string, string>>
}
