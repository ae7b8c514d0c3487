/** What speaks for a cause and against it, with the sentences for the reader. */

export interface Weight {
  /** Added to the log prior odds. */
  logOdds: number
  /** Likewise, by the pace of peers: of two causes that explain it only the better one counts. */
  peers: number
  /** Sentences for the reader. */
  evidence: string[]
}

export const none = (): Weight => ({ logOdds: 0, peers: 0, evidence: [] })

export function add(weight: Weight, logOdds: number, sentence?: string): void {
  weight.logOdds += logOdds
  if (sentence !== undefined) weight.evidence.push(sentence)
}

/** Below it a log ratio is no slowdown worth a word. */
export const SLOW = Math.log(1.15)

export const percent = (share: number): string => `${Math.round(100 * share)} %`
export const ratio = (log: number): string => `× ${Math.exp(log).toFixed(2)}`
