/** Worker threads that carry exchanges, each on an event loop of its own; plan, budget and journal stay with the main thread. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { hrtimeOffsetNs } from '../instrument/clock-check.js'
import type { LoopReading } from '../instrument/watch-loop.js'
import type { Clock } from '../units/time.js'
import type { Exchange, WireRequest } from '../wire/exchange.js'
import type { Warmed } from '../wire/pool.js'
import type { SendOptions, Transport, TransportOptions } from '../wire/transport.js'

export interface Crew {
  readonly workers: number
  /** A transport whose exchanges are spread over the workers. */
  connect(options: TransportOptions): Transport
  /** What each worker's watch saw of its event loop. */
  loops(): Promise<LoopReading[]>
  /** Why the load fell short: a worker died. Null: all live. */
  lost(): string | null
  close(): Promise<void>
}

export interface CrewOptions {
  workers: number
  clock: Clock
  /** The program of a worker; another one only in tests. */
  entry?: string | undefined
  /** Heap of a worker, MiB; V8's default where left out. */
  heapMb?: number | undefined
}

/** What a worker is told. `id` names the answer. */
export type ToWorker =
  | { kind: 'connect'; transport: number; options: Omit<TransportOptions, 'clock'> }
  | { kind: 'warm'; id: number; transport: number; n: number }
  | {
      kind: 'send'
      id: number
      transport: number
      request: WireRequest
      connection: SendOptions['connection']
      notBeforeNs: number
    }
  | { kind: 'abort'; id: number }
  | { kind: 'loop'; id: number }
  | { kind: 'disconnect'; id: number; transport: number }

export type Answer =
  | { kind: 'ready' }
  | { kind: 'warmed'; id: number; warmed: Warmed }
  | { kind: 'landed'; id: number; exchange: Exchange }
  | { kind: 'loop'; id: number; reading: LoopReading }
  | { kind: 'closed'; id: number }

/** Handed to a worker at its start. */
export interface WorkerData {
  /** `process.hrtime` less the run's clock, nanoseconds: both threads then tell the same time. */
  hrtimeOffsetNs: bigint
}

/** How long before its due time a request is handed over: a busy loop takes some milliseconds to read a message. */
const LEAD_NS = 10_000_000

interface Mate {
  worker: Worker
  alive: boolean
  inFlight: number
  /** What its answers are waited for by; null: the worker died. */
  pending: Map<number, (answer: Answer | null) => void>
}

