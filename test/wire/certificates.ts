/** Certificates for the tests, made afresh by openssl in a folder of their own. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Pair {
  cert: string
  key: string
}

export interface Certificates {
  ca: string
  /** For 127.0.0.1 and localhost. */
  server: Pair
  expired: Pair
  /** For another host. */
  elsewhere: Pair
  selfSigned: Pair
  client: Pair
}

export function makeCertificates(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'wire-certificates-'))
  const openssl = (...args: string[]): unknown =>
    execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const read = (name: string): Pair => ({
    cert: readFileSync(join(folder, `${name}.pem`), 'utf8'),
    key: readFileSync(join(folder, `${name}.key`), 'utf8'),
  })
  const own = 'subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:target.test'
  const selfSigned = (name: string, ...more: string[]): unknown =>
    openssl(
      'req',
      '-x509',
      ...key,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.pem`,
      '-subj',
      `/CN=${name}`,
      ...more,
    )
  const signed = (name: string, days: number, extension: string): void => {
    writeFileSync(join(folder, 'extension'), extension)
    openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`)
    openssl(
      ...['x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'],
      ...['-days', String(days), '-extfile', 'extension', '-out', `${name}.pem`],
    )
  }
  try {
    selfSigned('ca')
    selfSigned('selfSigned', '-addext', own)
    signed('server', 30, own)
    signed('expired', -1, own)
    signed('elsewhere', 30, 'subjectAltName=DNS:elsewhere.test')
    signed('client', 30, 'extendedKeyUsage=clientAuth')
    return {
      ca: read('ca').cert,
      server: read('server'),
      expired: read('expired'),
      elsewhere: read('elsewhere'),
      selfSigned: read('selfSigned'),
      client: read('client'),
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
