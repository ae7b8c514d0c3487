/** Which targets and cells of two snapshots are held against each other, and why some are not. */
import type { Sample } from '../sample/sample.js'
import type { Snapshot, SnapshotTarget } from '../snapshot/snapshot.js'
import type { Refusal, TargetPair } from './comparison.js'

/** One pair of targets with the samples of the cells that both have. */
export interface Joined {
  pair: TargetPair
  cells: ReadonlySet<string>
  base: readonly Sample[]
  candidate: readonly Sample[]
  /** No cell on either side is without its partner: curves fitted on each snapshot as a whole may be compared. */
  whole: boolean
}

export interface Join {
  joined: readonly Joined[]
  refusals: readonly Refusal[]
  notes: readonly string[]
  unmatched: { base: readonly string[]; candidate: readonly string[] }
}

/** Metrics whose meaning a verdict rests on. */
const JUDGED = ['ttft', 'tpot', 'cacheState'] as const

export function join(base: Snapshot, candidate: Snapshot, pairs: readonly TargetPair[] | undefined): Join {
  const refusals = [...wholeRefusals(base, candidate)]
  const notes: string[] = []
  const unmatched: { base: string[]; candidate: string[] } = { base: [], candidate: [] }
  const joined: Joined[] = []
  const wanted = pairs ?? sameNames(base, candidate)
  if (wanted.length === 0) {
    const message = `no target in common: ${namesOf(base)} against ${namesOf(candidate)}; name two with --pair base=candidate`
    refusals.push({ kind: 'no-common-target', message })
  }
  for (const pair of wanted) {
    const ours = base.targets.find(({ name }) => name === pair.base)
    const theirs = candidate.targets.find(({ name }) => name === pair.candidate)
    if (ours === undefined || theirs === undefined) {
      const [missing, from] = ours === undefined ? [pair.base, base] : [pair.candidate, candidate]
      const message = `${from.id} has no target ${missing}; it has ${namesOf(from)}`
      refusals.push({ kind: 'no-common-target', message })
      continue
    }
    const differing = tokenizersDiffer(ours, theirs)
    // Two vendors count by different tokenizers: whoever pairs them knows, whoever compares one target does not.
    if (differing !== null && pairs === undefined) refusals.push({ kind: 'tokenizer', message: differing })
    else if (differing !== null) notes.push(`${differing}: equal lengths are not equal texts`)
    notes.push(...changes(ours, theirs))
    const found = joinCells(base, candidate, pair)
    notes.push(...found.notes)
    unmatched.base.push(...found.onlyBase.map((cell) => `${pair.base} ${cell}`))
    unmatched.candidate.push(...found.onlyCandidate.map((cell) => `${pair.candidate} ${cell}`))
    if (found.joined.cells.size > 0) joined.push(found.joined)
  }
  if (joined.length === 0 && !refusals.some(({ kind }) => kind === 'no-common-target')) {
    const message = 'no cell in common: probe, lengths, cache state, load and connection must be the same'
    refusals.push({ kind: 'no-common-cell', message })
  }
  if (pairs === undefined) unmatched.base.push(...lonely(base, candidate))
  if (pairs === undefined) unmatched.candidate.push(...lonely(candidate, base))
  return {
    joined,
    refusals,
    notes,
    unmatched: { base: unmatched.base.sort(), candidate: unmatched.candidate.sort() },
  }
}

function wholeRefusals(base: Snapshot, candidate: Snapshot): Refusal[] {
  const refusals: Refusal[] = []
  for (const name of JUDGED) {
    const [ours, theirs] = [base, candidate].map(
      ({ provenance }) => provenance.definitions[name] ?? 'undefined',
    )
    if (ours !== theirs) {
      refusals.push({
        kind: 'definition',
        message: `${name} means something else: ${ours} against ${theirs}`,
      })
    }
  }
  for (const { id, instrument } of new Set([base, candidate])) {
    if (!instrument.overloaded) continue
    const why = instrument.warnings.length > 0 ? ` (${instrument.warnings.join('; ')})` : ''
    refusals.push({ kind: 'overloaded', message: `the client was the bottleneck in ${id}${why}` })
  }
  return refusals
}

function sameNames(base: Snapshot, candidate: Snapshot): TargetPair[] {
  const names = new Set(candidate.targets.map(({ name }) => name))
  return base.targets
    .filter(({ name }) => names.has(name))
    .map(({ name }) => ({ base: name, candidate: name }))
}

const namesOf = ({ targets }: Snapshot): string => targets.map(({ name }) => name).join(', ')

function tokenizersDiffer(ours: SnapshotTarget, theirs: SnapshotTarget): string | null {
  if (ours.tokenizer === theirs.tokenizer) return null
  return `${theirs.name} counts by ${theirs.tokenizer}, ${ours.name} by ${ours.tokenizer}`
}

/** What differs between the two and may well be the reason of a shift. */
function changes(ours: SnapshotTarget, theirs: SnapshotTarget): string[] {
  return (['model', 'protocol', 'region', 'baseUrl'] as const)
    .filter((key) => ours[key] !== theirs[key])
    .map((key) => `${theirs.name}: ${key} is ${theirs[key] ?? 'unknown'}, was ${ours[key] ?? 'unknown'}`)
}

function joinCells(
  base: Snapshot,
  candidate: Snapshot,
  pair: TargetPair,
): { joined: Joined; onlyBase: string[]; onlyCandidate: string[]; notes: string[] } {
  const ours = cellsOf(base, pair.base)
  const theirs = cellsOf(candidate, pair.candidate)
  const shared = [...ours].filter((cell) => theirs.has(cell))
  const limited = new Set([...undelivered(base, pair.base), ...undelivered(candidate, pair.candidate)])
  const notes = shared
    .filter((cell) => limited.has(cell))
    .map((cell) => `${pair.candidate}: ${cell} is not compared: a rate limit did not let its load through`)
  const cells = new Set(shared.filter((cell) => !limited.has(cell)))
  const onlyBase = [...ours].filter((cell) => !theirs.has(cell))
  const onlyCandidate = [...theirs].filter((cell) => !ours.has(cell))
  const common = (samples: readonly Sample[], target: string): Sample[] =>
    samples.filter((sample) => sample.target === target && !sample.warmup && cells.has(sample.cell))
  return {
    joined: {
      pair,
      cells,
      base: common(base.samples, pair.base),
      candidate: common(candidate.samples, pair.candidate),
      whole: onlyBase.length + onlyCandidate.length + notes.length === 0,
    },
    onlyBase,
    onlyCandidate,
    notes,
  }
}

/** Cells whose load a rate limit held back: what was measured there is another load than the one that they name. */
function undelivered({ summary }: Snapshot, target: string): Set<string> {
  const limited = summary.filter((row) => row.target === target && (row.rateLimited ?? 0) > 0)
  return new Set(limited.map(({ cell }) => cell))
}

/** From the summary too: a snapshot may be kept without its samples. */
function cellsOf({ samples, summary }: Snapshot, target: string): Set<string> {
  const measured = samples.filter((sample) => !sample.warmup)
  return new Set([...measured, ...summary].filter((row) => row.target === target).map(({ cell }) => cell))
}

/** Cells of targets that the other snapshot does not have. */
function lonely(of: Snapshot, other: Snapshot): string[] {
  const known = new Set(other.targets.map(({ name }) => name))
  return of.targets
    .filter(({ name }) => !known.has(name))
    .flatMap(({ name }) => [...cellsOf(of, name)].map((cell) => `${name} ${cell}`))
}
