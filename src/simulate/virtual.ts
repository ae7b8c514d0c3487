/** Virtual time: a provider, its clients and what goes wrong, run as fast as the machine can, the same for the same seed. */
import { createRandom } from '../random/random.js'
import { createAgenda } from './agenda.js'
import { CAUSES, type Cause } from './causes.js'
import { createFleet } from './fleet.js'
import { createLot } from './incidents.js'
import { settlePhases, type Outcome, type ServiceLoad, type Unread } from './job.js'
import { contextLimit, type Profile } from './profiles.js'
import { befallsClient, createTries, shape, type Sent } from './virtual-client.js'
import type { Attempt, VirtualOutcome, VirtualRequest, VirtualSetup } from './virtual-request.js'

export interface VirtualRun {
  /** In the order of the requests. */
  readonly outcomes: VirtualOutcome[]
  /** What the provider did in all, for background tenants too. */
  readonly load: ServiceLoad
  /** When the last request ended. */
  readonly endMs: number
}

/** A request under way. */
interface Call {
  readonly index: number
  readonly request: VirtualRequest
  readonly sent: Sent
  readonly attempts: Attempt[]
}

/**
 * Runs until every request has ended. Requests are in order of arrival and fit in the profile's context; what an
 * incident adds beyond it is cut. `without` a cause the run is the twin of the one with it: the same draws, so that
 * nothing else changes but what follows from it.
 */
export function runVirtual(
  setup: VirtualSetup,
  requests: readonly VirtualRequest[],
  without?: Cause,
): VirtualRun {
  const agenda = createAgenda()
  const random = createRandom(setup.seed)
  const profile = spare(setup.profile, without)
  const { constants } = profile
  const incidents = setup.incidents.filter(({ cause }) => cause !== without)
  const mostTokens = contextLimit(profile)
  const fleet = createFleet(profile, random.fork('service'), agenda, {
    incidents,
    perfectCache: without === 'cold-cache',
  })
  const lot = createLot(
    setup.incidents.filter(({ cause }) => befallsClient(cause, without)),
    random.fork('client-incidents'),
  )
  const tries = createTries(constants, random.fork('tries'))
  const outcomes: VirtualOutcome[] = []
  let ended = 0
  let endMs = 0

  function start(index: number, nowMs: number): void {
    const request = requests[index]!
    const next = requests[index + 1]
    if (next) {
      if (next.arrivalMs < nowMs)
        throw new RangeError(`request ${index + 1} comes before the one in front of it`)
      agenda.at(next.arrivalMs, (dueMs) => start(index + 1, dueMs))
    }
    const sent = shape(request, lot(index, nowMs), constants.reasoningTokens, mostTokens, without)
    attempt({ index, request, sent, attempts: [] }, nowMs)
  }

  function attempt(call: Call, nowMs: number): void {
    const { index, request, sent, attempts } = call
    const tried = tries({
      index,
      key: request.key ?? '',
      tokens: sent.promptTokens + sent.outputTokens,
      attempt: attempts.length,
      failures: sent.failures,
      nowMs,
    })
    if (tried.status === 200) {
      serve(call, nowMs)
      return
    }
    const { status, takesMs, retryAfterMs, backOffMs } = tried
    const refusedMs = nowMs + takesMs
    attempts.push({
      startMs: nowMs,
      endMs: refusedMs,
      status,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    })
    if (backOffMs === undefined) end(failedOutcome(call, refusedMs))
    else agenda.at(refusedMs + backOffMs, (dueMs) => attempt(call, dueMs))
  }

  function serve(call: Call, nowMs: number): void {
    const { index, request, sent } = call
    const { arrivalMs, keepTokens = false } = request
    const tokenMs = keepTokens ? new Float64Array(sent.outputTokens) : undefined
    let visibleMs: number | undefined
    fleet.submit(
      {
        id: index,
        arrivalMs: nowMs,
        promptTokens: sent.promptTokens,
        outputTokens: sent.outputTokens,
        reasoningTokens: sent.reasoningTokens,
        hashes: request.hashes ?? NO_HASHES,
        key: request.key,
        newConnection: request.newConnection,
        tells: keepTokens ? 'all' : 'ends',
        onToken(token, dueMs, outcome) {
          if (tokenMs) tokenMs[token] = dueMs - arrivalMs
          if (token === sent.reasoningTokens) visibleMs = dueMs - arrivalMs
          if (!outcome) return
          call.attempts.push({ startMs: nowMs, endMs: dueMs, status: 200 })
          end(servedOutcome(call, outcome, nowMs, visibleMs, tokenMs))
        },
      },
      nowMs,
    )
  }

  function end(outcome: VirtualOutcome): void {
    outcomes[outcome.index] = outcome
    ended++
    endMs = Math.max(endMs, outcome.arrivalMs + outcome.e2eMs)
  }

  if (requests.length > 0) agenda.at(requests[0]!.arrivalMs, (dueMs) => start(0, dueMs))
  while (ended < requests.length) agenda.runDue(agenda.nextMs())
  return { outcomes, load: fleet.load(), endMs }
}

