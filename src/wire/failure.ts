/** From what sockets, TLS and parsers report to the closed list of wire failures, each with a sentence for a person. */
import type { WireFailure, WireFailureKind } from './exchange.js'

/** How far opening a connection came. */
export type Stage = 'dns' | 'tcp' | 'proxy' | 'tls' | 'http2'

const DNS_CODES = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_NODATA', 'EAI_NONAME', 'EAI_FAIL', 'ENODATA'])

/** Out of something on this machine, or no way from here to there. */
const RESOURCE: Readonly<Record<string, string>> = {
  EMFILE: 'this process has no file descriptor left (see `ulimit -n`)',
  ENFILE: 'this machine has no file descriptor left',
  ENOBUFS: 'this machine has no socket buffer left',
  ENOMEM: 'this machine has no memory left',
  EADDRNOTAVAIL: 'this machine has no local address or port left',
  ENETUNREACH: 'the network is unreachable from here',
  ENETDOWN: 'the network is down',
  EHOSTUNREACH: 'there is no route from here',
  EHOSTDOWN: 'the host is down',
  EACCES: 'this machine forbids the connection',
  EPERM: 'this machine forbids the connection',
}

const UNKNOWN_ISSUER = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
])

/** The code of an error, never its message: messages and fields may hold raw bytes of the peer. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  // Several addresses were tried (localhost is ::1 and 127.0.0.1): a refusal tells more than a missing route.
  if (error instanceof AggregateError) {
    const codes = error.errors.map(codeOf)
    return codes.find((code) => code === 'ECONNREFUSED') ?? codes.find((code) => code !== undefined)
  }
  if (!('code' in error) || typeof error.code !== 'string') return undefined
  // OpenSSL puts its own reason beside a plain EPROTO.
  if (error.code === 'EPROTO' && 'library' in error && 'reason' in error && typeof error.reason === 'string')
    return `ERR_SSL_${error.reason.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_')}`
  return error.code
}

function isTls(code: string): boolean {
  return /^ERR_SSL_|^ERR_TLS_|^ERR_OSSL_|CERT|^EPROTO$|^CRL_|UNABLE_TO_/.test(code)
}

/** What a TLS code means and how it is mended; checks are never switched off. */
function tlsDetail(code: string, at: string): string {
  if (UNKNOWN_ISSUER.has(code))
    return `the certificate of ${at} is signed by nobody known here; if it is yours, name its custom CA in tls.caFile`
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return `the certificate of ${at} has expired; renew it, or name the custom CA of the new one in tls.caFile`
    case 'CERT_NOT_YET_VALID':
      return `the certificate of ${at} is not valid yet; is the clock of this machine right?`
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `the certificate of ${at} is for another host name; use that name in the URL, or a certificate of a custom CA (tls.caFile) that covers this one`
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
    case 'ERR_SSL_UNEXPECTED_MESSAGE':
    case 'ERR_SSL_HTTP_REQUEST':
      return `${at} does not speak TLS; if it is a plain HTTP port, write http:// instead of https://`
  }
  if (/^ERR_OSSL_|KEY_VALUES_MISMATCH|NO_START_LINE/.test(code))
    return `cannot use the PEM texts of tls.caFile, tls.certFile and tls.keyFile (${code})`
  if (/CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE/.test(code))
    return `${at} broke off the TLS handshake; if it asks for a client certificate, name one in tls.certFile and tls.keyFile`
  if (/ALERT.*(CERTIFICATE|CA)|BAD_CERTIFICATE|UNKNOWN_CA/.test(code))
    return `${at} does not accept our client certificate (tls.certFile, tls.keyFile)`
  return `TLS with ${at} failed (${code})`
}

/** Why no connection stands. `at` names host and port, and the proxy where there is one. */
export function connectFailure(error: unknown, stage: Stage, at: string, host: string): WireFailure {
  const code = codeOf(error)
  const fail = (kind: WireFailureKind, detail: string): WireFailure => ({
    kind,
    phase: 'connect',
    detail,
    code,
  })
  if (code !== undefined && DNS_CODES.has(code))
    return code === 'EAI_AGAIN'
      ? fail('dns', `the name server gave no answer for ${host} (needed for ${at})`)
      : fail('dns', `the host name ${host} has no address (needed for ${at})`)
  const resource = code === undefined ? undefined : RESOURCE[code]
  if (resource !== undefined) return fail('resource', `cannot connect to ${at}: ${resource} (${code})`)
  if (code === 'ECONNREFUSED') return fail('refused', `nothing listens at ${at}`)
  if (code === 'ETIMEDOUT') return fail('timeout', `${at} did not answer our attempt to connect`)
  if (code !== undefined && isTls(code)) return fail('tls', tlsDetail(code, at))
  if (stage === 'tls')
    return fail(
      'tls',
      `${at} closed the connection within the TLS handshake; does this port speak TLS, and without a client certificate (tls.certFile)?`,
    )
  if (stage === 'http2') return fail('malformed', `${at} chose HTTP/2 but did not begin to speak it`)
  if (stage === 'proxy') return fail('closed', `the proxy closed the connection instead of a tunnel to ${at}`)
  return fail('reset', `the connection to ${at} broke off while it was made${code ? ` (${code})` : ''}`)
}

