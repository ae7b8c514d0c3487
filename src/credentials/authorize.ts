/** The contract of credentials that are made for each request: a signature, or a token that expires. */

/** What a signature covers. */
export interface Signable {
  method: string
  /** Path and query. */
  path: string
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>
  body: string | null
}

export interface Authorization {
  /** To be sent with the request. */
  headers: Readonly<Record<string, string>>
  /** Wall clock, milliseconds: no longer to be sent from then on. */
  untilUtcMs: number
}

/** Rejects never: what went wrong is a sentence. */
export type Authorize = (request: Signable, utcMs: number) => Promise<Authorization | { problem: string }>

export type CloudAccess =
  | {
      ok: true
      authorize: Authorize
      /** For the redactor: the first ones; renewed ones are told by `onSecret`. */
      secrets: string[]
    }
  | { ok: false; message: string }

/** Told of every secret that a renewal brings, before it is sent anywhere. */
export type OnSecret = (secret: string) => void

/** A package that only some need, so that they install it themselves. */
export async function loadOptional<Module>(load: () => Promise<Module>): Promise<Module | null> {
  try {
    return await load()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') return null
    throw error
  }
}

/** The first line of what another library threw, which may go on for a page. */
export function reasonOf(error: unknown): string {
  const said = error instanceof Error ? error.message : String(error)
  return (said.split('\n', 1)[0] ?? '').slice(0, 300)
}
