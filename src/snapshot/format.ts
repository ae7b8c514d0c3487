/** A snapshot as text: laid out for a reader, closed by a checksum, checked field by field when it is read. */
import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { jsonLimits, readJson } from '../border/json.js'
import { pathText, positionOf } from '../border/problem.js'
import { diskProblem, fail } from './problem.js'
import type { Result } from './problem.js'
import { snapshotSchema } from './schema.js'
import type { Snapshot } from './snapshot.js'
import { SNAPSHOT_FORMAT } from './snapshot.js'
import { writeAtomically } from './write.js'

/** `sha256:` and 64 hexadecimal digits, over the UTF-8 of `text`. */
export function sha256(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`
}

/**
 * One text for one value, whatever the order of its keys (RFC 8785): keys sorted by UTF-16 units, no space between.
 * Fields that are undefined are left out. A number that is not finite is a bug of ours: JSON would turn it into null.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new RangeError(`${value} has no place in JSON`)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, field]) => `${JSON.stringify(key)}:${canonicalJson(field)}`)
  return `{${fields.join(',')}}`
}

/** Over everything but the checksum itself. */
function checksumOf(document: object): string {
  return sha256(canonicalJson({ ...document, checksum: undefined }))
}

/** What others wrote may hold 1e999, which is read as infinite: no checksum is that of such a document. */
function fitsChecksum(document: { checksum: unknown }): boolean {
  try {
    return document.checksum === checksumOf(document)
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

/** The text of a snapshot, its checksum filled in: two levels laid out, so each sample and each curve is one line. */
export function encodeSnapshot(snapshot: Omit<Snapshot, 'checksum'>): string {
  const { format, id, ...rest } = snapshot
  const document: Snapshot = { format, id, checksum: '', ...rest } // it stands near the top of the file
  document.checksum = checksumOf(snapshot)
  const fields = Object.entries(document)
  return `{\n${fields.flatMap(([key, value]) => encodeField(key, value)).join(',\n')}\n}\n`
}

function encodeField(key: string, value: unknown): string[] {
  if (value === undefined) return []
  const name = `  ${JSON.stringify(key)}: `
  if (typeof value !== 'object' || value === null) return [name + JSON.stringify(value)]
  const items = Array.isArray(value)
    ? value.map((item: unknown) => `    ${JSON.stringify(item)}`)
    : Object.entries(value).flatMap(([inner, item]) =>
        item === undefined ? [] : [`    ${JSON.stringify(inner)}: ${JSON.stringify(item)}`],
      )
  const [open, close] = Array.isArray(value) ? '[]' : '{}'
  return [items.length === 0 ? `${name}${open}${close}` : `${name}${open}\n${items.join(',\n')}\n  ${close}`]
}

export async function writeSnapshot(
  path: string,
  snapshot: Omit<Snapshot, 'checksum'>,
): Promise<Result<string>> {
  const text = encodeSnapshot(snapshot)
  if (text.length > jsonLimits.maxLength) {
    const advice = 'set output.keep: summary in the scenario to leave the samples out'
    return fail(
      'too-long',
      path,
      `${snapshot.samples.length} samples are more than a snapshot can hold; ${advice}`,
    )
  }
  return writeAtomically(path, text)
}

export async function readSnapshot(path: string): Promise<Result<Snapshot>> {
  const text = await readText(path)
  return text.ok ? parseSnapshot(text.value, path) : text
}

/** The text of a file that is no longer than a snapshot can be. */
export async function readText(path: string): Promise<Result<string>> {
  try {
    const { size } = await stat(path)
    if (size > jsonLimits.maxLength)
      return fail('too-long', path, `${size} bytes are more than a snapshot can hold`)
    return { ok: true, value: await readFile(path, 'utf8') }
  } catch (error) {
    return { ok: false, problem: diskProblem(error, path, 'read') }
  }
}

/** @param name how problems call the text: its path, or `git:<ref>:<path>` */
export function parseSnapshot(text: string, name: string): Result<Snapshot> {
  const json = readJson(text, { file: name, refuseDuplicateKeys: true })
  if (!json.ok) return refuseJson(text, name, json.problem.offset, json.problem.message)
  const document = json.value
  if (typeof document !== 'object' || document === null || !('format' in document)) {
    return fail('malformed', name, `is no snapshot: it has no "format": "${SNAPSHOT_FORMAT}"`)
  }
  const format = checkFormat(document.format, name)
  if (!format.ok) return format
  // Before the fields: a damaged file should be told that it is damaged, not that some field is odd.
  if (!('checksum' in document) || !fitsChecksum(document)) {
    const advice = 'it was edited or damaged; measure again, or take it from where it came'
    return fail('checksum', name, `does not fit its checksum: ${advice}`)
  }
  const checked = snapshotSchema.safeParse(document)
  if (checked.success) return { ok: true, value: checked.data }
  const [issue] = checked.error.issues
  const where = pathText((issue?.path ?? []).map((part) => (typeof part === 'symbol' ? String(part) : part)))
  return fail('malformed', name, `${where}: ${issue?.message ?? 'does not fit the format'}`)
}

/** How every snapshot begins, blanks aside. */
const HEAD = `{"format":"${SNAPSHOT_FORMAT.split('/')[0]}`

function refuseJson(text: string, name: string, offset: number, message: string): Result<never> {
  if (text.trim() === '')
    return fail('cut', name, 'is empty, cut off at byte 0; copy it again or measure again')
  const start = text.slice(0, 200).replace(/\s/g, '')
  if (!start.startsWith(HEAD) && !HEAD.startsWith(start)) {
    return fail(
      'malformed',
      name,
      'is no snapshot: it does not begin as one; `plumbline run` writes them to results/',
    )
  }
  const { line, column } = positionOf(text, offset)
  const at = `byte ${Buffer.byteLength(text.slice(0, offset))}, line ${line}, column ${column}`
  // The reader may stop early, at the start of a string that never ends: a whole document ends in a bracket.
  if (offset === text.length || !text.trimEnd().endsWith('}')) {
    const end = Buffer.byteLength(text)
    return fail('cut', name, `is cut off at byte ${end} (${message}, ${at}); copy it again or measure again`)
  }
  return fail('malformed', name, `is no whole JSON document: ${message} (${at})`)
}

/** A newer format is told by its number alone: what else it may have changed is not ours to guess. */
function checkFormat(format: unknown, name: string): Result<null> {
  if (format === SNAPSHOT_FORMAT) return { ok: true, value: null }
  const [family, ours] = SNAPSHOT_FORMAT.split('/')
  const [, theirFamily, theirs] = /^(.*)\/(\d{1,6})$/.exec(typeof format === 'string' ? format : '') ?? []
  if (theirFamily !== family || Number(theirs) < Number(ours)) {
    return fail('malformed', name, `is no snapshot: its "format" is not "${SNAPSHOT_FORMAT}"`)
  }
  const both = `is in format ${theirFamily}/${theirs}, this Plumbline reads ${SNAPSHOT_FORMAT}`
  return fail('newer-format', name, `${both}; use the newer Plumbline that wrote it`)
}