/** A deadline of opening that passed. */
export function connectTimeout(stage: Stage, at: string, host: string, limitMs: number): WireFailure {
  const what = {
    dns: `the host name ${host} found no address (needed for ${at})`,
    tcp: `${at} did not accept a connection`,
    proxy: `the proxy opened no tunnel to ${at}`,
    tls: `${at} accepted the connection but did not finish the TLS handshake`,
    http2: `${at} chose HTTP/2 but sent no settings`,
  }[stage]
  return { kind: 'timeout', phase: 'connect', detail: `${what} within ${limitMs} ms`, code: undefined }
}

/** What is known when an exchange breaks off on a connection that stood. */
export interface Broken {
  phase: 'send' | 'headers' | 'body'
  at: string
  /** A kept connection: the server may have let it go just as we wrote. */
  reused: boolean
  tls: boolean
  /** What a close without an answer may mean on a fresh connection; a whole phrase. */
  hint: string
}

/** undici refused to write such a request: the connection is none the worse for it. */
export function isUnsendable(error: unknown): boolean {
  const code = codeOf(error)
  return code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_NOT_SUPPORTED'
}

/** Why an exchange over HTTP/1.1 broke off; `error` is undici's, or the socket's own. */
export function exchangeFailure(error: unknown, { phase, at, reused, tls, hint }: Broken): WireFailure {
  const code = codeOf(error)
  const fail = (kind: WireFailureKind, detail: string): WireFailure => ({ kind, phase, detail, code })
  const truncated = (how: string): WireFailure =>
    fail('truncated', `the body from ${at} ended inside: ${how}`)
  const kept = reused ? ' on a kept connection' : ''

  if (code === 'UND_ERR_HEADERS_OVERFLOW')
    return fail('oversized', `the response headers of ${at} are larger than 16 KiB`)
  if (code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH')
    return phase === 'body'
      ? truncated('fewer bytes came than its content-length says')
      : fail('malformed', `the headers of ${at} contradict each other about the length of the body`)
  if (isUnsendable(error))
    return fail('malformed', `the request for ${at} is no valid HTTP: ${ownMessage(error)}`)
  if (code !== undefined && isTls(code)) return fail('tls', tlsDetail(code, at))
  if (error instanceof Error && error.name === 'HTTPParserError') {
    const reason = /\(([\w ,/'-]{1,80})\)$/.exec(error.message)?.[1] ?? code ?? 'unknown'
    if (phase === 'body' && /EOF/i.test(reason)) return truncated('the connection closed')
    if (!tls && startsLikeTls(error))
      return fail('malformed', `${at} answers in TLS; write https:// instead of http://`)
    return fail('malformed', `the answer of ${at} is no valid HTTP/1.1 (${reason})`)
  }
  if (code === 'UND_ERR_SOCKET' && error instanceof Error && /^bad (response|upgrade)$/.test(error.message))
    return fail('malformed', `${at} sent a status (100 or 101) that nobody asked for`)
  const resource = code === undefined ? undefined : RESOURCE[code]
  if (resource !== undefined) return fail('resource', `lost the connection to ${at}: ${resource} (${code})`)
  if (code === 'ETIMEDOUT') return fail('timeout', `${at} stopped acknowledging our packets`)
  const reset = code === 'ECONNRESET' || code === 'EPIPE' || code === 'ECONNABORTED'
  if (phase === 'body') return truncated(reset ? 'the connection was reset' : 'the connection closed')
  const guess = reused ? '' : `; ${hint}`
  return reset
    ? fail('reset', `${at} reset the connection before it answered${kept}${guess}`)
    : fail('closed', `${at} closed the connection before it answered${kept}${guess}`)
}

/** Why a stream of HTTP/2 broke off. */
export function streamFailure(broken: {
  at: string
  phase: 'send' | 'headers' | 'body'
  reused: boolean
  error: unknown
  /** The server said that it is going away, and that this stream is not among those it will finish. */
  goaway?: boolean
  /** Name of the code with which the server reset the stream; undefined: the whole connection went. */
  rst?: string | undefined
}): WireFailure {
  const { at, phase, reused, error, rst } = broken
  const code = rst ?? codeOf(error)
  const fail = (kind: WireFailureKind, detail: string): WireFailure => ({ kind, phase, detail, code })
  if (phase === 'send')
    return fail('malformed', `the request for ${at} is no valid HTTP/2 (${code ?? 'unknown'})`)
  if (broken.goaway) return fail('goaway', `${at} is going away (GOAWAY) and let go of this exchange`)
  const how = rst === undefined ? 'the connection closed' : `the server reset the stream (${rst})`
  if (phase === 'body') return fail('truncated', `the body from ${at} ended inside: ${how}`)
  const kept = reused ? ' on a kept connection' : ''
  if (rst !== undefined) return fail('reset', `${at} reset the stream before it answered (${rst})`)
  return code === 'ECONNRESET'
    ? fail('reset', `${at} reset the connection before it answered${kept}`)
    : fail('closed', `${at} closed the connection before it answered${kept}`)
}

/** undici's complaint about our own request names a header or option, never a value. */
function ownMessage(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 100).replaceAll(/[^\w .:,'"/-]/g, '?') : 'unknown'
}

/** A TLS record begins with its type (alert 21, handshake 22) and the major version 3. */
function startsLikeTls(error: Error): boolean {
  const data: unknown = 'data' in error ? error.data : undefined
  if (typeof data === 'string') return /^[\x15\x16]\x03/.test(data)
  return data instanceof Uint8Array && (data[0] === 21 || data[0] === 22) && data[1] === 3
}
