// @ts-check
/** Loaded before a command, tells on stderr at its end what it took: processor time and peak memory. */
const startedMs = performance.now()
process.on('exit', () => {
  const { user, system } = process.cpuUsage()
  const rssMb = Math.round(process.resourceUsage().maxRSS / 1024)
  const seconds = (performance.now() - startedMs) / 1000
  process.stderr.write(`\nmeter ${JSON.stringify({ cpuSeconds: (user + system) / 1e6, seconds, rssMb })}\n`)
})
