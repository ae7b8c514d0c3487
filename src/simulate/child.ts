/** The simulator as a process of its own: options in argv as JSON, one line of JSON out, dead when stdin closes. */
import { startSimulator } from './server.js'

/** The parent holds our stdin; when it ends, for whatever reason, so do we. */
process.stdin.on('end', () => process.exit(0))
process.stdin.on('error', () => process.exit(0))
process.stdin.resume()
// Ctrl-C goes to the whole group; the parent drains what is in flight and then closes us.
process.on('SIGINT', () => {})

try {
  const options: unknown = JSON.parse(process.argv[2] ?? '{}')
  const { url, port } = await startSimulator(options as Parameters<typeof startSimulator>[0])
  process.stdout.write(`${JSON.stringify({ url, port, pid: process.pid })}\n`)
} catch (error) {
  process.stdout.write(
    `${JSON.stringify({ error: error instanceof Error ? error.message : String(error) })}\n`,
  )
  process.exitCode = 1
  process.stdin.pause()
}
