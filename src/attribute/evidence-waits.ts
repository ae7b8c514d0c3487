/** What speaks for waits and against them: a queue, a retry, the network, a client that stood still. */
import { serverFirstMs } from './direct.js'
import { stallShare } from './gaps.js'
import type { Observation } from './observation.js'
import type { Pace } from './peers.js'
import type { Surroundings } from './surroundings.js'
import { add, none, percent, SLOW, type Weight } from './weight.js'

/** A server had a wait where it had most of it. */
const MOSTLY = 0.8
/** Log odds. */
const UNSEEN = -3
const WAITED_TOO = 1.5

export function queueing(observation: Observation, around: Surroundings): Weight {
  const { near, limited, turn, overlap, own } = around
  const { span } = observation
  const weight = none()
  add(weight, turn, turn > 1 ? 'its wait ended as another call of the service did' : undefined)
  // What the server says that it queued was taken off before: what is left is something else.
  if (span.queueMs !== undefined) add(weight, -3)
  else if (isWithinServer(observation)) add(weight, 1.8, 'the wait was within the server')
  if (overlap !== undefined && isWait(observation, own)) {
    const { inFlight, share, logOdds } = overlap
    const others = inFlight === 1 ? 'another call' : `${inFlight} other calls`
    add(
      weight,
      logOdds,
      logOdds > 1
        ? `${others} of its own were in flight: ${percent(share)} of such calls wait, and few else`
        : undefined,
    )
  }
  if (limited > 0.02) add(weight, 1, `${percent(limited)} of calls around it were rate limited`)
  if (waitedToo(around) && !thinksUnseen(observation)) {
    add(weight, WAITED_TOO, `${near.count} calls near it waited too, and decoded at their usual pace`)
  }
  if (span.remainingRequests === 0) add(weight, 1, 'no request was left of the rate limit')
  return weight
}

/** What is left of the wait, when what came late to the client was taken off, the server had too. */
function isWithinServer(observation: Observation): boolean {
  const { span, first, expected } = observation
  const serverMs = serverFirstMs(span, first)
  if (serverMs === undefined || first === undefined || thinksUnseen(observation)) return false
  const excessMs = first.observedMs - first.expectedMs
  return serverMs - (first.expectedMs - expected.base) >= MOSTLY * excessMs
}

/** What took long before the first output may have been its thinking. */
function thinksUnseen({ hidden, expected, first }: Observation): boolean {
  return hidden && first !== undefined && expected.reasoning > first.expectedMs / 2
}

/** More than a machine that is slower as a whole would make of it. */
function isWait({ first }: Observation, { log }: Pace): boolean {
  if (first === undefined) return false
  const slowedMs = first.expectedMs * (log > 0 ? Math.exp(log) : 1)
  return first.observedMs - slowedMs >= (first.observedMs - first.expectedMs) / 2
}

/** A queue or a bad network delays all that pass at the time. */
function waitedToo({ near }: Surroundings): boolean {
  return near.count >= 3 && near.first > SLOW && near.rest < SLOW / 2
}

export function retry({ span, retryMs }: Observation): Weight {
  const weight = none()
  const { attempts } = span
  if (attempts === undefined) return weight
  // What the trace times is taken off before; what it only counts must be in the residual.
  if (attempts > 1 && retryMs === 0) add(weight, 5, `${attempts} attempts were made`)
  else add(weight, -6)
  return weight
}

export function clientStall(observation: Observation): Weight {
  const weight = none()
  const { serverMs, decodeMs, clientPauseMs: pauseMs } = observation.span
  const oneGap = stallShare(observation)
  // What the server's own times show of it was taken off before; where nothing shows it, it is as good as any.
  if ((serverMs ?? decodeMs ?? pauseMs ?? oneGap ?? undefined) === undefined) add(weight, UNSEEN)
  if (pauseMs !== undefined && pauseMs > 50) {
    add(weight, 4, `the calling process stood still for ${Math.round(pauseMs)} ms`)
  }
  if (oneGap !== null) {
    if (oneGap > 0.7) add(weight, 3, 'one gap between tokens holds the whole delay')
    else if (oneGap < 0.4) add(weight, -4)
  }
  return weight
}

export function network({ span, first }: Observation, around: Surroundings): Weight {
  const weight = none()
  // Likewise what the client saw and the server did not.
  if (serverFirstMs(span, first) !== undefined) add(weight, -4)
  else if (waitedToo(around)) add(weight, WAITED_TOO)
  if (span.attempts !== undefined && span.attempts > 1) add(weight, -1)
  return weight
}
