/** Which proxy, if any, stands between us and an origin. */

export type ProxyChoice = { proxy: URL | null } | { problem: string }

/**
 * `setting` is 'none', 'env' or a URL. By environment, `https_proxy` serves https origins and `http_proxy` http
 * ones (small letters win, as in curl), `no_proxy` lists exceptions, and loopback is always reached directly
 * (as in Go: a proxy cannot reach *our* loopback).
 */
export function chooseProxy(
  origin: URL,
  setting: string,
  env: Readonly<Record<string, string | undefined>>,
): ProxyChoice {
  if (setting === 'none') return { proxy: null }
  if (setting !== 'env') return parseProxy(setting)
  const name = origin.protocol === 'https:' ? 'https_proxy' : 'http_proxy'
  const value = env[name] || env[name.toUpperCase()]
  if (!value || isLoopback(origin.hostname)) return { proxy: null }
  const exceptions = env.no_proxy || env.NO_PROXY || ''
  return isExempt(origin, exceptions) ? { proxy: null } : parseProxy(value)
}

/** The value of Proxy-Authorization, or undefined where the URL carries no credentials. */
export function proxyAuthorization(proxy: URL): string | undefined {
  if (proxy.username === '') return undefined
  const pair = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`
  return `Basic ${Buffer.from(pair).toString('base64')}`
}

/** The URL is never quoted back: it may carry a password. */
function parseProxy(value: string): ProxyChoice {
  const text = value.includes('://') ? value : `http://${value}`
  if (!URL.canParse(text)) return { problem: 'the proxy setting is no URL' }
  const proxy = new URL(text)
  if (proxy.protocol === 'http:' || proxy.protocol === 'https:') return { proxy }
  return { problem: `a ${proxy.protocol} proxy is not supported, only http: and https:` }
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}

/** Entries are host names (their subdomains too), with or without a port; `*` is everything. */
function isExempt(origin: URL, exceptions: string): boolean {
  const port = portOf(origin)
  return exceptions
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true
      const [, name = entry, only] = /^(.+):(\d+)$/.exec(entry) ?? []
      const bare = name.replace(/^\*?\./, '')
      const fits = origin.hostname === bare || origin.hostname.endsWith(`.${bare}`)
      return fits && (only === undefined || Number(only) === port)
    })
}

/** The port of a URL, also where it is the usual one of its scheme. */
export function portOf(url: URL): number {
  return Number(url.port) || (url.protocol === 'https:' ? 443 : 80)
}

/** The host as sockets want it: an IPv6 address without brackets. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '')
}
