/** What a run is given and what it answers: the contract of `run`, and of the parts that it is made of. */
import type { Environment } from '../credentials/api-key.js'
import type { fitCurves } from '../curve/fit-curves.js'
import type { Sample } from '../sample/sample.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import type { Clock } from '../units/time.js'
import type { Transport, TransportOptions } from '../wire/transport.js'
import type { RunEvent, Stop, StopControl } from './events.js'
import type { RecordOption } from './recorder.js'

export interface RunOptions {
  /** Folder of results; the snapshot goes to `<outDir>/<scenario>/<id>.json`. */
  outDir: string
  clock: Clock
  env: Environment
  /** Overrides the scenario's seed. */
  seed?: number | undefined
  /** Secret headers given on the command line; they go with every request and into no file. */
  extraHeaders?: Readonly<Record<string, string>> | undefined
  /** Each request carries a `traceparent` of its own (`traceContextOf` run and sample), by which its span is found. */
  traceparent?: boolean | undefined
  /** Keep the raw answers with their times, to be measured again by `replay`. */
  record?: RecordOption | undefined
  /** Take up the journal of a run that was broken off. */
  resume?: boolean | undefined
  /** Threads that send and stamp, 0 the main one; overrides the scenario's, which by default follow the load. */
  workers?: number | undefined
  /** The program of a worker thread; another one only in tests. */
  workerEntry?: string | undefined
  /** How targets are reached. @default sockets on this event loop, or on those of the workers */
  connect?: ((options: TransportOptions) => Transport) | undefined
  /** How curves are fitted; another way only in tests. @default fitCurves */
  fit?: typeof fitCurves | undefined
  control: StopControl
  onEvent(event: RunEvent): void
}

/** Nothing was measured: the command or a file is wrong (2), or the run could not begin (3). */
export interface Refused {
  kind: 'refused'
  exit: 2 | 3
  message: string
  /** Money that is spent all the same: what was measured could not be saved. */
  spent?: number | undefined
}

export type RunResult =
  | {
      kind: 'finished'
      snapshot: Snapshot
      /** All of them, also where the snapshot keeps a summary only. */
      samples: readonly Sample[]
      /** Where the snapshot lies. */
      path: string
      /** Why the run ended before its plan did, or null. */
      stop: Stop | null
    }
  | Refused
