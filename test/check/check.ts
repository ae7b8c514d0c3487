/** What a check by simulation is: jobs that can run anywhere, and a report on what came of them. */

/** Repeats `from` … `to` − 1 of one setting; its seeds come from their numbers. */
export interface Batch {
  from: number
  to: number
}

export interface Check<Job, Result> {
  /** @param repeats of each setting */
  jobs: (repeats: number) => Job[]
  work: (job: Job) => Result | Promise<Result>
  /** `broken`: each line of the contract that does not hold. */
  report: (results: readonly Result[], repeats: number) => { lines: string[]; broken: string[] }
  /** Tells what comes of one seed as it comes, and what does not hold of it. */
  replay?: (seed: number) => Promise<string[]>
}

const BATCH = 50

export function batches(repeats: number, size = BATCH): Batch[] {
  return Array.from({ length: Math.ceil(repeats / size) }, (_, i) => ({
    from: i * size,
    to: Math.min(repeats, (i + 1) * size),
  }))
}
