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
  sources: SpanSources | undefined
}

/** Ways to fill a span are few; hostile input must not make them many. */
const MAX_NODES = 100_000

export interface SourceTable {
  /** In any fixed order; `count` of the list's entries stand. */
  share(list: readonly Source[], count: number): SpanSources
}

export function createSourceTable(): SourceTable {
  const root: Node = { next: new Map(), sources: undefined }
  let nodes = 1
  return {
    share(list, count) {
      let node = root
      for (let i = 0; i < count; i++) {
        const key = list[i]?.key ?? ''
        let next = node.next.get(key)
        if (next === undefined) {
          if (nodes > MAX_NODES) return build(list, count)
          nodes++
          next = { next: new Map(), sources: undefined }
          node.next.set(key, next)
        }
        node = next
      }
      return (node.sources ??= build(list, count))
    },
  }
}

function build(list: readonly Source[], count: number): SpanSources {
  return Object.freeze(Object.fromEntries(list.slice(0, count).map(({ field, text }) => [field, text])))
}
