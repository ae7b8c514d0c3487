/** A comparison in plain words: what moved, by how much, and what could not be told. */
import type { Comparison, Shift, TargetPair } from './comparison.js'
import { undetected, verdictOf } from './verdict-of.js'

/** Names of what is tested, in the order in which they are told. */
const WORDS: Readonly<Record<string, string>> = {
  fresh: 'prefill',
  hit: 'cached prefill',
  tpot: 'decode',
  perContext: 'cost of context',
  base: 'network and front end',
  ttft: 'time to first token',
  step: 'decode step',
  e2e: 'end to end',
  decodeRate: 'decode rate',
  slowShare: 'share of slow requests',
  slowDecode: 'share of slow decodes',
  errors: 'errors',
  canary: 'wrong answers',
}

/** The headline of each pair of targets, then what is inconclusive, then what is not excluded. */
export function sentences(comparison: Comparison): string[] {
  if (comparison.refusals.length > 0) {
    return comparison.refusals.map(({ message }) => `not comparable: ${message}`)
  }
  const many = comparison.pairs.length > 1
  const lines = comparison.pairs.flatMap((pair) => {
    const own = comparison.shifts.filter((shift) => shift.gated && samePair(shift.pair, pair))
    const prefix = many || pair.base !== pair.candidate ? `${named(pair)}: ` : ''
    return pairSentences(own).map((line) => prefix + line)
  })
  return [...lines, ...closing(comparison)]
}

function pairSentences(shifts: readonly Shift[]): string[] {
  const told = inOrder(shifts)
  const settled = told.filter(({ verdict }) => verdict !== 'inconclusive')
  const open = told.filter(({ verdict }) => verdict === 'inconclusive')
  const moved = settled.filter(({ verdict }) => verdict !== 'same')
  const same = settled.filter(({ verdict }) => verdict === 'same')
  // Prefill and network say already what an unchanged time to first token would.
  const saidOfTtft = ['base', 'fresh'].every((part) => settled.some(({ name }) => name === part))
  const parts = [...moved, ...same.filter(({ name }) => name !== 'ttft' || !saidOfTtft)].map(phrase)
  const lines = parts.length > 0 ? [parts.join(', ')] : []
  const counted = open.filter(isCounted)
  const doubts = open.filter((shift) => !isCounted(shift))
  if (doubts.length > 0) lines.push(`undecided: ${groupedDoubts(doubts).join('; ')}`)
  return [...lines, ...counted.map((shift) => `${wordOf(shift.name)}: ${shift.why}`)]
}

/** A count of failures, which says itself what is not excluded. */
const isCounted = ({ kind, se }: Shift): boolean => kind === 'share' && se === null

/** Things that are undecided for one and the same reason are told together. */
function groupedDoubts(shifts: readonly Shift[]): string[] {
  const groups = new Map<string, string[]>()
  for (const shift of shifts)
    groups.set(doubt(shift), [...(groups.get(doubt(shift)) ?? []), wordOf(shift.name)])
  return [...groups].map(([reason, words]) => `${words.join(', ')} (${reason})`)
}

function inOrder(shifts: readonly Shift[]): Shift[] {
  const order = Object.keys(WORDS)
  const place = ({ name }: Shift): number => (order.includes(name) ? order.indexOf(name) : order.length)
  return [...shifts].sort((a, b) => place(a) - place(b))
}

const wordOf = (name: string): string => WORDS[name] ?? name

function phrase(shift: Shift): string {
  const { name, kind, verdict, ratio, low, high, base, candidate } = shift
  const word = wordOf(name)
  if (verdict === 'same') return `${word} unchanged`
  if (kind === 'share') {
    return `${word} ${verdict === 'worse' ? 'up' : 'down'} from ${percent(base ?? 0)} to ${percent(candidate ?? 0)}`
  }
  if (ratio === null) return `${word} is ${verdict}`
  const [more, less] =
    name === 'decodeRate' || name === 'perContext' ? ['higher', 'lower'] : ['slower', 'faster']
  const direction = ratio > 1 ? more : less
  return `${word} is ${change(ratio)} ${direction}${range(ratio, low, high)}`
}

const change = (ratio: number): string => percent(Math.abs(ratio - 1))

/** `(11-25 %)`, in the direction of the shift; a limit on the other side of no change shows as 0. */
function range(ratio: number, low: number | null, high: number | null): string {
  if (low === null || high === null) return ''
  const ends = (ratio > 1 ? [low - 1, high - 1] : [1 - high, 1 - low]).map((end) => Math.max(0, end))
  return ` (${digits(ends[0]!)}-${digits(ends[1]!)} %)`
}

/** Figures beyond these are no help to anybody. */
const MOST_SAID = 1
const MOST_BLOCKS = 1000

function doubt({ why, detectable, blocksNeeded }: Shift): string {
  if (detectable === null) return why ?? 'inconclusive'
  const seen =
    detectable > MOST_SAID
      ? 'too uncertain for any shift to be seen'
      : `shifts below ${percent(detectable)} cannot be seen`
  return `${seen}${settling(blocksNeeded)}`
}

function settling(blocks: number | null): string {
  if (blocks === null) return ''
  return blocks > MOST_BLOCKS
    ? `, more than ${MOST_BLOCKS} blocks would be needed`
    : `, about ${blocks} blocks would settle it`
}

function closing(comparison: Comparison): string[] {
  const code = verdictOf(comparison)
  if (code === 1) return []
  if (code === 4) {
    const lacking = undetected(comparison)
    const blocks = lacking.map(({ blocksNeeded }) => blocksNeeded)
    const needed = blocks.every((count) => count !== null)
      ? Math.max(...blocks.map((count) => count ?? 0))
      : null
    const wanted = lacking.map(({ name, detect }) => `${percent(detect ?? 0)} in ${name}`).join(' and ')
    const how = needed === null ? '' : `: it takes about ${needed} blocks`
    return [`inconclusive: a shift of ${wanted} could not have been seen${how}`]
  }
  const limits = comparison.shifts.filter(({ detect, detectable }) => detect !== null && detectable !== null)
  const most = Math.max(0, ...limits.map(({ detectable }) => detectable ?? 0))
  if (most === 0) return ['no regression']
  const wider = widerThan(most, comparison.shifts)
  return [`no regression; shifts below ${percent(most)} are not excluded${wider === '' ? '' : ` (${wider})`}`]
}

/** `in prefill below 12 %, in cached prefill of any size`: what is gated and could show less than what is looked for. */
function widerThan(most: number, shifts: readonly Shift[]): string {
  const widest = new Map<string, number>()
  for (const { name, kind, gated, detect, detectable, verdict } of inOrder(shifts)) {
    if (!gated || kind === 'share' || detect !== null || verdict === 'not comparable') continue
    const size = Math.max(widest.get(name) ?? 0, detectable ?? Infinity)
    if (size > most) widest.set(name, size)
  }
  return [...widest]
    .map(
      ([name, size]) => `in ${wordOf(name)} ${size > MOST_SAID ? 'of any size' : `below ${percent(size)}`}`,
    )
    .join(', ')
}

const samePair = (a: TargetPair, b: TargetPair): boolean => a.base === b.base && a.candidate === b.candidate
const named = ({ base, candidate }: TargetPair): string =>
  base === candidate ? base : `${candidate} against ${base}`
const digits = (share: number): string => String(Number((100 * share).toPrecision(2)))
const percent = (share: number): string => `${digits(share)} %`
