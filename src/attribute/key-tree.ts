/** A value for a row of texts, as in a map by all of them joined, without joining them; what came last is found at once. */

type Key = string | null | undefined

export interface KeyTree<V> {
  find(row: readonly Key[]): V | undefined
  set(row: readonly Key[], value: V): void
}

interface Node<V> {
  next: Map<Key, Node<V>>
  lastKey: Key
  last: Node<V> | undefined
  value: V | undefined
}

/** Above `most` rows all are forgotten. */
export function createKeyTree<V>(most: number): KeyTree<V> {
  let root = createNode<V>()
  let rows = 0
  return {
    find(row) {
      let node = root
      for (const key of row) {
        let next = node.last
        if (next === undefined || node.lastKey !== key) {
          next = node.next.get(key)
          if (next === undefined) return undefined
          node.lastKey = key
          node.last = next
        }
        node = next
      }
      return node.value
    },
    set(row, value) {
      if (rows >= most) {
        root = createNode()
        rows = 0
      }
      let node = root
      for (const key of row) {
        let next = node.next.get(key)
        if (next === undefined) {
          next = createNode()
          node.next.set(key, next)
        }
        node = next
      }
      node.value = value
      rows++
    },
  }
}

function createNode<V>(): Node<V> {
  return { next: new Map(), lastKey: undefined, last: undefined, value: undefined }
}
