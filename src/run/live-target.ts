/** A target ready to be asked: protocol, transport, tokenizer and secrets in hand. */
import { readFileSync } from 'node:fs'
import type { Environment } from '../credentials/api-key.js'
import type { Authorize, OnSecret } from '../credentials/authorize.js'
import type { PromptBuilder } from '../prompt/builder.js'
import { createPromptBuilder } from '../prompt/builder.js'
import type { TokenCorrection } from '../prompt/correction.js'
import type { Protocol } from '../protocol/protocol.js'
import type { SimulateSpec, Target } from '../scenario/scenario.js'
import type { SnapshotTarget } from '../snapshot/snapshot.js'
import type { Tokenizer } from '../tokens/tokenizer.js'
import { loadTokenizer } from '../tokens/load-tokenizer.js'
import type { Clock } from '../units/time.js'
import type { Transport, TransportOptions } from '../wire/transport.js'
import { createTransport } from '../wire/transport.js'
import { openAccess } from './access.js'
import { protocols } from './tables.js'

export interface LiveTarget {
  /** Replaced where its server refuses a parameter. */
  target: Target
  /** As the requests see it: `http://127.0.0.1:8000/v1`. */
  baseUrl: string
  /** Path part of the base URL, without a trailing slash. */
  basePath: string
  protocol: Protocol
  transport: Transport
  /** Another transport with the target's TLS and proxy, for what is asked beside the measurement. */
  connectBeside(origin: string): Transport
  tokenizer: Tokenizer
  builder: PromptBuilder
  /** From our token count to the server's; replaced once the warm-up has shown the difference. */
  correction: TokenCorrection
  /** Secret ones among them: never shown, never stored. */
  headers: Readonly<Record<string, string>>
  /** Signs each request or gives it a token; undefined where the headers are all. */
  authorize: Authorize | undefined
}

export interface OpenOptions {
  clock: Clock
  env: Environment
  /** Secret headers given on the command line. */
  extraHeaders: Readonly<Record<string, string>>
  /** Told of secrets beside those that opening gives: tokens that were renewed. */
  onSecret?: OnSecret | undefined
  maxConnections: number
  /** How the target's own transport is made. @default createTransport, on this event loop */
  connect?: ((options: TransportOptions) => Transport) | undefined
}

export type Opened = { ok: true; live: LiveTarget; secrets: string[] } | { ok: false; message: string }

/** `baseUrl` is the target's own, or that of the simulated provider started for it. */
export async function openTarget(target: Target, baseUrl: string, options: OpenOptions): Promise<Opened> {
  const protocol = protocols[target.protocol]
  const keyHeader = target.keyHeader ?? protocol.keyHeader
  const url = new URL(baseUrl)
  const access = await openAccess(target, keyHeader, url.origin, options)
  if (!access.ok) return access
  const tls = readTlsFiles(target)
  if (!tls.ok) return tls
  const tokenizer = await loadTokenizer(target.tokenizer)
  const transportTo = (origin: string, maxConnections: number): TransportOptions => ({
    origin,
    clock: options.clock,
    http: target.http,
    maxConnections,
    tls: tls.files,
    proxy: target.proxy ?? 'env',
  })
  const connect = options.connect ?? createTransport
  const live: LiveTarget = {
    target,
    baseUrl,
    basePath: url.pathname.replace(/\/+$/, ''),
    protocol,
    transport: connect(transportTo(url.origin, options.maxConnections)),
    connectBeside: (origin) => createTransport(transportTo(origin, 1)),
    tokenizer,
    builder: createPromptBuilder(tokenizer),
    correction: { overhead: 0, ratio: 1, pairs: 0 },
    headers: access.headers,
    authorize: access.authorize,
  }
  return { ok: true, live, secrets: access.secrets }
}

type TlsFiles = { ca?: string; cert?: string; key?: string }

function readTlsFiles(target: Target): { ok: true; files: TlsFiles } | { ok: false; message: string } {
  const files: TlsFiles = {}
  const wanted = [
    ['ca', target.tls.caFile],
    ['cert', target.tls.certFile],
    ['key', target.tls.keyFile],
  ] as const
  for (const [part, path] of wanted) {
    if (path === null) continue
    try {
      files[part] = readFileSync(path, 'utf8')
    } catch {
      return { ok: false, message: `target ${target.name}: tls.${part}File ${path} cannot be read` }
    }
  }
  return { ok: true, files }
}

/** As it stands in a snapshot: nothing secret in it. */
export function toSnapshotTarget({ target, baseUrl, correction }: LiveTarget): SnapshotTarget {
  return {
    name: target.name,
    provider: target.provider,
    protocol: target.protocol,
    baseUrl: target.simulate === null ? baseUrl : simulatedName(target.simulate),
    model: target.model,
    region: target.region ?? undefined,
    tokenizer: target.tokenizer,
    quirks: target.quirks,
    tokenCorrection: correction.pairs === 0 ? undefined : correction,
  }
}

/** What stands for the address of a simulator, whose port differs in every run. */
function simulatedName({ profile, set }: SimulateSpec): string {
  const constants = Object.entries(set).map(([name, value]) => `${name}=${value}`)
  return `simulated://${profile}${constants.length === 0 ? '' : `?${constants.join('&')}`}`
}

export function liveOf(targets: ReadonlyMap<string, LiveTarget>, name: string): LiveTarget {
  const live = targets.get(name)
  if (live === undefined) throw new Error(`no such target: ${name}`)
  return live
}
