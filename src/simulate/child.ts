/** The simulator as a process of its own: options in argv as JSON, one line of JSON out, dead when stdin closes. */
import { parseSimulateOptions } from './options.js'
import { startChecked } from './server.js'

/** The parent holds our stdin; when it ends, for whatever reason, so do we. */
process.stdin.on('end', () => process.exit(0))
process.stdin.on('error', () => process.exit(0))
process.stdin.resume()
// Ctrl-C goes to the whole group; the parent drains what is in flight and then closes us.
process.on('SIGINT', () => {})

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

function fail(error: string): void {
  say({ error })
  process.exitCode = 1
  process.stdin.pause()
}

const parsed = parseSimulateOptions(JSON.parse(process.argv[2] ?? '{}'))
if (!parsed.ok) fail(parsed.problems.join('\n'))
else {
  try {
    const simulator = await startChecked(parsed.options)
    // Not at once: what has been answered must stand in the truth file.
    process.once('SIGTERM', () => void simulator.close().finally(() => process.exit(0)))
    say({ url: simulator.url, port: simulator.port, pid: process.pid })
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error))
  }
}
