/** What a scheduler must remember over a restart: firings taken, and what was told of each scenario. */
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { diskProblem } from '../snapshot/problem.js'
import { writeAtomically } from '../snapshot/write.js'
import type { AlertState } from './alert.js'

const Remembered = z.object({
  /** Seed of the jitter: differs between installations, so that many do not start at the same second. */
  seed: z.string(),
  jobs: z.record(
    z.string(),
    z.object({
      lastDueMs: z.number().nullable(),
      alert: z
        .object({
          health: z.enum(['ok', 'regression', 'failure']),
          sinceMs: z.number(),
          toldMs: z.number().nullable(),
        })
        .nullable(),
    }),
  ),
})

export interface Memory {
  seed: string
  lastDueMs(job: string): number | null
  alert(job: string): AlertState | null
  /** Writes through; a sentence where the disk refuses, null else. */
  set(job: string, part: { lastDueMs: number } | { alert: AlertState | null }): Promise<string | null>
}

export async function openMemory(
  path: string,
  newSeed: () => string,
): Promise<{ ok: true; memory: Memory } | { ok: false; message: string }> {
  const read = await readRemembered(path)
  if ('message' in read) return { ok: false, message: read.message }
  const { seed, jobs: list } = read.value ?? { seed: newSeed(), jobs: {} }
  const jobs = new Map(Object.entries(list))
  const of = (job: string) => jobs.get(job) ?? { lastDueMs: null, alert: null }
  let writing: Promise<string | null> = Promise.resolve(null)
  return {
    ok: true,
    memory: {
      seed,
      lastDueMs: (job) => of(job).lastDueMs,
      alert: (job) => of(job).alert,
      set(job, part) {
        jobs.set(job, { ...of(job), ...part })
        // One after the other: the file must end as the newest says.
        writing = writing.then(async () => {
          const text = JSON.stringify({ seed, jobs: Object.fromEntries(jobs) }, null, 1)
          const written = await writeAtomically(path, `${text}\n`)
          return written.ok ? null : written.problem.message
        })
        return writing
      },
    },
  }
}

async function readRemembered(
  path: string,
): Promise<{ value: z.infer<typeof Remembered> | null } | { message: string }> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    const problem = diskProblem(error, path, 'read')
    return problem.kind === 'missing' ? { value: null } : { message: problem.message }
  }
  try {
    const parsed = Remembered.safeParse(JSON.parse(text))
    if (parsed.success) return { value: parsed.data }
  } catch {
    // said below
  }
  return { message: `${path}: is damaged: delete it, and firings missed before now are not told` }
}
