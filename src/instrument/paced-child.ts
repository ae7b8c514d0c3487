/** The paced server as a process of its own: options in argv as JSON, one line with its port out, dead when stdin closes. */
import { z } from 'zod'
import { startPacedServer } from './paced-server.js'

// The parent holds our stdin; when it ends, for whatever reason, so do we.
process.stdin.on('end', () => process.exit(0))
process.stdin.on('error', () => process.exit(0))
process.stdin.resume()
// Ctrl-C goes to the whole group; the parent ends us when it has what it needs.
process.on('SIGINT', () => {})

const Options = z.object({
  streams: z.int().min(1),
  eventsPerStream: z.int().min(1),
  gapNs: z.number().positive(),
})
const { port } = await startPacedServer(Options.parse(JSON.parse(process.argv[2] ?? '')))
process.stdout.write(`${port}\n`)
