/** When an alert is due: once a change of state, again after a set time, and when all is well again. */

/**
 * What a run came to. `undecided`: complete, but whether it is slower could not be shown; that ends a failure and no
 * regression. `interrupted`: by us, which says nothing.
 */
export type Health = 'ok' | 'regression' | 'failure' | 'undecided' | 'interrupted'

export interface AlertState {
  health: 'ok' | 'regression' | 'failure'
  /** Since when, milliseconds since 1970. */
  sinceMs: number
  /** When it was last told; null: never. */
  toldMs: number | null
}

export type AlertKind = 'regression' | 'failure' | 'recovery'

export interface Alert {
  kind: AlertKind
  scenario: string
  targets: readonly string[]
  /** ISO 8601. */
  at: string
  since: string
  /** The same was told before. */
  repeated: boolean
  /** What is to be said of it, in words. */
  sentences: readonly string[]
  /** Path of the snapshot, where there is one. */
  snapshot: string | null
}

/** The state after a run, and which alert it asks for. Good from the first run on is no news. */
export function nextAlertState(
  before: AlertState | null,
  seen: Health,
  { nowMs, repeatMs }: { nowMs: number; repeatMs: number },
): { state: AlertState | null; alert: { kind: AlertKind; repeated: boolean } | null } {
  if (seen === 'interrupted') return { state: before, alert: null }
  if (seen === 'undecided' && before?.health === 'regression') return { state: before, alert: null }
  const health = seen === 'undecided' ? 'ok' : seen
  if (before?.health !== health) {
    const state = { health, sinceMs: nowMs, toldMs: null }
    if (health !== 'ok') return { state, alert: { kind: health, repeated: false } }
    // Only who heard of the trouble is told that it is over.
    return { state, alert: before?.toldMs == null ? null : { kind: 'recovery', repeated: false } }
  }
  if (health === 'ok') return { state: before, alert: null }
  const isDue = before.toldMs === null || nowMs - before.toldMs >= repeatMs
  return { state: before, alert: isDue ? { kind: health, repeated: before.toldMs !== null } : null }
}
