/** What is due when: the one queue that virtual time and real time both drive. */

export interface Agenda {
  /** Runs `run` at `dueMs`; it is told the due time, not the time it really ran. Ties run in the order they came. */
  at(dueMs: number, run: (dueMs: number) => void): void
  /** Due time of the first entry; Infinity when there is none. */
  nextMs(): number
  /** Runs everything due at or before `nowMs`, in order of due time. */
  runDue(nowMs: number): void
}

interface Entry {
  dueMs: number
  order: number
  run: (dueMs: number) => void
}

/** A binary heap (Williams 1964, Algorithm 232). `onSooner` hears of an entry that became the first. */
export function createAgenda(onSooner: () => void = () => {}): Agenda {
  const heap: Entry[] = []
  let order = 0

  function siftUp(entry: Entry): number {
    let hole = heap.length
    heap.push(entry)
    while (hole > 0) {
      const parent = (hole - 1) >> 1
      const held = heap[parent]!
      if (!isBefore(entry, held)) break
      heap[hole] = held
      hole = parent
    }
    heap[hole] = entry
    return hole
  }

  function takeFirst(): Entry {
    const first = heap[0]!
    const last = heap.pop()!
    if (heap.length === 0) return first
    let hole = 0
    for (;;) {
      let child = 2 * hole + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, last)) break
      heap[hole] = heap[child]!
      hole = child
    }
    heap[hole] = last
    return first
  }

  return {
    at(dueMs, run) {
      if (siftUp({ dueMs, order: order++, run }) === 0) onSooner()
    },
    nextMs: () => heap[0]?.dueMs ?? Infinity,
    runDue(nowMs) {
      while (heap.length > 0 && heap[0]!.dueMs <= nowMs) {
        const entry = takeFirst()
        entry.run(entry.dueMs)
      }
    },
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order)
}

/** Virtual time: runs the agenda to its end with no waiting. Returns the due time of the last entry. */
export function runToEnd(agenda: Agenda): number {
  let lastMs = 0
  for (let nextMs = agenda.nextMs(); nextMs < Infinity; nextMs = agenda.nextMs()) {
    lastMs = nextMs
    agenda.runDue(nextMs)
  }
  return lastMs
}
