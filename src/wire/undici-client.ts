/** undici's HTTP/1.1 client alone: the package as a whole loads fetch, caches, mocks and WebSockets, 80 ms of CPU in each thread. */
import { createRequire } from 'node:module'
import type { Client as UndiciClient } from 'undici'

const load = createRequire(import.meta.url)

/**
 * The class that `import { Client } from 'undici'` names, a test holds the two to be one; but without `request`,
 * `connect` and the like, which the package as a whole adds to it: `dispatch` only.
 */
export const Client: new (
  ...options: ConstructorParameters<typeof UndiciClient>
) => Pick<UndiciClient, 'dispatch'> = loadClient()

/** Its file is no promise of the package: where a later one has moved it, the whole is loaded. */
function loadClient() {
  try {
    return load('undici/lib/dispatcher/client.js')
  } catch {
    return load('undici').Client
  }
}
