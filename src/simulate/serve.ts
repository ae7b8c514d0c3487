/** A checked request, served: handed to the service, its tokens to the socket, its truth to the file. */
import type { ServerResponse } from 'node:http'
import type { Random } from '../random/random.js'
import { createAnswer, type AnswerEnd } from './answer.js'
import type { Counted } from './count.js'
import type { AnswerHead, Ask, Face, Framing } from './face.js'
import type { Fault } from './faults.js'
import type { Incident } from './incidents.js'
import { contextLimit } from './profiles.js'
import type { Shop } from './requests.js'
import { promptOf, writeScript } from './script.js'
import { createSender } from './sender.js'
import type { TruthRecord } from './truth.js'

export interface Order {
  readonly face: Face
  readonly framing: Framing
  readonly ask: Ask
  readonly counted: Counted
  readonly arrivalMs: number
  readonly requestId: string
  readonly fault: Fault
  /** What goes wrong inside with this request alone. */
  readonly incidents: readonly Incident[]
  /** The faults as they were asked for. */
  readonly names: readonly string[]
  /** The request wants the truth about it in its answer. */
  readonly tellsTruth: boolean
  /** Whose request it is, for the router. */
  readonly key: string
}

export function serve(shop: Shop, order: Order, response: ServerResponse): void {
  const { face, framing, ask, arrivalMs, requestId, fault } = order
  const { profile } = shop.options
  const { constants } = profile
  const countedMs = shop.nowMs() - arrivalMs
  const jobId = shop.nextId++
  const random = shop.random.fork(`answer/${jobId}`)
  const limit = contextLimit(profile)
  const { promptTokens, hashes, markedTokens } = promptOf(order, limit, constants)
  const script = writeScript(ask, limit - promptTokens, constants.defaultOutputTokens, fault, random)
  const createdMs = Date.now() - countedMs
  const id = face.idPrefix + alphanumeric(random, 29)
  const served = { region: '', fingerprint: '' }
  const head = (): AnswerHead => ({
    id,
    createdS: Math.floor(createdMs / 1000),
    model: ask.model,
    fingerprint: served.fingerprint,
    ask,
    promptTokens,
    markedTokens,
    reportsUsage: !fault.noUsage,
    reportsTimings: constants.reportsTimings,
    wallMs: Date.now,
    padding: (length) => alphanumeric(random, length),
  })

  function record(end: AnswerEnd | undefined): TruthRecord {
    const outcome = end?.outcome
    return {
      id,
      requestId,
      at: new Date(createdMs).toISOString(),
      arrivalMs,
      profile: profile.name,
      model: ask.model,
      face: face.name,
      stream: ask.stream,
      promptTokens,
      cachedTokens: outcome?.cachedTokens,
      outputTokens: script.outputTokens,
      reasoningTokens: script.reasoningTokens,
      ttftMs: outcome?.ttftMs,
      e2eMs: outcome?.e2eMs,
      phases: outcome?.phases,
      preemptions: outcome?.preemptions,
      countedMs,
      lateness: end?.lateness ?? { firstMs: 0, meanMs: 0, maxMs: 0, lateTokens: 0 },
      faults: order.names,
      region: outcome?.route?.region,
      replica: outcome?.route?.replica,
      labels: outcome?.route?.labels,
      outcome: outcome ? 'ok' : end ? 'broken' : 'cancelled',
    }
  }

  let ended = false
  function close(end: AnswerEnd | undefined): void {
    if (ended) return
    ended = true
    const outcome = end?.outcome
    if (!outcome) shop.service.cancel(jobId)
    else {
      const { outputTokens, reasoningTokens } = script
      const usage = { promptTokens, cachedTokens: outcome.cachedTokens, outputTokens, reasoningTokens }
      shop.metrics.observe(script.reason, usage, outcome)
    }
    shop.truth?.write(record(end))
  }

  const answer = createAnswer({
    sender: createSender(response, fault),
    writer: () => face.writer(head()),
    whole: (whole) => face.whole(head(), whole),
    framing,
    lineEnd: face.lineEnd ?? '\n',
    fault,
    stream: ask.stream,
    arrivalMs,
    promptTokens,
    script,
    earlyHeaders: constants.earlyHeaders,
    headers: (outcome) =>
      face.vendor.answerHeaders({
        requestId,
        region: served.region,
        sinceArrivalMs: shop.nowMs() - arrivalMs,
        outcome,
      }),
    truth: order.tellsTruth ? (end) => JSON.stringify(record(end)) : undefined,
    agenda: shop.pacer.agenda,
    nowMs: shop.nowMs,
    onEnd: close,
  })
  response.on('close', () => close(undefined))
  const { outputTokens, reasoningTokens } = script
  shop.service.submit(
    {
      id: jobId,
      arrivalMs,
      promptTokens,
      hashes,
      outputTokens,
      reasoningTokens,
      key: order.key,
      // The handshake of a real connection is not delayed, so every request pays for its own trip only.
      incidents: order.incidents,
      onRouted: (region, fingerprint) => void Object.assign(served, { region, fingerprint }),
      onCached: answer.admitted,
      onToken: answer.token,
    },
    shop.nowMs(),
  )
  answer.begin(shop.nowMs())
}

const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

function alphanumeric(random: Random, length: number): string {
  return Array.from({ length }, () => ALPHANUMERIC[random.int(ALPHANUMERIC.length)]).join('')
}
