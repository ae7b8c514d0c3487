/** What `attribute` prints: groups at the end, one line a span, or one document with both. */
import type { Dimension } from '../attribute/dimensions.js'
import type { Attributed, SoundSpan } from '../attribute/paired.js'
import { createSummary } from '../attribute/summary.js'
import type { IntakeCounts } from '../span/intake.js'
import { attributionModel } from '../report/attribution.js'
import type { AttributionModel } from '../report/attribution.js'
import { attributionHtml } from '../report/attribution-html.js'
import { attributionLine, summaryJson } from '../report/attribution-json.js'
import { attributionMarkdown, attributionText } from '../report/attribution-text.js'
import { wrap } from '../report/terminal.js'
import { terminalText } from '../border/escape.js'
import type { Baselines } from './baselines.js'
import type { Io } from './io.js'

export const FORMATS = ['terminal', 'ndjson', 'markdown', 'html', 'json'] as const
export type Format = (typeof FORMATS)[number]

export interface Output {
  add(attributed: Attributed): void
  /** Takes spans within the band without their attributions; undefined where each is printed. */
  addSound: ((sound: SoundSpan) => void) | undefined
  /** Hands lines on to the reader; false once nobody reads. */
  drained(): Promise<boolean>
  /** Groups since the last time, for those that watch. */
  interim(counts: Readonly<IntakeCounts>): void
  end(counts: Readonly<IntakeCounts>): void
}

export interface OutputOptions {
  format: Format
  by: readonly Dimension[]
  baselines: Baselines
  isQuiet: boolean
  /** Groups are shown every now and then: those since the last time are summed up too. */
  isLive: boolean
}

/** Lines are handed over in pieces of about so many characters. */
const PIECE = 64 * 1024
const JSON_HEAD = '{"attributions":[\n'

export function createOutput({ format, by, baselines, isQuiet, isLive }: OutputOptions, io: Io): Output {
  const summary = createSummary(by)
  let latest = createSummary(by)
  let isLatestEmpty = true
  let piece = ''
  let isFirst = true
  const flush = (): void => {
    if (piece !== '') io.out(piece)
    piece = ''
  }
  const modelOf = (from: typeof summary, counts: Readonly<IntakeCounts>): AttributionModel =>
    attributionModel({
      summary: from.result(),
      counts,
      baselines: baselines.names,
      notes: baselines.notes,
    })

  const isOfEach = format === 'ndjson' || format === 'json'
  const addSound = (sound: SoundSpan): void => {
    summary.addSound(sound)
    if (!isLive) return
    latest.addSound(sound)
    isLatestEmpty = false
  }
  return {
    addSound: isOfEach ? undefined : addSound,
    add(attributed) {
      summary.add(attributed)
      if (isLive) {
        latest.add(attributed)
        isLatestEmpty = false
      }
      if (!isOfEach) return
      if (format === 'json') piece += isFirst ? JSON_HEAD : ',\n'
      piece += attributionLine(attributed.attribution) + (format === 'ndjson' ? '\n' : '')
      isFirst = false
      if (piece.length >= PIECE) flush()
    },
    drained() {
      flush()
      return io.drained()
    },
    interim(counts) {
      if (isLatestEmpty) return
      io.out(`${attributionText(modelOf(latest, counts))}\n`)
      latest = createSummary(by)
      isLatestEmpty = true
    },
    end(counts) {
      switch (format) {
        case 'terminal':
          return io.out(attributionText(modelOf(summary, counts)))
        case 'markdown':
          return io.out(attributionMarkdown(modelOf(summary, counts)))
        case 'html':
          return io.out(attributionHtml(modelOf(summary, counts)))
        case 'json': {
          const { notes } = modelOf(summary, counts)
          if (isFirst) piece += JSON_HEAD
          piece += `\n],"summary":${JSON.stringify(summaryJson(summary.result()))},"counts":${JSON.stringify(counts)},"notes":${JSON.stringify(notes)}}\n`
          return flush()
        }
        case 'ndjson': {
          flush()
          if (isQuiet) return
          const { headline, sentences, notes } = modelOf(summary, counts)
          const lines = [headline, ...sentences, ...notes.map((note) => `note: ${note}`)]
          for (const line of lines) io.err(`${wrap(terminalText(line, 2000), '  ')}\n`)
          return
        }
        default:
          return format satisfies never
      }
    },
  }
}
