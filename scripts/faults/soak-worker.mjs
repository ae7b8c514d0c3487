// @ts-check
/** The program of a worker thread, which collects its garbage when it is asked to and says what its heap holds free. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { BroadcastChannel } from 'node:worker_threads'

await import(new URL('../../dist/src/run/worker.js', import.meta.url).href)
setFlagsFromString('--expose_gc')
const collect = runInNewContext('gc')

const channel = new BroadcastChannel('soak')
channel.addEventListener('message', (/** @type {any} */ { data }) => {
  if (data !== 'collect') return
  collect()
  const { heapTotal, heapUsed } = process.memoryUsage()
  channel.postMessage({ freeBytes: heapTotal - heapUsed })
})
