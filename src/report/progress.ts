/** Progress of a run: one live line on a terminal, plain lines elsewhere. It is driven by events and owns no timer. */
import { terminalText } from '../border/escape.js'
import type { Progress, RunEvent } from '../run/events.js'
import { duration, money, percent, plural, whole } from './numbers.js'

export interface ProgressOptions {
  write(text: string): void
  /** The stream takes control codes. */
  isLive: boolean
  /** Monotonic milliseconds. */
  nowMs(): number
}

export interface ProgressDisplay {
  show(event: RunEvent): void
  /** Takes the live line away. */
  end(): void
}

const LIVE_EVERY_MS = 100
const PLAIN_EVERY_MS = 5_000
const CLEAR_LINE = '\r\u001b[K'

export function createProgressDisplay({ write, isLive, nowMs }: ProgressOptions): ProgressDisplay {
  let last = -Infinity
  let isShown = false
  let phase = ''
  const clear = (): void => {
    if (isShown) write(CLEAR_LINE)
    isShown = false
  }
  const live = (text: string): void => {
    write(`${CLEAR_LINE}${text.slice(0, 79)}`)
    isShown = true
  }
  return {
    show(event) {
      if (event.kind === 'note') {
        clear()
        write(`note: ${terminalText(event.text)}\n`)
        return
      }
      if (event.kind === 'phase') {
        phase = event.text
        if (isLive) live(`${phase} …`)
        else write(`${phase}\n`)
        last = nowMs()
        return
      }
      const now = nowMs()
      if (now - last < (isLive ? LIVE_EVERY_MS : PLAIN_EVERY_MS)) return
      last = now
      if (isLive) live(`${phase}: ${liveText(event.progress)}`)
      else write(`${phase}: ${progressText(event.progress)}\n`)
    },
    end: clear,
  }
}

export function progressText({ done, planned, errors, tokens, cost, elapsedMs }: Progress): string {
  const rate = elapsedMs > 0 ? (done / elapsedMs) * 1000 : 0
  const share =
    planned === null || planned === 0 ? '' : ` of ${whole(planned)} (${percent(Math.min(1, done / planned))})`
  const parts = [
    `${whole(done)}${share} ${done === 1 && planned === null ? 'request' : 'requests'}`,
    `${rate.toFixed(1)}/s`,
    errors === 0 ? 'no errors' : plural(errors, 'error'),
    `${whole(tokens)} tokens`,
  ]
  if (cost !== null) parts.push(money(cost))
  if (planned !== null && rate > 0 && done < planned)
    parts.push(`${duration(((planned - done) / rate) * 1000)} left`)
  return parts.join(', ')
}

/** Short enough for a line of 80 columns. */
function liveText({ done, planned, errors, tokens, cost, elapsedMs }: Progress): string {
  const rate = elapsedMs > 0 ? (done / elapsedMs) * 1000 : 0
  const parts = [
    planned === null ? whole(done) : `${whole(done)}/${whole(planned)}`,
    `${rate.toFixed(1)}/s`,
    errors === 0 ? 'no errors' : plural(errors, 'error'),
    cost === null ? `${whole(tokens)} tok` : money(cost),
  ]
  if (planned !== null && rate > 0 && done < planned)
    parts.push(`${duration(((planned - done) / rate) * 1000)} left`)
  return parts.join(', ')
}
