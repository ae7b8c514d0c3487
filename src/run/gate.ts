/** Stands before every request: holds back what a rate limit or `minHeadroom` forbids, and says so. */
import { readRetryAfter } from '../protocol/retry-after.js'
import type { Clock } from '../units/time.js'
import { nsToMs } from '../units/time.js'
import type { Exchange } from '../wire/exchange.js'
import type { Stop } from './events.js'
import { shortageOf, tellsHeadroom } from './headroom.js'
import { holdUntil } from './pace.js'
import type { Prepared } from './prepare.js'
import type { Throttle } from './throttle.js'
import { createThrottle, learn, onPassed, onRefused, onStart, opensAtNs, refillNs } from './throttle.js'

export interface Gate {
  /** Waits until the account may be asked; answers with how long that held the start back, milliseconds. */
  pass(prepared: Prepared): Promise<number>
  /** What an answer teaches. To be called as soon as it is there. */
  heed(prepared: Prepared, exchange: Exchange): void
  /** What the run has to say of its targets' limits, when it is over. */
  notes(): string[]
}

export interface GateOptions {
  clock: Clock
  /** Longest wait that the scenario allows, seconds: for a Retry-After and for a reset alike. */
  maxRetryAfterS: number
  stop(reason: Stop): void
  stopping(): boolean
  drain: AbortSignal
  note(text: string): void
}

interface Account {
  throttle: Throttle
  asked: number
  /** Whether any answer told how much is left. */
  isTold: boolean
  /** The target's `minHeadroom`. */
  least: number | null
}

export function createGate({ clock, maxRetryAfterS, stop, stopping, drain, note }: GateOptions): Gate {
  const accounts = new Map<string, Account>()
  const accountOf = (name: string): Account => {
    const known = accounts.get(name)
    if (known !== undefined) return known
    const made = { throttle: createThrottle(clock.nowNs()), asked: 0, isTold: false, least: null }
    accounts.set(name, made)
    return made
  }

  function refused(
    name: string,
    account: Account,
    { worst }: Prepared,
    exchange: Exchange,
    limits: Limits,
  ): void {
    const asked = readRetryAfter(exchange, clock.utcMs(), maxRetryAfterS * 1000)
    // More than the scenario is willing to wait: the request has failed, and the next one may fare better.
    if (asked?.askedMs !== undefined) return
    const { throttle } = account
    const toldNs = refillNs(limits, worst.promptTokens + worst.outputTokens)
    if (throttle.refused === 0)
      note(`${name}: its rate limit refused a request (429); the run slows down to it`)
    onRefused(throttle, {
      startNs: exchange.startNs ?? exchange.enqueuedNs,
      nowNs: clock.nowNs(),
      waitNs: asked === undefined ? undefined : asked.waitMs * 1e6,
      toldNs: toldNs !== undefined && toldNs <= maxRetryAfterS * 1e9 ? toldNs : undefined,
    })
  }

  function keepHeadroom(name: string, account: Account, least: number, limits: Limits): void {
    const shortage = shortageOf(limits, least)
    if (shortage === null) return
    const { of, left, resetS } = shortage
    const what = `${name}: ${percent(left)} of its limit of ${of} is left, less than minHeadroom (${percent(least)})`
    if (resetS !== undefined && resetS <= maxRetryAfterS) {
      note(
        `${name}: less than minHeadroom (${percent(least)}) of its limit of ${of} was left; the run waited for its reset`,
      )
      const untilNs = clock.nowNs() + resetS * 1e9
      account.throttle.holdUntilNs = Math.max(account.throttle.holdUntilNs, untilNs)
      return
    }
    const when =
      resetS === undefined ? 'the server does not say when it resets' : `it resets in ${Math.ceil(resetS)} s`
    stop({
      reason: 'headroom',
      message: `${what}, and ${when}: the run stops, so that others can go on. Run again later, lower minHeadroom, or raise retries.maxRetryAfterS to wait longer`,
    })
  }

  return {
    async pass({ target }) {
      const account = accountOf(target.target.name)
      const { throttle } = account
      const beganNs = clock.nowNs()
      let nowNs = beganNs
      // Others wait beside it, and what they meet may hold this one back anew.
      for (; ; nowNs = clock.nowNs()) {
        learn(throttle, nowNs)
        if (opensAtNs(throttle) <= nowNs || stopping() || drain.aborted) break
        await holdUntil(opensAtNs(throttle), { clock, stopping, drain })
      }
      onStart(throttle, nowNs)
      account.asked++
      return nsToMs(nowNs - beganNs)
    },
    heed(prepared, exchange) {
      const { target, protocol } = prepared.target
      const account = accountOf(target.name)
      const { limits } = protocol.readHeaders(exchange.headers)
      if (exchange.status === 429) refused(target.name, account, prepared, exchange, limits)
      else if (exchange.status !== undefined && exchange.status < 400) onPassed(account.throttle)
      if (limits !== undefined && tellsHeadroom(limits)) account.isTold = true
      account.least = target.minHeadroom
      if (account.least !== null) keepHeadroom(target.name, account, account.least, limits)
    },
    notes: () => [...accounts].flatMap(([name, account]) => notesOf(name, account)),
  }
}

type Limits = ReturnType<Prepared['target']['protocol']['readHeaders']>['limits']

function notesOf(name: string, { throttle, asked, isTold, least }: Account): string[] {
  const { refused, gapNs } = throttle
  const notes: string[] = []
  if (refused > 0) {
    const pace = gapNs === 0 ? '' : `; by the end the run asked ${rate(1e9 / gapNs)} times a second at most`
    notes.push(
      `${name}: its rate limit refused ${refused} of ${asked} requests (429)${pace}. Cells of more than one request in flight did not get the load that they ask for: no verdict rests on them`,
    )
  }
  if (least !== null && !isTold)
    notes.push(`${name}: minHeadroom could not be kept: no response said how much of its limits is left`)
  return notes
}

const percent = (share: number): string => `${Math.round(share * 1000) / 10} %`
const rate = (perS: number): string => (perS >= 10 ? perS.toFixed(0) : perS.toPrecision(2))
