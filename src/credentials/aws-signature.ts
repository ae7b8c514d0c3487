/** AWS Signature Version 4 over the exact headers and body of a request. */
import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import type { Signable } from './authorize.js'

export interface AwsKeys {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string | undefined
  expiration?: Date | undefined
}

export interface Scope {
  host: string
  region: string
  service: string
}

type Sha256 = ConstructorParameters<typeof SignatureV4>[0]['sha256']
type Data = string | ArrayBuffer | ArrayBufferView

const bytesOf = (data: Data): string | Uint8Array =>
  typeof data === 'string'
    ? data
    : ArrayBuffer.isView(data)
      ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
      : new Uint8Array(data)

/** SHA-256, or its HMAC with a secret, in the shape that the signer asks for: a class, since it calls `new`. */
const NodeSha256: Sha256 = class {
  #hash: Hash | Hmac
  readonly #begin: () => Hash | Hmac
  constructor(secret?: Data) {
    this.#begin = () => (secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret)))
    this.#hash = this.#begin()
  }
  update(data: Data): void {
    this.#hash.update(bytesOf(data))
  }
  digest(): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(this.#hash.digest()))
  }
  reset(): void {
    this.#hash = this.#begin()
  }
}

/** Headers beside these are left to proxies; a service refuses its own where they are not signed. */
const isSigned = (name: string): boolean => name === 'content-type' || name.startsWith('x-amz-')
const ours: ReadonlySet<string> = new Set(['x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256'])

/**
 * The headers that a signed request carries beside its own: `authorization`, `x-amz-date` and, with temporary keys,
 * `x-amz-security-token`. AWS takes them for five minutes from `utcMs`.
 */
export async function signAws(
  { method, path, headers, body }: Signable,
  { host, region, service }: Scope,
  keys: AwsKeys,
  utcMs: number,
): Promise<Record<string, string>> {
  const { accessKeyId, secretAccessKey, sessionToken } = keys
  const signer = new SignatureV4({
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) },
    region,
    service,
    sha256: NodeSha256,
    applyChecksum: false,
  })
  const signed = Object.entries(headers).filter(([name]) => isSigned(name) && !ours.has(name))
  const url = new URL(path, `https://${host}`)
  const result = await signer.sign(
    {
      method,
      protocol: 'https:',
      hostname: url.hostname,
      path: url.pathname,
      query: queryOf(url),
      headers: { ...Object.fromEntries(signed), host },
      ...(body !== null && { body }),
    },
    { signingDate: new Date(utcMs) },
  )
  return Object.fromEntries(
    Object.entries(result.headers).filter(([name]) => name === 'authorization' || ours.has(name)),
  )
}

function queryOf(url: URL): Record<string, string[]> {
  const query: Record<string, string[]> = {}
  for (const [name, value] of url.searchParams) (query[name] ??= []).push(value)
  return query
}
