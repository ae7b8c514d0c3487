/** `${NAME}` and `${NAME:-default}` in the texts of a scenario, filled in after YAML has been read. */
import { looksLikeSecret } from '../border/redact.js'
import { pathText } from '../border/problem.js'
import type { PathPart } from '../border/problem.js'

export type Environment = Readonly<Record<string, string | undefined>>

export interface Substituted {
  /** A copy; what the environment gave is text and never read as YAML again. */
  value: unknown
  /**
   * By `pathText`: the variable behind a text, and whether it is the whole of it (then a number may be meant). Such
   * texts are not repeated in messages.
   */
  fromEnv: ReadonlyMap<string, { name: string; whole: boolean }>
  /** Names that were used. */
  used: ReadonlySet<string>
}

export const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

/** Names that hold secrets by custom. `MAX_TOKENS` is none. */
export const SECRET_NAME = /(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)$/i

const REFERENCE = /\$\$|\$\{([^{}]*)\}|\$\{/g
const INSIDE = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s

/**
 * Only names in `allowed` are filled in: a scenario from somebody else must not carry a variable of this machine into
 * a prompt or an address. `$$` is a dollar sign. `skip` names the paths whose texts stay as they are.
 */
export function substitute(
  value: unknown,
  allowed: ReadonlySet<string>,
  env: Environment,
  report: (path: readonly PathPart[], message: string) => void,
  skip: (path: readonly PathPart[]) => boolean,
): Substituted {
  const fromEnv = new Map<string, { name: string; whole: boolean }>()
  const used = new Set<string>()

  function text(source: string, path: readonly PathPart[]): string {
    return source.replace(REFERENCE, (found: string, inside: string | undefined) => {
      if (found === '$$') return '$'
      const [, name, fallback] = INSIDE.exec(inside ?? '') ?? []
      if (name === undefined) {
        report(
          path,
          "holds a '${' that is not well formed: write ${NAME}, ${NAME:-default}, or $${ for the text itself",
        )
        return ''
      }
      used.add(name)
      fromEnv.set(pathText(path), { name, whole: found === source })
      if (!allowed.has(name)) {
        report(path, notAllowed(name))
        return ''
      }
      const held = Object.hasOwn(env, name) ? env[name] : undefined
      if (fallback !== undefined && (held === undefined || held === '')) return fallback
      if (held === undefined) {
        report(
          path,
          `needs the environment variable ${name}, which is not set: export it, or write \${${name}:-default}`,
        )
        return ''
      }
      const secret = looksLikeSecret(held)
      if (secret !== null) {
        report(
          path,
          `may not use ${name}, which seems to hold ${secret}: a secret never enters a scenario (apiKeyEnv or a header { env: ${name} } names it)`,
        )
        return ''
      }
      return held
    })
  }

  function copy(node: unknown, path: readonly PathPart[]): unknown {
    if (skip(path)) return node
    if (typeof node === 'string') return text(node, path)
    if (Array.isArray(node)) return node.map((item, index) => copy(item, [...path, index]))
    if (typeof node !== 'object' || node === null) return node
    // fromEntries defines keys: none of them can reach a prototype.
    return Object.fromEntries(Object.entries(node).map(([key, item]) => [key, copy(item, [...path, key])]))
  }

  return { value: copy(value, []), fromEnv, used }
}

function notAllowed(name: string): string {
  if (SECRET_NAME.test(name)) {
    return `may not use \${${name}}: a secret never enters a scenario; name it by apiKeyEnv: ${name}, or in a header as { env: ${name} }`
  }
  return `uses \${${name}}, which is not listed under env: add ${name} to the list env, or write $\${${name}} for the text itself`
}