const NO_HASHES = new Float64Array(0)

/** The provider without what of its own constants makes a cause. */
function spare(profile: Profile, without: Cause | undefined): Profile {
  const change = without === undefined ? undefined : SPARED[without]
  if (!change) return profile
  return profile.kind === 'engine'
    ? { ...profile, constants: { ...profile.constants, ...change } }
    : { ...profile, constants: { ...profile.constants, ...change } }
}

const SPARED: Partial<Record<Cause, Partial<Profile['constants']>>> = {
  'noisy-neighbour': { tenants: [] },
  'slow-replica': { slowReplicas: 0 },
  retry: { keyRequestsPerMinute: 0, keyTokensPerMinute: 0 },
}

function servedOutcome(
  { index, request, sent, attempts }: Call,
  outcome: Outcome,
  nowMs: number,
  ttfvtMs: number | undefined,
  tokenMs: Float64Array | undefined,
): VirtualOutcome {
  const { arrivalMs } = request
  const { cachedTokens, preemptions, gapMaxMs, route } = outcome
  const earlierMs = nowMs - arrivalMs
  const e2eMs = earlierMs + outcome.e2eMs
  const ttftMs = earlierMs + outcome.ttftMs
  return {
    index,
    arrivalMs,
    outcome: 'ok',
    promptTokens: sent.promptTokens,
    outputTokens: sent.outputTokens,
    reasoningTokens: sent.reasoningTokens,
    cachedTokens,
    seenTokens: Math.max(cachedTokens, route?.seenTokens ?? 0),
    ttftMs,
    ttfvtMs,
    e2eMs,
    phases: earlierMs === 0 ? outcome.phases : settlePhases(e2eMs, { ...outcome.phases, retry: earlierMs }),
    gapMeanMs: sent.outputTokens > 1 ? (e2eMs - ttftMs) / (sent.outputTokens - 1) : 0,
    gapMaxMs,
    tokenMs,
    attempts,
    region: route?.region ?? '',
    replica: route?.replica ?? 0,
    fingerprint: route?.fingerprint ?? '',
    preemptions,
    unreadMs: route?.unreadMs ?? READ_AT_ONCE,
    labels: labelsOf(sent.labels, route?.labels ?? NO_LABELS, attempts.length > 1),
  }
}

const NO_LABELS: readonly Cause[] = []
const READ_AT_ONCE: Unread = { first: 0, visible: 0 }

/** Those of the client, those of the service, and the retry, in the order of `CAUSES`. */
function labelsOf(
  client: ReadonlySet<Cause> | undefined,
  service: readonly Cause[],
  retried: boolean,
): readonly Cause[] {
  if (client === undefined && !retried) return service
  const held = new Set([...(client ?? []), ...service, ...(retried ? RETRIED : [])])
  return CAUSES.filter((cause) => held.has(cause))
}

const RETRIED: readonly Cause[] = ['retry']

function failedOutcome({ index, request, sent, attempts }: Call, endMs: number): VirtualOutcome {
  const { arrivalMs } = request
  const e2eMs = endMs - arrivalMs
  return {
    index,
    arrivalMs,
    outcome: 'failed',
    promptTokens: sent.promptTokens,
    outputTokens: 0,
    reasoningTokens: 0,
    cachedTokens: 0,
    seenTokens: 0,
    ttftMs: NaN,
    e2eMs,
    phases: settlePhases(e2eMs, { retry: e2eMs }),
    gapMeanMs: 0,
    gapMaxMs: 0,
    attempts,
    region: '',
    replica: 0,
    fingerprint: '',
    preemptions: 0,
    unreadMs: READ_AT_ONCE,
    labels: RETRIED,
  }
}