/** Resolves once all workers listen, or with why a thread could not be started; never rejects. */
export async function startCrew({
  workers,
  clock,
  entry,
  heapMb,
}: CrewOptions): Promise<Crew | { problem: string }> {
  let lastId = 0
  let lastTransport = 0
  let lost: string | null = null
  let closing = false
  const workerData: WorkerData = { hrtimeOffsetNs: hrtimeOffsetNs(clock) }
  const resourceLimits = heapMb === undefined ? {} : { maxOldGenerationSizeMb: heapMb }

  /** What a stop cuts off: one listener a signal, since a run has one signal for all its requests. */
  const cutting = new WeakMap<AbortSignal, Set<() => void>>()
  function listen(signal: AbortSignal, abort: () => void): void {
    const known = cutting.get(signal)
    if (known !== undefined) return void known.add(abort)
    const aborts = new Set([abort])
    cutting.set(signal, aborts)
    signal.addEventListener('abort', () => aborts.forEach((each) => each()), { once: true })
  }

  function hire(): { mate: Mate; ready: Promise<string | null> } {
    const worker = new Worker(entry ?? workerEntry(), { workerData, resourceLimits })
    const mate: Mate = { worker, alive: true, inFlight: 0, pending: new Map() }
    let why = 'it ended'
    const ready = new Promise<string | null>((resolve) => {
      worker.on('message', (answer: Answer) => {
        if (answer.kind === 'ready') return resolve(null)
        mate.pending.get(answer.id)?.(answer)
        mate.pending.delete(answer.id)
      })
      // An `exit` follows.
      worker.on('error', (error) => void (why = error.message))
      worker.on('exit', () => {
        mate.alive = false
        if (!closing) lost ??= shortOf(why, mate.inFlight)
        for (const wake of mate.pending.values()) wake(null)
        mate.pending.clear()
        resolve(`a worker thread did not start: ${why}; --workers 0 does without`)
      })
    })
    return { mate, ready }
  }
  const hired = Array.from({ length: workers }, hire)
  const mates = hired.map(({ mate }) => mate)
  const dismiss = async (): Promise<void> => {
    closing = true
    await Promise.all(mates.map(({ worker }) => worker.terminate()))
  }
  const problems = await Promise.all(hired.map(({ ready }) => ready))
  const problem = problems.find((each) => each !== null)
  if (problem != null) {
    await dismiss()
    return { problem }
  }
  const living = (): Mate[] => mates.filter(({ alive }) => alive)

  function asked<K extends Answer['kind']>(
    mate: Mate,
    kind: K,
    message: ToWorker & { id: number },
  ): Promise<Extract<Answer, { kind: K }> | null> {
    return new Promise((resolve) => {
      if (!mate.alive) return resolve(null)
      mate.pending.set(message.id, (answer) => resolve(isOf(answer, kind) ? answer : null))
      mate.worker.postMessage(message)
    })
  }

  return {
    workers,
    connect(options) {
      const transport = ++lastTransport
      // A clock is code, which no message carries: each worker has its own.
      const told = {
        ...options,
        clock: undefined,
        maxConnections: Math.ceil(options.maxConnections / workers),
      }
      for (const { worker } of living()) worker.postMessage({ kind: 'connect', transport, options: told })
      return {
        leadNs: LEAD_NS,
        async warm(n) {
          const share = Math.ceil(n / Math.max(1, living().length))
          const answers = await Promise.all(
            living().map((mate) =>
              asked(mate, 'warmed', { kind: 'warm', id: ++lastId, transport, n: share }),
            ),
          )
          const warmed = answers.flatMap((answer) => answer?.warmed ?? [])
          return {
            opened: warmed.reduce((sum, { opened }) => sum + opened, 0),
            failure: warmed.find(({ failure }) => failure !== undefined)?.failure,
          }
        },
        async send(request, { connection, signal, notBeforeNs = 0 }) {
          const enqueuedNs = clock.nowNs()
          const mate = idlest(living())
          if (mate === undefined || signal?.aborted === true)
            return unsent(enqueuedNs, clock.nowNs(), signal?.aborted === true ? null : lost)
          const id = ++lastId
          const abort = (): void => mate.worker.postMessage({ kind: 'abort', id })
          if (signal) listen(signal, abort)
          mate.inFlight++
          const message = { kind: 'send', id, transport, request, connection, notBeforeNs } as const
          const answer = await asked(mate, 'landed', message)
          mate.inFlight--
          if (signal) cutting.get(signal)?.delete(abort)
          return answer?.exchange ?? unsent(enqueuedNs, clock.nowNs(), lost)
        },
        async close() {
          await Promise.all(
            living().map((mate) => asked(mate, 'closed', { kind: 'disconnect', id: ++lastId, transport })),
          )
        },
      }
    },
    async loops() {
      const answers = await Promise.all(
        living().map((mate) => asked(mate, 'loop', { kind: 'loop', id: ++lastId })),
      )
      return answers.flatMap((answer) => answer?.reading ?? [])
    },
    lost: () => lost,
    close: dismiss,
  }
}

function isOf<K extends Answer['kind']>(
  answer: Answer | null,
  kind: K,
): answer is Extract<Answer, { kind: K }> {
  return answer?.kind === kind
}

/** The worker with the fewest exchanges in the air; of equal ones the first. */
function idlest(mates: readonly Mate[]): Mate | undefined {
  let best: Mate | undefined
  for (const mate of mates) if (best === undefined || mate.inFlight < best.inFlight) best = mate
  return best
}

function shortOf(why: string, inFlight: number): string {
  return (
    `a worker thread of the instrument died (${why}) with ${inFlight} requests in the air: the load fell short of what was asked. ` +
    'What was measured is saved; run again with fewer requests in flight, or with --workers 0'
  )
}

/** An exchange of which nothing is known but that it was lost on our side. */
function unsent(enqueuedNs: number, endNs: number, lost: string | null): Exchange {
  return {
    enqueuedNs,
    startNs: undefined,
    connection: { reused: false, dnsMs: 0, connectMs: 0, tlsMs: 0, http: '1.1' },
    headersNs: undefined,
    status: undefined,
    headers: {},
    body: new Uint8Array(),
    chunkNs: new Float64Array(),
    chunkEnd: new Float64Array(),
    endMarkerChunk: undefined,
    endNs,
    failure:
      lost === null
        ? { kind: 'aborted', phase: 'connect', detail: 'the exchange was stopped by us' }
        : { kind: 'resource', phase: 'connect', detail: lost },
  }
}

/** The built entry: beside this file, or in `dist` where this file runs as a source (tests). */
function workerEntry(): string {
  const beside = new URL('./worker.js', import.meta.url)
  return fileURLToPath(existsSync(beside) ? beside : new URL('../../dist/src/run/worker.js', import.meta.url))
}
