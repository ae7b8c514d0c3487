/** The simulated providers that a scenario asks for, each in a process of its own. */
import type { ProtocolName } from '../protocol/protocol.js'
import type { Target } from '../scenario/scenario.js'
import type { SpawnedSimulator } from '../simulate/process.js'
import { spawnSimulator } from '../simulate/process.js'

export interface Simulators {
  /** Base URL of the simulator started for a target, or undefined. */
  urlOf(target: string): string | undefined
  close(): Promise<void>
}

/** Where the simulated provider serves a protocol, if not under `/v1`. */
const BASE_PATHS: Partial<Record<ProtocolName, string>> = {
  gemini: '/v1beta',
  ollama: '',
  'ollama-generate': '',
}

export async function startSimulators(
  targets: readonly Target[],
): Promise<{ ok: true; simulators: Simulators } | { ok: false; message: string }> {
  const running = new Map<string, { simulator: SpawnedSimulator; basePath: string }>()
  const close = async (): Promise<void> => {
    await Promise.all([...running.values()].map(({ simulator }) => simulator.close()))
  }
  const urlOf = (target: string): string | undefined => {
    const started = running.get(target)
    return started && started.simulator.url + started.basePath
  }
  for (const { name, simulate, model, protocol } of targets) {
    if (simulate === null) continue
    try {
      const { profile, set } = simulate
      const simulator = await spawnSimulator({ profile, set: { ...set }, models: [model] })
      running.set(name, { simulator, basePath: BASE_PATHS[protocol] ?? '/v1' })
    } catch (error) {
      await close()
      const reason = error instanceof Error ? error.message : String(error)
      return { ok: false, message: `the simulated provider of target ${name} did not start: ${reason}` }
    }
  }
  return { ok: true, simulators: { urlOf, close } }
}
