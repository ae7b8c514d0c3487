/** The longest of the steps since some step, without keeping them all. */

export interface SlowSteps {
  /** Numbers and durations, ms, of steps that no later one was as long as. */
  readonly numbers: number[]
  readonly durations: number[]
}

export function createSlowSteps(): SlowSteps {
  return { numbers: [], durations: [] }
}

/** Steps are added in order of their numbers. */
export function addStep({ numbers, durations }: SlowSteps, number: number, durationMs: number): void {
  while (durations.length > 0 && durations.at(-1)! <= durationMs) {
    numbers.pop()
    durations.pop()
  }
  numbers.push(number)
  durations.push(durationMs)
}

/** The longest step with at least this number, ms; 0 when there was none. */
export function longestSince({ numbers, durations }: SlowSteps, number: number): number {
  let low = 0
  let high = numbers.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (numbers[middle]! < number) low = middle + 1
    else high = middle
  }
  return durations[low] ?? 0
}
