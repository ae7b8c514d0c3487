/**
 * Takes a JSON document of any length apart as its bytes arrive: each span comes out alone, in an envelope of its own
 * that holds what stood around it. Longer than most files: it is a scanner.
 */
import { append, createWindow } from './byte-window.js'
import { isObject } from './json-value.js'
import type { JsonObject } from './json-value.js'

export interface SplitterOptions {
  /** Bytes of one record; a longer one is passed over. */
  maxRecordBytes: number
  value(value: unknown): void
  fault(kind: string): void
}

export interface Splitter {
  push(chunk: Uint8Array): void
  end(): void
}

/** Lists (and Tempo's object) that hold what is looked for; what stands beside them describes it. */
const DESCENT: ReadonlySet<string> = new Set([
  'resourceSpans',
  'resource_spans',
  'batches',
  'trace',
  'data',
  'resourceLogs',
  'scopeSpans',
  'scope_spans',
  'instrumentationLibrarySpans',
  'instrumentation_library_spans',
  'scopeLogs',
])
/** In these alone `spans` is gone into: the processes of a Jaeger trace stand behind its spans. */
const SCOPES: ReadonlySet<string> = new Set([
  'scopeSpans',
  'scope_spans',
  'instrumentationLibrarySpans',
  'instrumentation_library_spans',
])

/** A container that is gone into. */
interface Frame {
  isArray: boolean
  /** The key that it stands under. */
  key: string
  /** Members of an object that stood before the list within it. */
  context: JsonObject
  /** The key of the member that comes next. */
  pending: string | undefined
}

const MAX_DEPTH = 100

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const COMMA = 0x2c

