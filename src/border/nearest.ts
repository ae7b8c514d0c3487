/** The known word that somebody most likely meant. */

/**
 * The nearest of `known` to `word`, or undefined where none is near: at most a third of the letters, and 3, may differ.
 * A word without a dash is held against the first part of a name as well: `openai` means `openai-chat`.
 */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const names = [...known]
  const whole = nearestOf(word, names)
  if (whole !== undefined || word.includes('-')) return whole
  const firsts = names.map((name) => name.split('-', 1)[0] ?? name)
  const part = nearestOf(word, firsts)
  return part === undefined ? undefined : names[firsts.indexOf(part)]
}

function nearestOf(word: string, known: readonly string[]): string | undefined {
  const limit = Math.min(3, Math.max(1, Math.floor(word.length / 3)))
  let best: string | undefined
  let bestDistance = limit + 1
  for (const candidate of known) {
    if (Math.abs(candidate.length - word.length) > limit) continue
    const found = distance(word.toLowerCase(), candidate.toLowerCase())
    if (found < bestDistance) {
      best = candidate
      bestDistance = found
    }
  }
  return best
}

/** ` (did you mean 'promptTokens'?)`, or nothing. */
export function didYouMean(word: string, known: Iterable<string>): string {
  const meant = nearest(word, known)
  return meant === undefined ? '' : ` (did you mean '${meant}'?)`
}

/**
 * Insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b`, no part edited twice
 * (optimal string alignment: Damerau, CACM 7(3), 1964).
 */
export function distance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      let least = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + cost)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, (beforeLast[j - 2] ?? 0) + 1)
      }
      row.push(least)
    }
    beforeLast = last
    last = row
  }
  return last[b.length] ?? 0
}
