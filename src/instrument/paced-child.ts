/** The paced server as a process of its own: three numbers in argv, one line with its port out, dead when stdin closes. */
import { startPacedServer } from './paced-server.js'

// The parent holds our stdin; when it ends, for whatever reason, so do we.
process.stdin.on('end', () => process.exit(0))
process.stdin.on('error', () => process.exit(0))
process.stdin.resume()
// Ctrl-C goes to the whole group; the parent ends us when it has what it needs.
process.on('SIGINT', () => {})

const [streams = NaN, eventsPerStream = NaN, gapNs = NaN] = process.argv.slice(2).map(Number)
if (!(streams >= 1 && eventsPerStream >= 1 && gapNs > 0)) throw new Error('three numbers above 0 are needed')
const { port } = await startPacedServer({ streams, eventsPerStream, gapNs })
process.stdout.write(`${port}\n`)
