/** Measures a recording again, with no network: the same bytes and times, the same samples. */
import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { createRedactor } from '../border/redact.js'
import { systemReason } from '../border/system-error.js'
import { definitions } from '../sample/sample.js'
import type { Sample } from '../sample/sample.js'
import { readSnapshot } from '../snapshot/format.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { loadTokenizer } from '../tokens/load-tokenizer.js'
import { fromRecorded } from '../wire/recording.js'
import { assemble, NOT_CALIBRATED } from './assemble.js'
import type { Refused } from './contract.js'
import { measure } from './measure.js'
import type { RecordingEntry, RecordingHeader } from './recording-file.js'
import { recordingEntrySchema, recordingHeaderSchema } from './recording-file.js'
import { writeKept } from './results.js'
import { protocols } from './tables.js'

export interface Replayed {
  kind: 'replayed'
  /** Of each recording that could be read, in the order of their names. */
  recordings: ReplayedRecording[]
  /** What could not be read, a sentence each; the rest was measured all the same. */
  problems: string[]
}

export interface ReplayedRecording {
  file: string
  /** Where the snapshot was written. */
  path: string
  snapshot: Snapshot
  samples: readonly Sample[]
}

/** `path`: a folder of recordings, or one of them. The snapshot of each is written beside it. */
export async function replay(path: string): Promise<Replayed | Refused> {
  const found = await recordingsIn(path)
  if (!Array.isArray(found)) return found
  const result: Replayed = { kind: 'replayed', recordings: [], problems: [] }
  for (const file of found) {
    const recording = await measureRecording(file)
    const { samples } = recording
    result.problems.push(...recording.problems)
    if (recording.header === null) continue
    const written = await writeKept(file.replace(/\.ndjson$/, '.json'), snapshotOf(recording))
    const snapshot = written.ok ? await readSnapshot(written.value) : written
    if (!written.ok || !snapshot.ok) {
      result.problems.push(snapshot.ok ? `${file}: its snapshot cannot be written` : snapshot.problem.message)
      continue
    }
    result.recordings.push({ file, path: written.value, snapshot: snapshot.value, samples })
  }
  if (result.recordings.length > 0) return result
  const why = result.problems.length > 0 ? result.problems.join('; ') : `${path} holds no recording`
  return { kind: 'refused', exit: 2, message: `${why}: make one with plumbline run … --record DIR` }
}

async function recordingsIn(path: string): Promise<string[] | Refused> {
  try {
    if (!(await stat(path)).isDirectory()) return [path]
    const names = (await readdir(path)).filter((name) => name.endsWith('.ndjson'))
    return names.sort().map((name) => join(path, name))
  } catch (error) {
    return {
      kind: 'refused',
      exit: 2,
      message: `${path}: cannot be read: ${systemReason(error)}; name a folder that --record made`,
    }
  }
}

interface Recording {
  header: RecordingHeader | null
  samples: Sample[]
  end: Extract<RecordingEntry, { kind: 'end' }> | null
  problems: string[]
}

/**
 * Line by line, so that a torn or foreign one costs itself alone. Each exchange is measured as it is read and let go: a
 * recording may be larger than memory, its samples are not.
 */
async function measureRecording(file: string): Promise<Recording> {
  const recording: Recording = { header: null, samples: [], end: null, problems: [] }
  const input = createReadStream(file)
  let broke: unknown
  // Behind the last byte nothing is lost any more: not even by a file that cannot be closed.
  input.on('error', (error) => (broke = input.readableEnded ? undefined : error))
  const lines = createInterface({ input, crlfDelay: Infinity })
  let number = 0
  try {
    for await (const line of lines) {
      number++
      if (recording.header !== null) {
        if (line !== '') await take(recording, recording.header, line, `${file}:${number}`)
        continue
      }
      const header = recordingHeaderSchema.safeParse(parsed(line))
      if (!header.success) {
        recording.problems.push(`${file}: is no recording (${firstIssue(header.error)}); left out`)
        return recording
      }
      recording.header = header.data
    }
  } catch (error) {
    broke ??= error
  } finally {
    lines.close()
    input.destroy()
  }
  if (broke !== undefined) recording.problems.push(`${file}: cannot be read: ${systemReason(broke)}`)
  else if (number === 0) recording.problems.push(`${file}: is empty; left out`)
  return recording
}

async function take(recording: Recording, header: RecordingHeader, line: string, at: string): Promise<void> {
  const entry = recordingEntrySchema.safeParse(parsed(line))
  if (!entry.success) {
    recording.problems.push(`${at}: is torn or no part of a recording (${firstIssue(entry.error)}); left out`)
  } else if (entry.data.kind === 'end') {
    recording.end = entry.data
  } else {
    const sample = await sampleOf(entry.data, header)
    if ('fault' in sample) recording.problems.push(sample.fault)
    else recording.samples.push(sample)
  }
}

async function sampleOf(
  entry: Extract<RecordingEntry, { kind: 'exchange' }>,
  { startedAt }: RecordingHeader,
): Promise<Sample | { fault: string }> {
  const { facts, protocol, tokenizer } = entry
  const exchange = fromRecorded(entry.exchange)
  if ('fault' in exchange) return { fault: `sample ${facts.id}: ${exchange.fault}; left out` }
  const how = { protocol: protocols[protocol], tokenizer: await loadTokenizer(tokenizer) }
  // Times in a recording count from the begin of its run.
  const run = { runStartNs: 0, runStartUtcMs: Date.parse(startedAt), redact: createRedactor([]).text }
  return measure(exchange, facts, how, run)
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

function firstIssue({ issues }: z.ZodError): string {
  const [issue] = issues
  if (issue === undefined || issue.path.length === 0) return 'no JSON of ours'
  return `${issue.path.map(String).join('.')}: ${issue.message}`
}

const NO_END = 'the recording ends before its run did'

function snapshotOf(recording: Recording): Omit<Snapshot, 'checksum'> {
  const { header, end, samples } = recording
  if (header === null) throw new Error('a recording without a header')
  const last = samples.reduce((latest, { atMs, e2e }) => Math.max(latest, atMs + (e2e ?? 0)), 0)
  return assemble({
    id: header.run,
    startedAt: header.startedAt,
    endedAt: end?.endedAt ?? new Date(Date.parse(header.startedAt) + last).toISOString(),
    partialReason: end === null ? NO_END : end.partialReason,
    scenario: header.scenario,
    // Measured anew, by the definitions of today.
    provenance: { ...header.provenance, definitions },
    instrument: end?.instrument ?? NOT_CALIBRATED,
    targets: end?.targets ?? header.targets,
    samples,
    used: end?.used ?? usedOf(samples),
    currency: header.currency,
    notes: [
      ...(end?.notes ?? []),
      ...recording.problems,
      `measured again from a recording of ${header.startedAt}`,
    ],
    serverMetrics: end?.serverMetrics ?? [],
    keep: 'samples',
  })
}

function usedOf(samples: readonly Sample[]) {
  const sum = (of: (sample: Sample) => number): number => samples.reduce((total, each) => total + of(each), 0)
  return {
    requests: samples.length,
    promptTokens: sum(({ promptTokens = 0 }) => promptTokens),
    outputTokens: sum(({ outputTokens = 0 }) => outputTokens),
    cost: sum(({ cost }) => cost?.amount ?? 0),
  }
}
