/** One answer on the wire: tokens become events or one body, faults bend them, lateness is kept. */
import type { Agenda } from './agenda.js'
import type {
  Channel,
  End,
  EventWriter,
  FinishReason,
  Framing,
  Usage,
  WholeAnswer,
  WireEvent,
} from './face.js'
import type { Fault } from './faults.js'
import { CONTENT_TYPES, createFramer } from './frame.js'
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

/** What the answer is over with; without an outcome a fault ended it before its last token. */
export interface AnswerEnd {
  readonly outcome?: Outcome
  readonly lateness: Lateness
}

/** The whole answer, token by token. */
export interface Script {
  readonly outputTokens: number
  readonly reasoningTokens: number
  /** `summary`: every fourth token of reasoning is sent. */
  readonly shown: 'full' | 'summary' | 'hidden'
  readonly reason: FinishReason
  text(index: number): string
  readonly callsTool: boolean
}

export interface AnswerSettings {
  readonly sender: Sender
  /** Made when the first byte goes out. */
  readonly writer: () => EventWriter
  readonly whole: (answer: WholeAnswer) => string
  readonly framing: Framing
  readonly lineEnd: string
  readonly fault: Fault
  readonly stream: boolean
  readonly arrivalMs: number
  readonly promptTokens: number
  readonly script: Script
  readonly earlyHeaders: boolean
  /** Headers that are known only when they are sent. */
  readonly headers: (outcome: Outcome | undefined) => Record<string, string>
  /** The truth as one line of JSON, where the request asked for it in the answer. */
  readonly truth: ((end: AnswerEnd) => string) | undefined
  readonly agenda: Agenda
  readonly nowMs: () => number
  readonly onEnd: (end: AnswerEnd) => void
}

export interface Answer {
  /** The request was taken: headers may go out. */
  begin(nowMs: number): void
  /** What the cache held of the prompt is known; before the first token. */
  admitted(cachedTokens: number): void
  token(index: number, dueMs: number, outcome: Outcome | undefined): void
}

const SUMMARY_STRIDE = 4

export function createAnswer(settings: AnswerSettings): Answer {
  const { sender, fault, agenda, nowMs, arrivalMs, script } = settings
  const { outputTokens, reasoningTokens } = script
  const streams = settings.stream && !fault.notStreaming
  const framer = createFramer(settings.framing, fault.lineEnd ?? settings.lineEnd)
  const texts: Record<Channel, string> = { text: '', reasoning: '', tool: '' }
  const lateness = { firstMs: 0, meanMs: 0, maxMs: 0, lateTokens: 0 }
  let made: EventWriter | undefined
  let lateSumMs = 0
  let opened = false
  let over = false
  let held = ''
  let cachedTokens: number | undefined
  let pending: { text: string; channel: Channel; tokens: number } | undefined

  function writer(): EventWriter {
    return (made ??= settings.writer())
  }

  function frame(event: WireEvent): string {
    return (fault.comments ? framer.comment('keep-alive') : '') + framer.event(event)
  }

  function put(text: string): void {
    if (text === '') return
    if (fault.buffered) held += text
    else sender.send(text)
  }

  function putAll(events: readonly WireEvent[]): void {
    put(events.map(frame).join(''))
  }

  function open(): void {
    if (opened) return
    opened = true
    if (!streams) return
    sender.open({ ...settings.headers(undefined), 'content-type': CONTENT_TYPES[settings.framing] })
    putAll(writer().opening())
    if (cachedTokens !== undefined) putAll(writer().admitted(cachedTokens))
  }

  function flushToken(): void {
    if (pending) putAll(writer().token(pending.text, pending.channel, pending.tokens))
    pending = undefined
  }

  function isShown(index: number): boolean {
    if (index >= reasoningTokens || script.shown === 'full') return true
    return script.shown === 'summary' && index % SUMMARY_STRIDE === 0
  }

  function addToken(index: number, isLast: boolean): void {
    const channel = index < reasoningTokens ? 'reasoning' : script.callsTool ? 'tool' : 'text'
    const text = script.text(index)
    if (isShown(index)) {
      texts[channel] += text
      if (!streams) return
      if (pending && pending.channel !== channel) flushToken()
      pending = { text: (pending?.text ?? '') + text, channel, tokens: (pending?.tokens ?? 0) + 1 }
    } else if (streams) putAll(writer().silent())
    if (pending && (pending.tokens >= (fault.tokensPerEvent ?? 1) || isLast)) flushToken()
  }

  function complete(end: End, delivered: AnswerEnd): void {
    const truth = settings.truth?.(delivered)
    if (!streams) {
      const { text, reasoning, tool: toolArguments } = texts
      const headers = { ...settings.headers(end.outcome), 'content-type': 'application/json' }
      const told = truth === undefined ? {} : { 'x-plumbline-truth': truth }
      sender.whole({ ...headers, ...told }, settings.whole({ ...end, text, reasoning, toolArguments }))
      return
    }
    putAll(writer().finish(end))
    for (let i = 0; i < (fault.doneEvents ?? 1); i++) putAll(writer().done(end))
    put(framer.end())
    if (truth !== undefined) put(framer.comment(`plumbline-truth ${truth}`))
    if (held !== '') sender.send(held)
    sender.end()
  }

  function breakOff(how: NonNullable<Fault['breakAt']>['how'], index: number): void {
    switch (how) {
      case 'reset':
        sender.reset()
        break
      case 'cut':
        sender.cut()
        break
      case 'half-event': {
        const channel = index < reasoningTokens ? 'reasoning' : script.callsTool ? 'tool' : 'text'
        const text = writer().token(script.text(index), channel, 1).map(frame).join('')
        if (streams) sender.send(text.slice(0, text.length >> 1))
        sender.cut()
        break
      }
      case 'error-event':
        if (streams) {
          putAll(writer().error())
          if (held !== '') sender.send(held)
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
      breakOff(fault.breakAt.how, index)
      settings.onEnd({ lateness })
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
    const usage: Usage = {
      promptTokens: settings.promptTokens,
      cachedTokens: outcome.cachedTokens,
      outputTokens,
      reasoningTokens,
    }
    const delivered = { outcome: asDelivered(outcome), lateness }
    complete({ reason: script.reason, usage, outcome: delivered.outcome }, delivered)
    settings.onEnd(delivered)
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
    admitted(cached) {
      cachedTokens = cached
      if (opened && streams) putAll(writer().admitted(cached))
    },
    token(index, dueMs, outcome) {
      const at = arrivalMs + deliveredMs(dueMs - arrivalMs)
      if (at <= dueMs) deliver(index, dueMs, outcome)
      else agenda.at(at, (lateDueMs) => deliver(index, lateDueMs, outcome))
    },
  }
}
