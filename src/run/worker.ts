/** The program of a worker thread: carries the exchanges it is given, each at its due time, and hands back bytes and times. */
import { parentPort, workerData } from 'node:worker_threads'
import { hrtimeOffsetNs } from '../instrument/clock-check.js'
import { tidyHeap } from '../instrument/tidy.js'
import { watchLoop } from '../instrument/watch-loop.js'
import { systemClock, type Clock } from '../units/time.js'
import type { Exchange } from '../wire/exchange.js'
import { createTransport, type Transport } from '../wire/transport.js'
import type { Answer, ToWorker, WorkerData } from './crew.js'
import { waitUntil } from './pace.js'

if (parentPort === null) throw new Error('this program runs as a worker thread only')
const port = parentPort
const { hrtimeOffsetNs: runOffsetNs }: WorkerData = workerData

// `performance.now()` counts from the start of the thread: moved to the run's origin.
const shiftNs = Number(hrtimeOffsetNs(systemClock) - runOffsetNs)
const clock: Clock = { nowNs: () => systemClock.nowNs() + shiftNs, utcMs: () => systemClock.utcMs() }

const loop = watchLoop({ clock })
const transports = new Map<number, Transport>()
const controls = new Map<number, AbortController>()

function answer(message: Answer, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer)
}

async function send(message: Extract<ToWorker, { kind: 'send' }>): Promise<void> {
  const { id, transport, request, connection, notBeforeNs } = message
  const control = new AbortController()
  controls.set(id, control)
  await waitUntil(notBeforeNs, clock, control.signal)
  const sent = transports.get(transport)?.send(request, { connection, signal: control.signal })
  const exchange = await sent
  controls.delete(id)
  if (exchange !== undefined) hand(id, exchange)
}

/** The bytes change hands without a copy, where they fill a buffer of their own. */
function hand(id: number, exchange: Exchange): void {
  const body = alone(exchange.body)
  const chunkNs = new Float64Array(exchange.chunkNs)
  const chunkEnd = new Float64Array(exchange.chunkEnd)
  answer({ kind: 'landed', id, exchange: { ...exchange, body, chunkNs, chunkEnd } }, [
    body.buffer,
    chunkNs.buffer,
    chunkEnd.buffer,
  ])
}

/** A small Buffer lies in a pool that others use as well, and an empty one in a buffer that cannot be handed over. */
function alone(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteLength } = bytes
  return byteLength > 0 && buffer instanceof ArrayBuffer && buffer.byteLength === byteLength
    ? new Uint8Array(buffer)
    : new Uint8Array(bytes)
}

port.on('message', (message: ToWorker) => {
  switch (message.kind) {
    case 'connect':
      transports.set(message.transport, createTransport({ ...message.options, clock }))
      break
    case 'warm': {
      const { id, transport, n } = message
      void transports
        .get(transport)
        ?.warm(n)
        .then((warmed) => {
          if (warmed.opened > 0) tidyHeap()
          answer({ kind: 'warmed', id, warmed })
        })
      break
    }
    case 'send':
      void send(message)
      break
    case 'abort':
      controls.get(message.id)?.abort()
      break
    case 'loop':
      answer({ kind: 'loop', id: message.id, reading: loop.read() })
      break
    case 'disconnect': {
      const { id, transport } = message
      const closing = transports.get(transport)?.close() ?? Promise.resolve()
      transports.delete(transport)
      void closing.then(() => answer({ kind: 'closed', id }))
      break
    }
    default:
      message satisfies never
  }
})
answer({ kind: 'ready' })
