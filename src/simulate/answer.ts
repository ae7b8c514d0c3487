/** One answer on the wire: tokens become events or one body, faults bend them, lateness is kept. */
import type { Agenda } from './agenda.js'
import type { Channel, EventWriter, FinishReason, Usage, WholeAnswer } from './face.js'
import type { Fault } from './faults.js'
import { settlePhases, type Outcome } from './job.js'
import type { Sender } from './sender.js'

/** How far behind their due times the tokens were on the socket, ms. */
export interface Lateness {
  firstMs: number
  meanMs: number
  maxMs: number
  /** Tokens more than 1 ms late. */
  lateTokens: number
}

export interface AnswerSettings {
  readonly sender: Sender
  readonly writer: EventWriter
  readonly whole: (answer: WholeAnswer) => string
  readonly words: () => string
  readonly fault: Fault
  readonly stream: boolean
  readonly arrivalMs: number
  readonly promptTokens: number
  readonly outputTokens: number
  readonly reasoningTokens: number
  readonly streamsReasoning: boolean
  readonly earlyHeaders: boolean
  readonly reason: FinishReason
  /** Headers that are known only when they are sent. */
  readonly headers: () => Record<string, string>
  readonly agenda: Agenda
  readonly nowMs: () => number
  /** The answer is over; `broken` when a fault ended it before its last token. */
  readonly onEnd: (end: { outcome?: Outcome; broken?: true; lateness: Lateness }) => void
}

export interface Answer {
  /** The request was taken: headers may go out. */
  begin(nowMs: number): void
  token(index: number, dueMs: number, outcome: Outcome | undefined): void
}

export function createAnswer(settings: AnswerSettings): Answer {
  const { sender, writer, fault, agenda, nowMs, arrivalMs, outputTokens, reasoningTokens } = settings
  const streams = settings.stream && !fault.notStreaming
  const newline = fault.lineEnd ?? '\n'
  const texts = { text: '', reasoning: '' }
  const lateness = { firstMs: 0, meanMs: 0, maxMs: 0, lateTokens: 0 }
  let lateSumMs = 0
  let opened = false
  let over = false
  let held = ''
  let pending: { text: string; channel: Channel; tokens: number } | undefined

  function frame(data: string): string {
    return `${fault.comments ? `: keep-alive${newline}${newline}` : ''}data: ${data}${newline}${newline}`
  }

  function put(data: string): void {
    if (fault.buffered) held += frame(data)
    else sender.send(frame(data))
  }

  function open(): void {
    if (opened) return
    opened = true
    if (!streams) return
    sender.open(200, { ...settings.headers(), 'content-type': 'text/event-stream; charset=utf-8' })
    for (const data of writer.opening()) put(data)
  }

  function flushToken(): void {
    if (pending) put(writer.token(pending.text, pending.channel))
    pending = undefined
  }

  function addToken(index: number, isLast: boolean): void {
    const channel = index < reasoningTokens ? 'reasoning' : 'text'
    const text = settings.words()
    const isShown = channel === 'text' || settings.streamsReasoning
    if (isShown) texts[channel] += text
    if (!streams || !isShown) return
    if (pending && pending.channel !== channel) flushToken()
    pending = { text: (pending?.text ?? '') + text, channel, tokens: (pending?.tokens ?? 0) + 1 }
    if (pending.tokens >= (fault.tokensPerEvent ?? 1) || isLast) flushToken()
  }

  function complete(outcome: Outcome): void {
    const usage: Usage = {
      promptTokens: settings.promptTokens,
      cachedTokens: outcome.cachedTokens,
      outputTokens,
      reasoningTokens: Math.min(reasoningTokens, outputTokens),
    }
    if (streams) {
      put(writer.finish(settings.reason))
      const usageData = fault.noUsage ? undefined : writer.usage(usage)
      if (usageData !== undefined) put(usageData)
      const done = writer.done()
      if (done !== undefined) for (let i = 0; i < (fault.doneEvents ?? 1); i++) put(done)
      if (held !== '') sender.send(held)
    } else {
      const body = settings.whole({ ...texts, reason: settings.reason, usage })
      const length = String(Buffer.byteLength(body))
      sender.open(200, {
        ...settings.headers(),
        'content-type': 'application/json',
        'content-length': length,
      })
      sender.send(body)
    }
    sender.end()
  }

  function breakOff(how: NonNullable<Fault['breakAt']>['how']): void {
    switch (how) {
      case 'reset':
        sender.reset()
        break
      case 'cut':
        sender.cut()
        break
      case 'half-event': {
        const event = frame(writer.token(settings.words(), 'text'))
        sender.send(event.slice(0, event.length >> 1))
        sender.cut()
        break
      }
      case 'error-event':
        if (streams) {
          const message = 'The server had an error while processing your request. Sorry about that!'
          put(writer.error({ status: 500, message, type: 'server_error' }))
          sender.end()
        } else sender.cut()
        break
      case 'stall':
        break
      default:
        how satisfies never
    }
  }

  function deliver(index: number, dueMs: number, outcome: Outcome | undefined): void {
    if (over) return
    open()
    if (fault.breakAt && index >= fault.breakAt.token) {
      over = true
      breakOff(fault.breakAt.how)
      settings.onEnd({ broken: true, lateness })
      return
    }
    addToken(index, outcome !== undefined)
    const lateMs = Math.max(0, nowMs() - dueMs)
    if (index === 0) lateness.firstMs = lateMs
    if (lateMs > 1) lateness.lateTokens++
    lateSumMs += lateMs
    lateness.meanMs = lateSumMs / (index + 1)
    lateness.maxMs = Math.max(lateness.maxMs, lateMs)
    if (!outcome) return
    over = true
    complete(outcome)
    settings.onEnd({ outcome: asDelivered(outcome), lateness })
  }

  /** When a token that the model has at `sinceArrivalMs` is let out. */
  function deliveredMs(sinceArrivalMs: number): number {
    return Math.max(sinceArrivalMs * (fault.slowdown ?? 1), fault.headersDelayMs ?? 0)
  }

  /** The truth as it was let out: a slowdown stretches every phase, late headers count as network. */
  function asDelivered(outcome: Outcome): Outcome {
    const factor = fault.slowdown ?? 1
    const e2eMs = deliveredMs(outcome.e2eMs)
    const named = Object.entries(outcome.phases).map(([name, ms]) => [name, ms * factor])
    const network = outcome.phases.network * factor + e2eMs - outcome.e2eMs * factor
    const phases = settlePhases(e2eMs, { ...Object.fromEntries(named), network })
    return { ...outcome, ttftMs: deliveredMs(outcome.ttftMs), e2eMs, phases }
  }

  return {
    begin(beganMs) {
      if (!settings.earlyHeaders) return
      const opensMs = arrivalMs + (fault.headersDelayMs ?? 0)
      if (opensMs <= beganMs) open()
      else agenda.at(opensMs, open)
    },
    token(index, dueMs, outcome) {
      const at = arrivalMs + deliveredMs(dueMs - arrivalMs)
      if (at <= dueMs) deliver(index, dueMs, outcome)
      else agenda.at(at, (lateDueMs) => deliver(index, lateDueMs, outcome))
    },
  }
}
