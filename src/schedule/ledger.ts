/** Money across runs: a file that every reservation and settlement reaches before anything goes on. */
import { randomUUID } from 'node:crypto'
import { closeSync, fsyncSync, ftruncateSync, openSync, readFileSync } from 'node:fs'
import { z } from 'zod'
import { FILE_MODE, writeWhole } from '../snapshot/write.js'

/** Most that all runs together may spend, in the one currency of their prices; null: no cap. */
export interface Caps {
  perDay: number | null
  perMonth: number | null
}

export interface Ledger {
  /**
   * Holds the worst case of a run that is about to start. It counts on the UTC day and in the UTC month of `atMs`, and
   * stays whole when the process dies before it is settled. Where a cap would be passed, that cap is named instead.
   */
  reserve(
    run: { scenario: string; amount: number },
    atMs: number,
  ): { id: string } | { passed: 'day' | 'month' }
  /** What the run has spent; the rest is free again. */
  settle(id: string, amount: number): void
  spent(atMs: number): { day: number; month: number }
  close(): void
}

const Money = z.number().min(0)
const Line = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('reserve'),
    id: z.string(),
    scenario: z.string(),
    atMs: z.number().min(0).max(8.64e15),
    amount: Money,
  }),
  z.object({ kind: z.literal('settle'), id: z.string(), amount: Money }),
])
type Line = z.infer<typeof Line>

export type OpenedLedger = { ok: true; ledger: Ledger; unsettled: number } | { ok: false; message: string }

/** A line that a kill tore in two is cut off; any other damage is refused, for what was spent would not be known. */
export function openLedger(path: string, caps: Caps): OpenedLedger {
  const fd = openSync(path, 'a+', FILE_MODE)
  const text = readFileSync(fd, 'utf8')
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  const books = createBooks()
  for (const [i, line] of whole.split('\n').slice(0, -1).entries()) {
    const parsed = readLine(line)
    if (parsed === null) {
      closeSync(fd)
      return {
        ok: false,
        message: `${path}:${i + 1}: the ledger is damaged, so what was spent is not known: mend the line, or move the file away to begin at nothing`,
      }
    }
    books.enter(parsed)
  }
  if (whole.length < text.length) ftruncateSync(fd, Buffer.byteLength(whole))

  function write(line: Line): void {
    writeWhole(fd, Buffer.from(`${JSON.stringify(line)}\n`))
    fsyncSync(fd)
    books.enter(line)
  }

  return {
    ok: true,
    unsettled: books.unsettled(),
    ledger: {
      spent: books.spent,
      reserve({ scenario, amount }, atMs) {
        const { day, month } = books.spent(atMs)
        const costs = amount > 0 // what is free passes no cap, even one that is spent
        if (costs && caps.perDay !== null && day + amount > caps.perDay) return { passed: 'day' }
        if (costs && caps.perMonth !== null && month + amount > caps.perMonth) return { passed: 'month' }
        const id = randomUUID()
        write({ kind: 'reserve', id, scenario, atMs, amount })
        return { id }
      },
      settle(id, amount) {
        // What is no amount frees nothing.
        if (Money.safeParse(amount).success) write({ kind: 'settle', id, amount })
      },
      close: () => closeSync(fd),
    },
  }
}

/** Sums by UTC day and month, and what is reserved still. */
function createBooks() {
  const open = new Map<string, { atMs: number; amount: number }>()
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
        open.set(line.id, line)
        add(line.atMs, line.amount)
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
