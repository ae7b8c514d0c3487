/** Money across runs: a file that every reservation and settlement reaches before anything goes on. */
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
    atMs: z.number(),
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
  const whole = text.lastIndexOf('\n') + 1
  const entries = new Map<string, { atMs: number; amount: number; settled: boolean }>()
  for (const [i, line] of text.slice(0, whole).split('\n').slice(0, -1).entries()) {
    const parsed = readLine(line)
    if (parsed === null) {
      closeSync(fd)
      return {
        ok: false,
        message: `${path}:${i + 1}: the ledger is damaged, so what was spent is not known: mend the line, or move the file away to begin at nothing`,
      }
    }
    apply(entries, parsed)
  }
  if (whole < text.length) ftruncateSync(fd, Buffer.byteLength(text.slice(0, whole)))

  function write(line: Line): void {
    writeWhole(fd, Buffer.from(`${JSON.stringify(line)}\n`))
    fsyncSync(fd)
    apply(entries, line)
  }

  function spent(atMs: number): { day: number; month: number } {
    const now = new Date(atMs).toISOString()
    let day = 0
    let month = 0
    for (const entry of entries.values()) {
      const then = new Date(entry.atMs).toISOString()
      if (then.slice(0, 7) === now.slice(0, 7)) month += entry.amount
      if (then.slice(0, 10) === now.slice(0, 10)) day += entry.amount
    }
    return { day, month }
  }

  return {
    ok: true,
    unsettled: [...entries.values()].filter(({ settled }) => !settled).length,
    ledger: {
      spent,
      reserve({ scenario, amount }, atMs) {
        const { day, month } = spent(atMs)
        if (caps.perDay !== null && day + amount > caps.perDay) return { passed: 'day' }
        if (caps.perMonth !== null && month + amount > caps.perMonth) return { passed: 'month' }
        const id = `${new Date(atMs).toISOString()}/${entries.size}`
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

function apply(entries: Map<string, { atMs: number; amount: number; settled: boolean }>, line: Line): void {
  if (line.kind === 'reserve') {
    entries.set(line.id, { atMs: line.atMs, amount: line.amount, settled: false })
    return
  }
  const entry = entries.get(line.id)
  if (entry !== undefined) entries.set(line.id, { ...entry, amount: line.amount, settled: true })
}

function readLine(text: string): Line | null {
  try {
    return Line.safeParse(JSON.parse(text)).data ?? null
  } catch {
    return null
  }
}
