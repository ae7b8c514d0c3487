/** The address of a preset: where it leaves a region or a project open, target or environment fill it in. */
import type { Provider } from '../provider/provider.js'
import type { Environment } from './substitute.js'

export type PresetAddress =
  | { url: string | null }
  /** What must be given, in words. */
  | { missing: string }

const OPEN = /\{(\w+)\}/g

export function presetAddress(
  { baseUrl, address = {} }: Provider,
  region: string | null,
  env: Environment,
): PresetAddress {
  if (baseUrl === null) return { url: null }
  const missing: string[] = []
  const valueOf = (name: string): string => {
    const variables = address[name] ?? []
    const value = (name === 'region' ? region : null) ?? variables.map((each) => env[each]).find(Boolean)
    // It becomes a part of a host or a path: anything else would send the key elsewhere.
    if (value !== undefined && /^[a-z0-9][a-z0-9-]{0,62}$/.test(value)) return value
    missing.push(`${name === 'region' ? 'region under the target, or ' : ''}${variables.join(' or ')}`)
    return name
  }
  // Google's global location has a host without a region in front.
  const open = region === 'global' ? baseUrl.replace('{region}-', '') : baseUrl
  const url = open.replace(OPEN, (_, name: string) => valueOf(name))
  return missing.length === 0 ? { url } : { missing: [...new Set(missing)].join(', and ') }
}

/** Whether `url` is at the preset's own host, whatever its region. */
export function isHome(url: string, { baseUrl }: Provider): boolean {
  if (baseUrl === null) return false
  const [origin = ''] = /^https?:\/\/[^/]+/.exec(baseUrl) ?? []
  const pattern = origin
    .split(/(\{\w+\}-?)/)
    // Every other part is a name between braces; the hyphen behind it goes where the region does (Google's global).
    .map((part, i) => {
      if (i % 2 === 0) return part.replaceAll('.', '\\.')
      return part.endsWith('-') ? '(?:[a-z0-9-]+-)?' : '[a-z0-9-]+'
    })
    .join('')
  return new RegExp(`^${pattern}$`).test(new URL(url).origin)
}