export function createSplitter({ maxRecordBytes, value, fault }: SplitterOptions): Splitter {
  const window = createWindow()
  const frames: Frame[] = []
  let at = 0 // next byte to look at
  let from = -1 // start of the record that is being kept; -1 between records
  let depth = 0 // within the record
  let isObjectRecord = false
  let isContext = false // the record is a member of a frame's object, not an element
  let isTooLong = false
  let inString = false
  let stringFrom = 0
  let key: string | undefined // at depth 1 of a record
  let keyFrom = 0
  let wantsKey = false
  let isDead = false

  const top = (): Frame | undefined => frames.at(-1)

  const hasDied = (): boolean => isDead
  const die = (why: string): void => {
    isDead = true
    fault(why)
  }

  function mayDescend(name: string): boolean {
    if (name === 'spans' || name === 'logRecords') return frames.some((frame) => SCOPES.has(frame.key))
    return DESCENT.has(name)
  }

  function parse(text: string): unknown {
    try {
      return JSON.parse(text)
    } catch {
      fault('malformed JSON')
      return undefined
    }
  }

  function begin(isElementObject: boolean, asContext: boolean): void {
    from = at
    depth = 1
    isObjectRecord = isElementObject
    isContext = asContext
    isTooLong = false
    wantsKey = isElementObject
    key = undefined
    at++
  }

  function finish(): void {
    const text = isTooLong ? undefined : window.bytes.toString('utf8', from, at)
    from = -1
    const frame = top()
    if (isContext && frame !== undefined) {
      const read = text === undefined ? undefined : parse(text)
      if (frame.pending !== undefined && read !== undefined)
        frame.context = { ...frame.context, [frame.pending]: read }
      frame.pending = undefined
    } else if (text !== undefined) {
      const read = parse(text)
      if (read !== undefined) value(envelope(read))
    }
  }

  /** What the record would be in a document of its own. */
  function envelope(record: unknown): unknown {
    let whole = record
    let name = ''
    for (let i = frames.length - 1; i >= 0; i--) {
      const frame = frames[i]
      if (frame === undefined) break
      if (frame.isArray) whole = [whole]
      else whole = { ...frame.context, [name]: whole }
      name = frame.key
    }
    return whole
  }

  /** The record turns out to hold a list of what is looked for: what came before describes it. */
  function descend(isArray: boolean, name: string): void {
    const head = window.bytes.toString('utf8', from, keyFrom).replace(/,\s*$/, '')
    const read = parse(`${head}}`)
    frames.push({ isArray: false, key: '', context: isObject(read) ? read : {}, pending: undefined })
    frames.push({ isArray, key: name, context: {}, pending: undefined })
    from = -1
    at++
  }

  /** A string ends at `end`, its closing quote. */
  function stringEnded(end: number): void {
    inString = false
    if (from >= 0) {
      if (depth === 1 && wantsKey) {
        key = window.bytes.toString('utf8', stringFrom + 1, end)
        keyFrom = stringFrom
        wantsKey = false
      }
      return
    }
    const frame = top()
    if (frame === undefined || frame.isArray) return
    const text = window.bytes.toString('utf8', stringFrom + 1, end)
    if (frame.pending === undefined) frame.pending = text
    else {
      frame.context = { ...frame.context, [frame.pending]: text }
      frame.pending = undefined
    }
  }

  function passString(): void {
    const { bytes, end } = window
    while (at < end) {
      const quote = bytes.indexOf(QUOTE, at)
      if (quote < 0 || quote >= end) {
        at = end
        return
      }
      let slashes = 0
      while (quote - 1 - slashes > stringFrom && bytes[quote - 1 - slashes] === BACKSLASH) slashes++
      at = quote + 1
      if (slashes % 2 === 0) {
        stringEnded(quote)
        return
      }
    }
  }

  function inRecord(byte: number): void {
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      if (depth === 1 && isObjectRecord && !isContext && key !== undefined && mayDescend(key))
        return descend(byte === OPEN_BRACKET, key)
      if (++depth > MAX_DEPTH) return die(`JSON nested more than ${MAX_DEPTH} deep`)
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth--
      if (depth === 0) {
        at++
        return finish()
      }
    } else if (byte === COMMA && depth === 1) {
      wantsKey = isObjectRecord
      key = undefined
    }
    at++
  }

  function between(byte: number): void {
    const frame = top()
    if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      if (frame === undefined) return die('malformed JSON')
      frames.pop()
      const above = top()
      if (above !== undefined && !above.isArray) above.pending = undefined
      at++
    } else if (frame === undefined || frame.isArray) {
      if (byte === OPEN_BRACE) begin(true, false)
      else if (byte === OPEN_BRACKET) {
        if (frames.length >= MAX_DEPTH) return die(`JSON nested more than ${MAX_DEPTH} deep`)
        frames.push({ isArray: true, key: '', context: {}, pending: undefined })
        at++
      } else at++
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      const { pending } = frame
      if (pending !== undefined && mayDescend(pending)) {
        frames.push({ isArray: byte === OPEN_BRACKET, key: pending, context: {}, pending: undefined })
        at++
      } else begin(false, true)
    } else {
      // A number or a word as a member says nothing that is looked for.
      if (byte === COMMA) frame.pending = undefined
      at++
    }
  }

  return {
    push(chunk) {
      if (isDead) return
      const keep = from >= 0 && !isTooLong ? from : inString ? stringFrom : at
      window.start = Math.min(keep, at)
      const moved = append(window, chunk)
      at -= moved
      stringFrom -= moved
      keyFrom -= moved
      if (from >= 0) from = isTooLong ? at : from - moved
      while (at < window.end && !hasDied()) {
        if (inString) passString()
        else {
          const byte = window.bytes[at] ?? 0
          if (byte === QUOTE) {
            inString = true
            stringFrom = at
            at++
          } else if (from >= 0) inRecord(byte)
          else between(byte)
        }
      }
      if (from >= 0 && !isTooLong && at - from > maxRecordBytes) {
        isTooLong = true
        fault(`a record of more than ${Math.round(maxRecordBytes / 1024 / 1024)} MiB`)
      }
      if (inString && at - stringFrom > maxRecordBytes) stringFrom = at - 1
    },
    end() {
      if (!isDead && (from >= 0 || frames.length > 0 || inString)) fault('a document that ends early')
    },
  }
}
