/** What a run has so far: samples, money and journal, kept in step. */
import type { Budget, Reported, WorstCase } from '../plan/budget.js'
import type { Sample } from '../sample/sample.js'
import type { DoneBlock, JournalEntry } from '../snapshot/journal-line.js'
import type { Journal } from '../snapshot/journal.js'
import type { SnapshotProblem } from '../snapshot/problem.js'
import type { Progress, RunEvent, Stop } from './events.js'

export interface RecordOptions {
  journal: Journal
  budget: Budget
  /** Samples and ids of the run that is taken up again. */
  before: { samples: readonly Sample[]; usedIds: ReadonlySet<string> }
  planned: number | null
  currency: string | null
  elapsedMs(): number
  onEvent(event: RunEvent): void
  /** The disk refused: sending must stop at once. */
  onDiskProblem(stop: Stop): void
}

export interface Record {
  samples(): readonly Sample[]
  notes(): readonly string[]
  nextId(): string
  /** False: the disk refused, and nothing may be sent. */
  reserve(id: string, worst: WorstCase): boolean
  /** In the journal, then in memory, then told. */
  add(sample: Sample, reported: Reported | null): void
  blockDone(done: DoneBlock): void
  note(text: string): void
  append(entry: JournalEntry): void
  /** Syncs the journal each second until the returned function is called. */
  keepSynced(): () => void
}

const SYNC_EVERY_MS = 1000

export function createRecord(options: RecordOptions): Record {
  const { journal, budget, onEvent } = options
  const samples: Sample[] = [...options.before.samples]
  const notes = new Set<string>()
  let lastId = options.before.usedIds.size
  let done = 0
  let errors = 0

  function heed(problem: SnapshotProblem | null): boolean {
    if (problem !== null) options.onDiskProblem({ reason: 'disk', message: problem.message })
    return problem === null
  }
  function progress(): Progress {
    const used = budget.used()
    const { currency } = options
    return {
      done,
      planned: options.planned,
      errors,
      tokens: used.promptTokens + used.outputTokens,
      cost: currency === null ? null : { currency, amount: used.cost },
      elapsedMs: options.elapsedMs(),
    }
  }

  return {
    samples: () => samples,
    notes: () => [...notes],
    nextId() {
      let id: string
      do id = `s-${String(++lastId).padStart(6, '0')}`
      while (options.before.usedIds.has(id))
      return id
    },
    reserve: (id, worst) => heed(journal.append({ kind: 'reserve', id, worst })),
    add(sample, reported) {
      heed(journal.append({ kind: 'sample', sample, reported }))
      samples.push(sample)
      done++
      if (sample.outcome !== 'ok') errors++
      onEvent({ kind: 'sample', sample, progress: progress() })
    },
    blockDone: (block) => void heed(journal.append({ kind: 'block', ...block })),
    note(text) {
      if (notes.has(text)) return
      notes.add(text)
      heed(journal.append({ kind: 'note', text }))
      onEvent({ kind: 'note', text })
    },
    append: (entry) => void heed(journal.append(entry)),
    keepSynced() {
      const timer = setInterval(() => void journal.sync().then(heed), SYNC_EVERY_MS)
      return () => clearInterval(timer)
    },
  }
}
