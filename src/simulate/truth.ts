/** The truth file: what befell each request, one line of JSON each. */
import { closeSync, openSync, writeSync } from 'node:fs'
import type { Lateness } from './answer.js'
import type { Phases } from './job.js'

/** One request that got as far as the service. Milliseconds; token counts as the usage reports them. */
export interface TruthRecord {
  readonly id: string
  readonly requestId: string
  /** Arrival, UTC, and since the simulator started. */
  readonly at: string
  readonly arrivalMs: number
  readonly profile: string
  readonly model: string
  readonly face: string
  readonly stream: boolean
  readonly promptTokens: number
  readonly cachedTokens?: number | undefined
  readonly outputTokens: number
  readonly reasoningTokens: number
  readonly ttftMs?: number | undefined
  readonly e2eMs?: number | undefined
  /** Adds up to `e2eMs`; absent where the request did not end. */
  readonly phases?: Phases | undefined
  readonly preemptions?: number | undefined
  /** Arrival until its prompt was counted; it delays the request only where it exceeds the front end or the base. */
  readonly countedMs: number
  readonly lateness: Lateness
  readonly faults: readonly string[]
  /** Where it was served, and what befell it there. */
  readonly region?: string | undefined
  readonly replica?: number | undefined
  readonly labels?: readonly string[] | undefined
  readonly outcome: 'ok' | 'broken' | 'cancelled'
}

export interface TruthFile {
  write(record: TruthRecord): void
  close(): void
}

/** Appends. A line is written whole and at once (some 3 µs), so a killed simulator leaves no torn one. */
export function openTruth(path: string): TruthFile {
  const file = openSync(path, 'a', 0o600)
  return {
    write: (record) => void writeSync(file, `${JSON.stringify(record)}\n`),
    close: () => closeSync(file),
  }
}
