/** Starts the servers that misbehave, and asks them what they saw. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'

const Numbers = z.record(z.string(), z.number())

export interface FaultServers {
  /** Port of the server of this fault. */
  port(fault: string): number
  /** Requests that each has seen so far. */
  seen(): Promise<Record<string, number>>
  close(): void
}

/** @param files certificate and key of the servers that speak TLS */
export async function startFaultServers(files: { cert: string; key: string }): Promise<FaultServers> {
  const program = fileURLToPath(new URL('fault-server.mjs', import.meta.url))
  const child = spawn(process.execPath, [program, files.cert, files.key], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async (): Promise<Record<string, number>> => {
    const line: unknown = (await lines.next()).value
    return Numbers.parse(JSON.parse(String(line)))
  }
  const ports = await next()
  return {
    port(fault) {
      const port = ports[fault]
      if (port === undefined) throw new Error(`no server for ${fault}`)
      return port
    },
    seen() {
      child.stdin.write('\n')
      return next()
    },
    close: () => void child.kill('SIGKILL'),
  }
}
