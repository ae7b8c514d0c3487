/** Real recorded streams say what their bytes contain. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { frameBody } from '../../src/protocol/frame.js'
import type { Frame, Protocol, ReportedUsage } from '../../src/protocol/protocol.js'
import { protocols } from '../../src/run/tables.js'
import { recorded, type Recorded } from './recorded-table.js'

const DATA = join(import.meta.dirname, '../../../shared/data/sse')
const present = existsSync(DATA)

/** Frames of a raw body, or of a file with the data of one event on each line. */
function framesOf(
  { file, protocol }: Recorded,
  { framing }: Protocol,
): { frames: Frame[]; comments: number } {
  const bytes = readFileSync(join(DATA, file))
  if (!file.endsWith('.chunks.txt')) {
    const framed = frameBody(bytes, [bytes.length], framing)
    const tail = framed.tail === undefined ? [] : [framed.tail]
    return { frames: [...framed.frames.map(({ frame }) => frame), ...tail], comments: framed.comments }
  }
  const lines = bytes
    .toString('utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
  const named = (line: string): Frame => {
    const [[name, data] = ['', {}]] = Object.entries(JSON.parse(line) as object)
    return { name, data: JSON.stringify(data) }
  }
  const frames = lines.map((data) => (protocol === 'bedrock-converse' ? named(data) : { data }))
  return { frames, comments: 0 }
}

function read(row: Recorded): Recorded & { malformed: number } {
  const protocol: Protocol = protocols[row.protocol]
  const { frames, comments } = framesOf(row, protocol)
  const perFrame = frames.map((frame) => protocol.decode(frame))
  const events = perFrame.flat()
  const outputs = events.flatMap((event) => (event.kind === 'output' ? [event] : []))
  const usage: ReportedUsage = Object.assign(
    {},
    ...events.flatMap((event) => (event.kind === 'usage' ? [event.usage] : [])),
  )
  const { uncachedTokens, cachedTokens, cacheWriteTokens, outputTokens, reasoningTokens } = usage
  const prompt =
    uncachedTokens === undefined
      ? usage.promptTokens
      : uncachedTokens + (cachedTokens ?? 0) + (cacheWriteTokens ?? 0)
  return {
    file: row.file,
    protocol: row.protocol,
    events: frames.length,
    output: perFrame.filter((list) => list.some(({ kind }) => kind === 'output')).length,
    characters: outputs.reduce((sum, { text }) => sum + text.length, 0),
    channels: [...new Set(outputs.map(({ channel }) => channel))].sort().join(' '),
    finish: events.flatMap((event) => (event.kind === 'finish' ? [event.reason] : [])).at(-1),
    ...(comments > 0 && { comments }),
    ...(prompt !== undefined && { prompt }),
    ...(cachedTokens !== undefined && { cached: cachedTokens }),
    ...(cacheWriteTokens !== undefined && { written: cacheWriteTokens }),
    ...(outputTokens !== undefined && { tokens: outputTokens }),
    ...(reasoningTokens !== undefined && { reasoning: reasoningTokens }),
    malformed: events.filter(({ kind }) => kind === 'malformed').length,
  }
}

describe.skipIf(!present)(`recorded streams${present ? '' : ` (skipped: ${DATA} is absent)`}`, () => {
  it.each(recorded.map((row) => [row.file, row] as const))(
    '%s: usage, finish reason, events and token-bearing events are those of its bytes',
    (_, row) => {
      expect(read(row)).toEqual({ ...row, malformed: 0 })
    },
  )

  it('the table has every recording but those of Cohere, whose own protocol is not spoken', () => {
    const files = present ? readdirSync(DATA, { recursive: true, encoding: 'utf8' }) : []
    const streams = files.filter(
      (file) => /\.(sse|ndjson|bin|chunks\.txt)$/.test(file) && !/cohere/.test(file),
    )
    expect(recorded.map(({ file }) => file).sort()).toEqual(streams.sort())
  })
})
