/** Reading a journal, whole or torn: what can be trusted of it, and what was passed over. */
import { createReadStream } from 'node:fs'
import { readJson } from '../border/json.js'
import { pathText } from '../border/problem.js'
import type { JournalEntry, JournalHeader } from './journal-line.js'
import { JOURNAL_FORMAT, entrySchema, headerSchema } from './journal-line.js'
import { diskProblem, fail } from './problem.js'
import type { Result } from './problem.js'

export interface JournalText {
  header: JournalHeader
  entries: readonly JournalEntry[]
  /** Bytes up to the end of the last whole line; what follows is torn. */
  wholeBytes: number
  /** What was passed over, and where: sentences for a person. */
  warnings: readonly string[]
}

/** Far above any line of ours: the header holds the scenario's text. */
const MAX_LINE_BYTES = 16 * 1024 * 1024

export async function readJournal(path: string): Promise<Result<JournalText>> {
  const entries: JournalEntry[] = []
  const warnings: string[] = []
  let header: JournalHeader | null = null
  let wholeBytes = 0
  let number = 0
  try {
    for await (const line of linesOf(path)) {
      if (!line.whole) {
        warnings.push(`the last line was torn after ${line.bytes.length} bytes: cut off`)
        break
      }
      number++
      wholeBytes += line.bytes.length + 1
      const value = parse(line.bytes)
      if (header === null) {
        const checked = checkHeader(value, path)
        if (!checked.ok) return checked
        header = checked.value
        continue
      }
      const entry = entrySchema.safeParse(value)
      if (entry.success) entries.push(entry.data)
      else warnings.push(`line ${number} cannot be read: passed over`)
    }
  } catch (error) {
    return { ok: false, problem: diskProblem(error, path, 'read') }
  }
  if (header === null)
    return fail('cut', path, 'ends inside its first line, so nothing was measured; it can be deleted')
  return { ok: true, value: { header, entries, wholeBytes, warnings } }
}

function parse(bytes: Buffer): unknown {
  const json = readJson(bytes.toString('utf8'), { refuseDuplicateKeys: true })
  return json.ok ? json.value : undefined
}

function checkHeader(value: unknown, path: string): Result<JournalHeader> {
  const format = typeof value === 'object' && value !== null && 'format' in value ? value.format : null
  const version = typeof format === 'string' ? /^plumbline\.journal\/(\d{1,6})$/.exec(format)?.[1] : undefined
  if (version === undefined)
    return fail('malformed', path, `is no journal: its first line names no ${JOURNAL_FORMAT}`)
  if (format !== JOURNAL_FORMAT) {
    const advice = 'resume it with the Plumbline that wrote it'
    return fail(
      'newer-format',
      path,
      `is in format plumbline.journal/${version}, this Plumbline reads ${JOURNAL_FORMAT}; ${advice}`,
    )
  }
  const header = headerSchema.safeParse(value)
  if (header.success) return { ok: true, value: header.data }
  const [issue] = header.error.issues
  return fail(
    'malformed',
    path,
    `line 1, ${pathText(issue?.path.filter((part) => typeof part !== 'symbol') ?? [])}: ${issue?.message ?? ''}`,
  )
}

/** The lines of a file of any size; the last one is not `whole` where its newline is missing. */
async function* linesOf(path: string): AsyncGenerator<{ bytes: Buffer; whole: boolean }> {
  let rest = Buffer.alloc(0)
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    let start = 0
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      const piece = chunk.subarray(start, end)
      yield { bytes: rest.length === 0 ? piece : Buffer.concat([rest, piece]), whole: true }
      rest = Buffer.alloc(0)
      start = end + 1
    }
    rest = Buffer.concat([rest, chunk.subarray(start)])
    if (rest.length > MAX_LINE_BYTES) break
  }
  if (rest.length > 0) yield { bytes: rest, whole: false }
}
