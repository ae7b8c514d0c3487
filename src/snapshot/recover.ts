/** From the journal of a dead run to what a snapshot needs, and to where the plan can go on. */
import type { Reported, WorstCase } from '../plan/budget.js'
import type { InstrumentReport } from '../instrument/report.js'
import type { Sample } from '../sample/sample.js'
import type { JournalHeader } from './journal-line.js'
import type { JournalText } from './journal-reader.js'
import type { SnapshotTarget } from './snapshot.js'

/** What a request was allowed to cost, and what it did. */
export interface Reserved {
  id: string
  worst: WorstCase
  /** As in the budget's `settle`; 'open': it may have been sent and charged, so the worst case stands. */
  settled: Reported | null | 'open'
}

export interface Recovered {
  header: JournalHeader
  /** In the order of the journal, each once. */
  samples: readonly Sample[]
  /** All ever reserved, to be replayed into a budget: a cap holds over any number of crashes. */
  reserved: readonly Reserved[]
  /** A block that was complete is not run again. */
  isDone(probe: string, target: string, block: number): boolean
  /** Sample ids that a run which goes on must not give again. */
  usedIds: ReadonlySet<string>
  instrument: InstrumentReport | null
  targets: readonly SnapshotTarget[]
  notes: readonly string[]
  /** End of the last known request, ISO 8601 UTC: the wall clock's word, never used as a duration. */
  endedAt: string
  /** Why a snapshot of this is partial. */
  reason: string
}

const SET_ASIDE = 'measured before the run was broken off; its block was run again whole'

/**
 * A block is the unit of resampling, so it counts whole or not at all: where the run went on after a crash, the
 * samples of blocks that were open then are kept as warm-up, and the block is run again. Where the run never went on,
 * the samples of the open block stay as they are.
 */
export function recover({ header, entries, warnings }: JournalText): Recovered {
  const samples = new Map<string, Sample>()
  const reserved = new Map<string, Reserved>()
  const done = new Set<string>()
  const notes: string[] = []
  let { instrument, targets } = header
  let repeated = 0

  for (const entry of entries) {
    switch (entry.kind) {
      case 'reserve':
        if (!reserved.has(entry.id))
          reserved.set(entry.id, { id: entry.id, worst: entry.worst, settled: 'open' })
        break
      case 'sample': {
        const { sample, reported } = entry
        if (samples.has(sample.id)) {
          repeated++
          break
        }
        samples.set(sample.id, sample)
        const held = reserved.get(sample.id)
        if (held !== undefined) reserved.set(sample.id, { ...held, settled: reported })
        break
      }
      case 'block':
        for (const target of entry.targets) done.add(blockKey(entry.probe, target, entry.block))
        break
      case 'resume':
        for (const [id, sample] of samples) {
          const isCounted = !sample.warmup && !done.has(blockKey(sample.probe, sample.target, sample.block))
          if (isCounted) samples.set(id, setAside(sample))
        }
        notes.push(`the run was taken up again at ${entry.at}`)
        break
      case 'instrument':
        instrument = entry.instrument
        break
      case 'targets':
        targets = entry.targets
        break
      case 'note':
        notes.push(entry.text)
        break
      default:
        entry satisfies never
    }
  }

  notes.push(...warnings.map((warning) => `journal: ${warning}`))
  if (repeated > 0) notes.push(`journal: ${repeated} repeated sample lines ignored`)
  const kept = [...samples.values()]
  return {
    header,
    samples: kept,
    reserved: [...reserved.values()],
    isDone: (probe, target, block) => done.has(blockKey(probe, target, block)),
    usedIds: new Set([...samples.keys(), ...reserved.keys()]),
    instrument,
    targets,
    notes,
    endedAt: lastInstant(header.startedAt, kept),
    reason: `the run was broken off after ${kept.length} samples; they come from its journal`,
  }
}

function blockKey(probe: string, target: string, block: number): string {
  return JSON.stringify([probe, target, block])
}

function setAside(sample: Sample): Sample {
  const detail = sample.detail === undefined ? SET_ASIDE : `${sample.detail}; ${SET_ASIDE}`
  return { ...sample, warmup: true, detail }
}

function lastInstant(startedAt: string, samples: readonly Sample[]): string {
  const ends = samples.map((sample) => Date.parse(sample.startedAt) + (sample.e2e ?? 0))
  const last = ends.filter(Number.isFinite).reduce((a, b) => Math.max(a, b), -Infinity)
  return Number.isFinite(last) ? new Date(last).toISOString() : startedAt
}
