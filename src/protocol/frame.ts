/** Frames of a response body (SSE events, NDJSON lines, entries of a JSON array or binary messages), each with the network chunk that completed it. */
import { createParser, type EventSourceParser } from 'eventsource-parser'
import { frameMessages } from './event-stream.js'
import { arrayEntries } from './json-array.js'
import type { Frame, Protocol } from './protocol.js'

/** Longest event that is read, characters; a longer one ends the reading. */
export const LARGEST_EVENT = 1024 * 1024

// The parser's buffer holds a line with its field name, so its own limit lies a little above ours: whether an
// event is too large must not depend on where the network cut it.
const PARSER_LIMIT = LARGEST_EVENT + 64

export interface ArrivedFrame {
  frame: Frame
  /** Index of the chunk whose bytes completed the event: its blank line (SSE), line end (NDJSON), last brace or byte. */
  chunk: number
  /** SSE comments before it. */
  comments: number
}

export interface FramedBody {
  frames: ArrivedFrame[]
  /** What was left without its blank line or line end when the body ended; it may be cut anywhere. */
  tail: Frame | undefined
  /** SSE comments: DeepSeek and OpenRouter send them while a request waits. */
  comments: number
  /** NUL bytes and bad UTF-8 that became U+FFFD. */
  replaced: number
  /** An event passed the size limit: it and all after it are missing. */
  oversized: boolean
}

interface Framer {
  feed(text: string): void
  /** Ends the body. */
  flush(): void
}

type Emit = (frame: Frame) => void

/**
 * Frames a whole body, fed in the chunks in which it came, so that a frame's arrival is that of its last byte.
 * The same bytes give the same frames wherever the network cut them.
 *
 * @param chunkEnd offset in `body` just after each chunk, ascending
 */
export function frameBody(
  body: Uint8Array,
  chunkEnd: ArrayLike<number>,
  framing: Protocol['framing'],
): FramedBody {
  if (framing === 'messages') return frameMessages(body, chunkEnd, LARGEST_EVENT)
  const framed: FramedBody = { frames: [], tail: undefined, comments: 0, replaced: 0, oversized: false }
  let chunk = 0
  let ended = false
  const emit: Emit = (frame) => {
    if (framed.oversized) return
    if (ended) framed.tail = frame
    else framed.frames.push({ frame, chunk, comments: framed.comments })
  }
  const framer = framerOf(framing, framed, emit)
  // Keeps a character that a chunk cut. The mark at the begin is taken off here: with a character cut in the first
  // chunk, Node 24 takes one off in mid-stream.
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let isBegin = true
  let marks = 0 // U+FFFD, whoever put it there
  const feed = (text: string) => {
    const decoded = isBegin && text.startsWith('\uFEFF') ? text.slice(1) : text
    if (text !== '') isBegin = false
    const nuls = decoded.includes('\0') ? decoded.split('\0').length - 1 : 0
    const clean = nuls > 0 ? decoded.replaceAll('\0', '\uFFFD') : decoded
    if (clean.includes('\uFFFD')) marks += clean.split('\uFFFD').length - 1
    if (clean !== '' && !framed.oversized) framer.feed(clean)
  }

  let start = 0
  for (chunk = 0; chunk < chunkEnd.length; chunk++) {
    const end = chunkEnd[chunk] ?? start
    feed(decoder.decode(body.subarray(start, end), { stream: true }))
    start = end
  }
  ended = true
  feed(decoder.decode())
  if (!framed.oversized) framer.flush()
  if (marks > 0) framed.replaced = marks - genuineMarks(body)
  return framed
}

/** U+FFFD that the server itself sent (half a character of a token, mostly): no decoding error. */
function genuineMarks(body: Uint8Array): number {
  let found = 0
  // 0xEF never continues another character, so every EF BF BD is one.
  for (let at = body.indexOf(0xef); at !== -1; at = body.indexOf(0xef, at + 1)) {
    if (body[at + 1] === 0xbf && body[at + 2] === 0xbd) found++
  }
  return found
}

function framerOf(framing: Exclude<Protocol['framing'], 'messages'>, framed: FramedBody, emit: Emit): Framer {
  switch (framing) {
    case 'sse':
      return sseFramer(framed, emit)
    case 'ndjson':
      return lineFramer(framed, emit)
    case 'sse-or-array':
      return byFirstCharacter(framed, emit)
    default:
      return framing satisfies never
  }
}

/** No line of server-sent events that means anything starts with a bracket. */
function byFirstCharacter(framed: FramedBody, emit: Emit): Framer {
  let blank = ''
  let chosen: Framer | undefined
  return {
    feed(text) {
      if (chosen === undefined) {
        blank += text
        const begin = blank.trimStart()
        if (begin === '') return
        chosen = begin.startsWith('[') ? arrayFramer(framed, emit) : sseFramer(framed, emit)
        chosen.feed(blank)
      } else chosen.feed(text)
    },
    flush: () => chosen?.flush(),
  }
}

function arrayFramer(framed: FramedBody, emit: Emit): Framer {
  const entry = (data: string) => {
    if (data.length > LARGEST_EVENT) framed.oversized = true
    else emit({ data })
  }
  const entries = arrayEntries(entry)
  const feed = (text: string) => {
    if (entries.feed(text) > LARGEST_EVENT) framed.oversized = true
  }
  return { feed, flush: () => entries.flush() }
}

function sseFramer(framed: FramedBody, emit: Emit): Framer {
  const tooLarge = (value: string) => {
    if (value.length > LARGEST_EVENT) framed.oversized = true
  }
  const parser: EventSourceParser = createParser({
    maxBufferSize: PARSER_LIMIT,
    onEvent({ event, data }) {
      tooLarge(data)
      emit(event === undefined ? { data } : { name: event, data })
    },
    onComment(comment) {
      tooLarge(comment)
      framed.comments++
    },
    onError(error) {
      if (error.type === 'max-buffer-size-exceeded') framed.oversized = true
      else if (error.value !== undefined) tooLarge(error.value)
      // llama.cpp of 2023 to 2025 sends a failure in a field of its own, `error: {…}`.
      if (error.type === 'unknown-field' && error.field === 'error') {
        emit({ name: 'error', data: error.value ?? '' })
      }
    },
  })
  // The parser waits for the chunk after a final CR (a LF may follow), which would date an event by its successor.
  // So line ends become LF here: a CR ends its line at once, and a LF right behind it is dropped.
  let afterCr = false
  const feed = (text: string) => {
    let lines = afterCr && text.startsWith('\n') ? text.slice(1) : text
    afterCr = text.endsWith('\r')
    if (lines.includes('\r')) lines = lines.replace(/\r\n?/g, '\n')
    // Several events may lie in one chunk: feeding goes on after one too large, and emit drops them.
    if (lines !== '') parser.feed(lines)
  }
  return { feed, flush: () => feed('\n\n') }
}

function lineFramer(framed: FramedBody, emit: Emit): Framer {
  let pieces: string[] = []
  let held = 0
  const line = (data: string) => {
    if (data.length > LARGEST_EVENT) framed.oversized = true
    else if (data.trim() !== '') emit({ data })
  }
  const feed = (text: string) => {
    let from = 0
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', from)) {
      pieces.push(text.slice(from, at))
      line(pieces.join('').replace(/\r$/, ''))
      pieces = []
      held = 0
      from = at + 1
    }
    if (from < text.length) pieces.push(text.slice(from))
    held += text.length - from
    if (held > PARSER_LIMIT) framed.oversized = true
  }
  return { feed, flush: () => line(pieces.join('')) }
}
