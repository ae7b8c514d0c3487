/** The simulated providers that a scenario asks for, each in a process of its own. */
import type { Target } from '../scenario/scenario.js'
import type { SpawnedSimulator } from '../simulate/process.js'
import { spawnSimulator } from '../simulate/process.js'

export interface Simulators {
  /** Base URL of the simulator started for a target, or undefined. */
  urlOf(target: string): string | undefined
  close(): Promise<void>
}

export async function startSimulators(
  targets: readonly Target[],
): Promise<{ ok: true; simulators: Simulators } | { ok: false; message: string }> {
  const running = new Map<string, SpawnedSimulator>()
  const close = async (): Promise<void> => {
    await Promise.all([...running.values()].map((simulator) => simulator.close()))
  }
  const urlOf = (target: string): string | undefined => {
    const simulator = running.get(target)
    return simulator === undefined ? undefined : `${simulator.url}/v1`
  }
  for (const { name, simulate, model } of targets) {
    if (simulate === null) continue
    try {
      running.set(
        name,
        await spawnSimulator({ profile: simulate.profile, set: { ...simulate.set }, models: [model] }),
      )
    } catch (error) {
      await close()
      const reason = error instanceof Error ? error.message : String(error)
      return { ok: false, message: `the simulated provider of target ${name} did not start: ${reason}` }
    }
  }
  return { ok: true, simulators: { urlOf, close } }
}
