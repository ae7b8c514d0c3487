/** A table as every format lays it out. */

export interface Cell {
  text: string
  /** Numbers stand flush right. */
  right: boolean
  /** For formats with colours; the text says it too. */
  tone?: 'good' | 'bad' | undefined
}

export interface Table {
  title: string
  head: readonly Cell[]
  rows: readonly (readonly Cell[])[]
}

export const left = (text: string): Cell => ({ text, right: false })
export const right = (text: string): Cell => ({ text, right: true })
