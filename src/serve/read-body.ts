/** Reads the body of a request up to a size and a deadline. */
import type { IncomingMessage } from 'node:http'

export type ReadBody =
  { kind: 'whole'; body: Buffer } | { kind: 'too-large' } | { kind: 'too-slow' } | { kind: 'broken' }

export async function readBody(
  request: IncomingMessage,
  maxBytes: number,
  timeoutMs: number,
): Promise<ReadBody> {
  return new Promise((resolve) => {
    const parts: Buffer[] = []
    let length = 0
    const finish = (read: ReadBody): void => {
      clearTimeout(timer)
      request.removeListener('data', take)
      if (read.kind !== 'whole') request.resume() // the answer goes out although not all was read
      resolve(read)
    }
    const take = (part: Buffer): void => {
      length += part.length
      if (length > maxBytes) finish({ kind: 'too-large' })
      else parts.push(part)
    }
    const timer = setTimeout(() => finish({ kind: 'too-slow' }), timeoutMs)
    request.on('data', take)
    request.once('end', () => finish({ kind: 'whole', body: Buffer.concat(parts) }))
    request.once('error', () => finish({ kind: 'broken' }))
    request.once('close', () => finish({ kind: 'broken' }))
  })
}
