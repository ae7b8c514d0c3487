/** Keys and secret headers of a target, read from the environment when the run starts and held nowhere else. */

export interface SecretSources {
  /** Name of the target, for the sentence. */
  name: string
  apiKeyEnv: string | null
  /** `authorization` carries the key as `Bearer …`, any other header carries it bare. @default authorization */
  keyHeader?: string | undefined
  headers: Readonly<Record<string, string | { env: string }>>
}

export type Secrets =
  | {
      ok: true
      /** Headers to send, the key among them. */
      headers: Record<string, string>
      /** Every secret value, for the redactor. */
      secrets: string[]
    }
  | { ok: false; message: string }

export type Environment = Readonly<Record<string, string | undefined>>

/** `extra`: secret headers given on the command line, which no file ever sees. */
export function readSecrets(
  target: SecretSources,
  env: Environment,
  extra: Readonly<Record<string, string>> = {},
): Secrets {
  const headers: Record<string, string> = {}
  const secrets: string[] = []
  if (target.apiKeyEnv !== null) {
    const key = env[target.apiKeyEnv]?.trim()
    if (!key) return { ok: false, message: missing(target.name, target.apiKeyEnv) }
    const { keyHeader = 'authorization' } = target
    headers[keyHeader] = keyHeader === 'authorization' ? `Bearer ${key}` : key
    secrets.push(key)
  }
  for (const [name, value] of Object.entries(target.headers)) {
    if (typeof value === 'string') {
      headers[name.toLowerCase()] = value
      continue
    }
    const secret = env[value.env]
    if (!secret) return { ok: false, message: missing(target.name, value.env) }
    headers[name.toLowerCase()] = secret
    secrets.push(secret)
  }
  for (const [name, value] of Object.entries(extra)) {
    headers[name.toLowerCase()] = value
    secrets.push(value, value.replace(/^bearer\s+/i, ''))
  }
  return { ok: true, headers, secrets }
}

function missing(target: string, variable: string): string {
  return `target ${target} needs the environment variable ${variable}, which is not set: export ${variable}=… and run again`
}
