/** Shares one record of sources between all spans whose facts came from the same keys. */
import type { SpanSources } from './span.js'

/** What a field came from; the key is a rule's number or the text itself. */
export interface Source {
  field: string
  key: number | string
  text: string
}

interface Node {
  next: Map<number | string, Node>
  /** The one that was looked for last: spans are mostly filled as the one before. */
  lastSource: Source | undefined
  last: Node | undefined
  sources: SpanSources | undefined
}

/** Ways to fill a span are few; hostile input must not make them many. */
const MAX_NODES = 100_000

export interface SourceTable {
  /** In any fixed order; `count` of the list's entries stand. */
  share(list: readonly Source[], count: number): SpanSources
}

export function createSourceTable(): SourceTable {
  const root = createNode()
  let nodes = 1
  return {
    share(list, count) {
      let node = root
      for (let i = 0; i < count; i++) {
        const source = list[i]
        if (source !== undefined && source === node.lastSource && node.last !== undefined) {
          node = node.last
          continue
        }
        const key = source?.key ?? ''
        let next = node.next.get(key)
        if (next === undefined) {
          if (nodes > MAX_NODES) return build(list, count)
          nodes++
          next = createNode()
          node.next.set(key, next)
        }
        node.lastSource = source
        node.last = next
        node = next
      }
      return (node.sources ??= build(list, count))
    },
  }
}

function createNode(): Node {
  return { next: new Map(), lastSource: undefined, last: undefined, sources: undefined }
}

function build(list: readonly Source[], count: number): SpanSources {
  return Object.freeze(Object.fromEntries(list.slice(0, count).map(({ field, text }) => [field, text])))
}
