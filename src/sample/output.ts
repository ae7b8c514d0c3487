/** The generated output of a stream: when it arrived, and which part of it usage counts. */
import type { OutputChannel } from '../protocol/protocol.js'
import type { Stream } from './stream.js'

/** Output whose tokens usage counts as they came: all of it but summaries. */
export interface Counted {
  /** Events that carried output: at most one a frame. */
  events: number
  /** Those of them that came with the first arrival. */
  firstEvents: number
  /** Distinct arrivals, nanoseconds, ascending. */
  arrivals: number[]
  /** Text that came with the first arrival, and in all. */
  firstText: string
  text: string
}

export interface Output {
  events: number
  arrivals: number[]
  firstVisibleNs: number | undefined
  /** In full. */
  reasoningStreamed: boolean
  /** Reasoning was told in a summary or not at all, so how much of it there was shows in usage alone. */
  reasoningHidden: boolean
  counted: Counted
  /** SSE comments before the first output, or in all where there was none. */
  comments: number
}

export function readOutput(stream: Stream | undefined): Output {
  // Told at the end of the reasoning, of what came before.
  const isHidden = stream?.moments.some(({ events }) => events.some(({ kind }) => kind === 'hidden')) ?? false
  const counted: Counted = { events: 0, firstEvents: 0, arrivals: [], firstText: '', text: '' }
  const output: Output = {
    events: 0,
    arrivals: [],
    firstVisibleNs: undefined,
    reasoningStreamed: false,
    reasoningHidden: isHidden,
    counted,
    comments: stream?.comments ?? 0,
  }
  const pieces: string[] = []
  let lastChunk: number | undefined
  let lastCounted: number | undefined
  for (const { chunk, atNs, events, comments } of stream?.moments ?? []) {
    const channels = new Set<OutputChannel>()
    const before = pieces.length
    for (const event of events) {
      if (event.kind !== 'output') continue
      const channel = isHidden && event.channel === 'reasoning' ? 'summary' : event.channel
      channels.add(channel)
      if (channel !== 'summary') pieces.push(event.text)
    }
    if (channels.size === 0) continue
    if (output.events === 0) output.comments = comments
    output.events++
    if (chunk !== lastChunk) output.arrivals.push(atNs)
    lastChunk = chunk
    if (channels.has('text')) output.firstVisibleNs ??= atNs
    if (channels.has('reasoning')) output.reasoningStreamed = true
    if (channels.has('summary')) output.reasoningHidden = true
    if (pieces.length === before) continue
    counted.events++
    if (chunk !== lastCounted) counted.arrivals.push(atNs)
    lastCounted = chunk
    if (counted.arrivals.length === 1) {
      counted.firstEvents++
      counted.firstText += pieces.slice(before).join('')
    }
  }
  counted.text = pieces.join('')
  return output
}
