/** What is known of each provider before anybody asks it. */
import { engines } from './engines.js'
import { hostedServices } from './hosted.js'
import type { Provider } from './provider.js'
import { vendors } from './vendors.js'

export const presets: readonly Provider[] = [...vendors, ...hostedServices, ...engines]

/** The preset of that name, or undefined. */
export function resolveProvider(name: string): Provider | undefined {
  return presets.find((preset) => preset.name === name)
}
