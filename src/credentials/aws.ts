/** Credentials of AWS: keys from the environment, else from the usual chain of profiles, SSO and roles. */
import { loadOptional, reasonOf, type Authorize, type CloudAccess, type OnSecret } from './authorize.js'
import type { AwsKeys, Scope, signAws } from './aws-signature.js'
import type { Environment } from './api-key.js'

export interface AwsOptions {
  /** Name of the target, for sentences. */
  name: string
  /** Scheme, host and port that the requests go to. */
  origin: string
  /** The scenario's region, where it names one. */
  region: string | null
  env: Environment
  utcMs: number
  onSecret?: OnSecret | undefined
  /** Where keys come from that the environment does not hold. @default loadChain */
  chain?: (() => Promise<Chain | null>) | undefined
}

export type Chain = () => Promise<AwsKeys>

const SERVICE = 'bedrock'
// AWS takes a signature for five minutes; our clock may be off by some of them already.
const SIGNATURE_MS = 4 * 60_000
/** Temporary keys are renewed this long before they expire. */
const RENEW_BEFORE_MS = 5 * 60_000

/** Asks once for the keys, so that what is missing shows before anything is sent. */
export async function openAws(options: AwsOptions): Promise<CloudAccess> {
  const { name, env, utcMs } = options
  const host = new URL(options.origin).host
  const region = regionOf(host) ?? options.region ?? env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION']
  if (!region)
    return { ok: false, message: `target ${name} needs a region: set AWS_REGION, or region under the target` }
  const chain = keysOf(env) ?? (await (options.chain ?? loadChain)())
  if (chain === null) return { ok: false, message: missing(name) }
  let keys: AwsKeys
  try {
    keys = await chain()
  } catch (error) {
    return { ok: false, message: `target ${name} found no AWS credentials (${reasonOf(error)}): ${ways}` }
  }
  const renew = async (): Promise<AwsKeys> => {
    const renewed = await chain()
    for (const secret of secretsOf(renewed)) options.onSecret?.(secret)
    return renewed
  }
  // Here, before anything is timed: no other target needs what it loads.
  const { signAws: sign } = await import('./aws-signature.js')
  return {
    ok: true,
    authorize: authorizer(sign, keys, renew, { host, region, service: SERVICE }, utcMs),
    secrets: secretsOf(keys),
  }
}

function secretsOf({ secretAccessKey, sessionToken }: AwsKeys): string[] {
  return sessionToken === undefined ? [secretAccessKey] : [secretAccessKey, sessionToken]
}

/** `bedrock-runtime.eu-west-1.amazonaws.com`, endpoints of a VPC, and China: a signature holds for the region of its host. */
function regionOf(host: string): string | undefined {
  return /\.([a-z]{2}(?:-[a-z]+)+-\d)(?:\.vpce)?\.(?:amazonaws\.com|api\.aws)/.exec(host)?.[1]
}

function authorizer(
  sign: typeof signAws,
  first: AwsKeys,
  chain: Chain,
  scope: Scope,
  openedUtcMs: number,
): Authorize {
  let keys = first
  let triedUtcMs = openedUtcMs
  return async (request, utcMs) => {
    const expires = keys.expiration?.getTime() ?? Infinity
    // Some sources hand out the same keys until shortly before they expire: not asked for every request.
    if (expires - utcMs < RENEW_BEFORE_MS && (utcMs - triedUtcMs > 30_000 || expires <= utcMs)) {
      triedUtcMs = utcMs
      try {
        keys = await chain()
      } catch (error) {
        if (expires <= utcMs) return { problem: `AWS credentials could not be renewed: ${reasonOf(error)}` }
      }
    }
    const headers = await sign(request, scope, keys, utcMs)
    const untilUtcMs = Math.min(utcMs + SIGNATURE_MS, keys.expiration?.getTime() ?? Infinity)
    return { headers, untilUtcMs }
  }
}

function keysOf(env: Environment): Chain | null {
  const accessKeyId = env['AWS_ACCESS_KEY_ID']?.trim()
  const secretAccessKey = env['AWS_SECRET_ACCESS_KEY']?.trim()
  const sessionToken = env['AWS_SESSION_TOKEN']?.trim()
  if (!accessKeyId || !secretAccessKey) return null
  return () => Promise.resolve({ accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) })
}

async function loadChain(): Promise<Chain | null> {
  const module = await loadOptional(() => import('@aws-sdk/credential-provider-node'))
  return module === null ? null : module.defaultProvider()
}

const ways =
  'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN), or AWS_BEARER_TOKEN_BEDROCK'

function missing(name: string): string {
  return `target ${name} needs AWS credentials: ${ways}; for profiles, SSO and roles run npm install @aws-sdk/credential-provider-node beside llm-plumbline`
}
