/** Money across runs: a file that every reservation and settlement reaches before anything goes on. */
import { randomUUID } from 'node:crypto'
import { closeSync, fsyncSync, ftruncateSync, openSync, readFileSync } from 'node:fs'
import { z } from 'zod'
import { diskProblem } from '../snapshot/problem.js'
import { FILE_MODE, writeWhole } from '../snapshot/write.js'

/** Most that all runs together may spend, in the one currency of their prices; null: no cap. */
export interface Caps {
  perDay: number | null
  perMonth: number | null
}

export interface Ledger {
  /**
   * Holds the worst case of a run that is about to start. It counts on the UTC day and in the UTC month of `atMs`, and
   * stays whole when the process dies before it is settled. Where a cap would be passed, that cap is named instead;
   * where the disk refuses, nothing is held and `problem` says why.
   * @param run `dueMs`: the firing that it is made for
   */
  reserve(
    run: { scenario: string; amount: number; dueMs: number },
    atMs: number,
  ): { id: string } | { passed: 'day' | 'month' } | { problem: string }
  /** What the run has spent; the rest is free again. Null, or why the disk refused: the worst case then stands. */
  settle(id: string, amount: number): string | null
  spent(atMs: number): { day: number; month: number }
  /** The newest reservation of a scenario, and whether it was settled. */
  last(scenario: string): Reservation | null
  close(): void
}

export interface Reservation {
  id: string
  amount: number
  /** Null where it was written before this was. */
  dueMs: number | null
  isSettled: boolean
}

const Money = z.number().min(0)
const Line = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('reserve'),
    id: z.string(),
    scenario: z.string(),
    atMs: z.number().min(0).max(8.64e15),
    amount: Money,
    dueMs: z.optional(z.number()),
  }),
  z.object({ kind: z.literal('settle'), id: z.string(), amount: Money }),
])
type Line = z.infer<typeof Line>

export type OpenedLedger = { ok: true; ledger: Ledger; unsettled: number } | { ok: false; message: string }

/** A line that a kill tore in two is cut off; any other damage is refused, for what was spent would not be known. */
export function openLedger(path: string, caps: Caps): OpenedLedger {
  let fd: number | null = null
  try {
    fd = openSync(path, 'a+', FILE_MODE)
    const opened = takeUp(path, fd, caps)
    if (!opened.ok) closeQuietly(fd)
    return opened
  } catch (error) {
    if (fd !== null) closeQuietly(fd)
    return { ok: false, message: diskProblem(error, path, 'read').message }
  }
}

function takeUp(path: string, fd: number, caps: Caps): OpenedLedger {
  const text = readFileSync(fd, 'utf8')
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  const books = createBooks()
  for (const [i, line] of whole.split('\n').slice(0, -1).entries()) {
    const parsed = readLine(line)
    if (parsed === null) {
      return {
        ok: false,
        message: `${path}:${i + 1}: the ledger is damaged, so what was spent is not known: mend the line, or move the file away to begin at nothing`,
      }
    }
    books.enter(parsed)
  }
  let wholeBytes = Buffer.byteLength(whole)
  /** Behind the last whole line stands what a failed write left. */
  let isTorn = whole.length < text.length
  const cutOff = (): void => {
    ftruncateSync(fd, wholeBytes)
    isTorn = false
  }
  if (isTorn) cutOff()

  /** All of the line, on the disk, or nothing of it: null, or why the disk refused. */
  function write(line: Line): string | null {
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`)
    try {
      if (isTorn) cutOff()
      isTorn = true
      writeWhole(fd, bytes)
      fsyncSync(fd)
      isTorn = false
    } catch (error) {
      const { message } = diskProblem(error, path, 'written')
      try {
        cutOff()
      } catch {
        // The next write tries again before anything else.
      }
      return message
    }
    wholeBytes += bytes.length
    books.enter(line)
    return null
  }

  return {
    ok: true,
    unsettled: books.unsettled(),
    ledger: {
      spent: books.spent,
      last: books.last,
      reserve({ scenario, amount, dueMs }, atMs) {
        const { day, month } = books.spent(atMs)
        const costs = amount > 0 // what is free passes no cap, even one that is spent
        if (costs && caps.perDay !== null && day + amount > caps.perDay) return { passed: 'day' }
        if (costs && caps.perMonth !== null && month + amount > caps.perMonth) return { passed: 'month' }
        const id = randomUUID()
        const problem = write({ kind: 'reserve', id, scenario, atMs, amount, dueMs })
        return problem === null ? { id } : { problem }
      },
      settle(id, amount) {
        // What is no amount frees nothing.
        return Money.safeParse(amount).success ? write({ kind: 'settle', id, amount }) : null
      },
      close: () => closeQuietly(fd),
    },
  }
}

/** Every line is on the disk: what a close may still refuse loses nothing. */
function closeQuietly(fd: number): void {
  try {
    closeSync(fd)
  } catch {
    return
  }
}

/** Sums by UTC day and month, what is reserved still, and what each scenario reserved last. */
function createBooks() {
  const open = new Map<string, { atMs: number; amount: number }>()
  const newest = new Map<string, { id: string; amount: number; dueMs: number | null }>()
  const sums = new Map<string, number>()
  const keysOf = (atMs: number): { day: string; month: string } => {
    const text = new Date(atMs).toISOString()
    return { day: text.slice(0, 10), month: text.slice(0, 7) }
  }
  const add = (atMs: number, amount: number): void => {
    for (const key of Object.values(keysOf(atMs))) sums.set(key, (sums.get(key) ?? 0) + amount)
  }
  return {
    enter(line: Line): void {
      if (line.kind === 'reserve') {
        const { id, amount, dueMs = null } = line
        open.set(id, line)
        newest.set(line.scenario, { id, amount, dueMs })
        add(line.atMs, amount)
        return
      }
      const reserved = open.get(line.id)
      if (reserved === undefined) return
      open.delete(line.id)
      add(reserved.atMs, line.amount - reserved.amount)
    },
    spent(atMs: number): { day: number; month: number } {
      const { day, month } = keysOf(atMs)
      return { day: sums.get(day) ?? 0, month: sums.get(month) ?? 0 }
    },
    last(scenario: string): Reservation | null {
      const found = newest.get(scenario)
      return found === undefined ? null : { ...found, isSettled: !open.has(found.id) }
    },
    unsettled: () => open.size,
  }
}

function readLine(text: string): Line | null {
  try {
    return Line.safeParse(JSON.parse(text)).data ?? null
  } catch {
    return null
  }
}
