/** The model of a page: sections of plots, tables and words, before any of it is HTML. */
import type { Bars } from './plot-bars.js'
import type { Columns } from './plot-columns.js'
import type { Ratios } from './plot-ratios.js'
import type { Strips } from './plot-strips.js'
import type { Plot } from './plot.js'
import type { Cell, Table } from './table.js'

/** `table`: the figures behind a picture, for whoever cannot see it or wants them. */
export type Block =
  /** `flags`: what shifted between two snapshots. */
  | { kind: 'plot'; plot: Plot; isWide: boolean; table: Table | null; flags?: readonly Cell[] }
  | { kind: 'bars'; bars: Bars; table: Table }
  | { kind: 'strips'; strips: Strips; table: Table }
  | { kind: 'ratios'; ratios: Ratios; table: Table }
  | { kind: 'columns'; columns: Columns; table: Table }
  | { kind: 'table'; table: Table }
  | { kind: 'facts'; title: string; facts: readonly (readonly [string, string])[] }
  | { kind: 'list'; title: string; items: readonly string[] }
  /** Text of others, shown line by line as it is. */
  | { kind: 'verbatim'; title: string; text: string }

export interface Section {
  id: string
  title: string
  /** What it shows and how to read it. */
  lead: string | null
  blocks: readonly Block[]
}

export interface Page {
  title: string
  /** What was measured, when, for how long. */
  about: readonly string[]
  verdict: { tone: 'good' | 'bad' | 'unsure' | 'plain'; text: string; more: readonly string[] }
  sections: readonly Section[]
}
