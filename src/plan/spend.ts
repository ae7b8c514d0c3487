/** Spending: asking the cells of a grid that tell most of a law, until it is known as closely as asked. */
import type { Random } from '../random/random.js'
import { choose, offBy } from './choose.js'
import { countsOf, designsOf, variancesOf, type Design, type DesignCell } from './design.js'
import { countsByItself, targetOf, type Known, type Precision } from './precision.js'
import type { Block, Law, Next, Seen } from './probe.js'

export interface Spending {
  law: Law
  /** The cells to choose from, each once: one block of the design. */
  grid: Block
  precision: Precision
  /** The law fitted to what is known; called at looks only. `curved`: with its quadratic, whether or not that earns its place. */
  fit(curved?: true): Fitted
}

type Fitted = Readonly<Record<string, Known>>

const FIRST_LOOK = 12
const LOOK_RATIO = 1.25
// Looking repeatedly stops at lucky moments; asking for a little more makes up for it (Chow & Robbins 1965).
const SLACK = 1.06
/** Blocks of the whole grid before any choice. */
export const FULL_BLOCKS = 2
/** Blocks after which a precision that is not reached yet is given up: the noise is too large for it. */
export const MOST_SPENT_BLOCKS = 240
/** A straight law that is known this many times as closely as asked has cost the square of it: a bend is looked for no longer. */
const BEND_PATIENCE = 2

/** Whether `blocks` is one of 12, 15, 19, 24, 30, 38, 48, 60, …: looks at every block would stop too soon. */
export function isLook(blocks: number): boolean {
  let look = FIRST_LOOK
  while (look < blocks) look = Math.round(look * LOOK_RATIO)
  return look === blocks
}

/** The next block: the whole grid twice, then the cells of most worth, until the law is known as closely as asked. */
export function spend(seen: Seen, random: Random, spending: Spending): Next {
  const { grid, law, precision } = spending
  if (seen.blocks < FULL_BLOCKS) return { ask: random.shuffle(grid) }
  const designs = designsOf(law, grid, seen.cells)
  const isLast = seen.blocks >= MOST_SPENT_BLOCKS
  const done =
    designs.length > 0 && (isLast || (seen.blocks >= FIRST_LOOK && isLook(seen.blocks)))
      ? doneOf(spending, designs, seen.blocks, isLast)
      : null
  if (done !== null) return { done }
  if (isLast) return { done: `no ${law} curve after ${seen.blocks} blocks` }
  return { ask: choose(grid, seen.blocks, precision, designs, random) }
}

/** Why it ends here; null where it goes on. */
function doneOf(
  spending: Spending,
  designs: readonly Design[],
  blocks: number,
  isLast: boolean,
): string | null {
  const fitted = spending.fit()
  const gaps = gapsOf(spending.precision, fitted, designs)
  const worst = widest(gaps)
  if (worst === null) return untoldText(spending.precision, fitted, blocks, isLast)
  const missing = askedByName(spending.precision).filter((name) => name !== 'curve' && !(name in fitted))
  const reached = isReached(worst)
  if (!reached && !isLast) return null
  const text = `${knownText(gaps)} after ${blocks} blocks`
  // Such as hit where no prefix is ever served: more requests would not tell it.
  if (missing.length > 0) return `stopped with ${text}: no sample told ${missing.join(' or ')}`
  if (!reached) return `stopped with ${text}: the noise is too large`
  const bend = fitted['curve'] === undefined ? leftOut(spending, designs) : null
  const isStraight = bend === null || bend.ratio <= 1
  if (!isStraight && !isLast && worst.ratio * BEND_PATIENCE > 1) return null
  const saved = savedText(isStraight ? worst.parameter : 'curve', designs)
  if (bend === null) return `${text}, as closely as asked${saved}`
  const size = `a bend could move predictions by ${percent(bend.prediction)} and fresh by ${percent(bend.fresh)} at most`
  return isStraight
    ? `${text}, as closely as asked of a straight law (${size})${saved}`
    : `stopped with ${text} by a straight law, but whether the law bends cannot be told in this noise (${size})`
}

/** Where the law stands and holds nothing of what is asked. A bend that is asked for may show until the end. */
function untoldText(precision: Precision, fitted: Fitted, blocks: number, isLast: boolean): string | null {
  const untold = askedByName(precision)
  if (Object.keys(fitted).length === 0 || (untold.includes('curve') && !isLast)) return null
  return `stopped after ${blocks} blocks: no sample told ${untold.join(' or ')}`
}

interface LeftOut {
  /** Times what is asked. */
  ratio: number
  /** Shares. */
  prediction: number
  fresh: number
}

/** The largest bend that a straight law may leave out, by the quadratic's 95 % interval. Null where none can be seen. */
function leftOut({ precision, fit }: Spending, designs: readonly Design[]): LeftOut | null {
  const design = designs.find((each) => each.bend !== null)
  if (design?.bend == null) return null
  const { bend, names } = design
  const most = fit(true)['curve']?.high
  if (most === undefined) return null
  return {
    ratio: most * offBy(precision, design, bend),
    prediction: most * bend.prediction,
    fresh: most * bend.parameters[names.indexOf('fresh')]!,
  }
}

/** What is known less closely than asked where a run is broken off; null where nothing is, or no curve was looked at. */
export function stillWide(seen: Seen, spending: Spending): string | null {
  const { law, grid, precision } = spending
  const designs = seen.blocks < FULL_BLOCKS ? [] : designsOf(law, grid, seen.cells)
  const fitted = designs.length === 0 ? {} : spending.fit()
  if (Object.keys(fitted).length === 0) return `broken off before there was a ${law} curve`
  const gaps = gapsOf(precision, fitted, designs)
  if (gaps.every(isReached)) return null
  return `broken off after ${seen.blocks} blocks with ${knownText(gaps)}`
}

const askedByName = (precision: Precision): string[] =>
  typeof precision === 'number' ? [] : Object.keys(precision)

const isReached = ({ ratio }: Gap): boolean => ratio * SLACK <= 1

/** `base known within 4 %, fresh within 12 % (asked: 5 %)`. */
function knownText(gaps: readonly Gap[]): string {
  const parts = gaps.map((gap, i) => {
    const { parameter, halfWidth, moves, target } = gap
    const effect = moves === null ? '' : `, which moves predictions by ${percent(moves)} at most`
    const asked = isReached(gap) ? '' : ` (asked: ${percent(target)})`
    // A share of 0 is no figure.
    const known = Number.isFinite(halfWidth) ? `within ${percent(halfWidth)}` : 'to be 0'
    return `${parameter}${i === 0 ? ' known' : ''} ${known}${effect}${asked}`
  })
  return parts.join(', ')
}

const percent = (share: number): string => `${Number((100 * share).toPrecision(2))} %`

interface Gap {
  parameter: string
  /** Relative half-width. */
  halfWidth: number
  /** As a share of predictions, where it is that which is held to what is asked. */
  moves: number | null
  /** Wanted half-width. */
  target: number
  /** Half-width ÷ wanted half-width. */
  ratio: number
}

const widest = (gaps: readonly Gap[]): Gap | null =>
  gaps.reduce<Gap | null>((a, b) => (a === null || b.ratio > a.ratio ? b : a), null)

/** How far each parameter that counts is from what is asked. */
function gapsOf(precision: Precision, fitted: Fitted, designs: readonly Design[]): Gap[] {
  return Object.entries(fitted).flatMap(([parameter, { value, low, high }]): Gap[] => {
    const target = targetOf(precision, parameter)
    if (target === null) return []
    const half = (high - low) / 2
    const halfWidth = half / Math.abs(value)
    const { names, cells } = ofParameter(designs, parameter)
    const column = names.indexOf(parameter)
    const isMain = value !== 0 && (countsByItself(precision, parameter) || column === -1)
    const most = Math.max(...cells.map(({ row, ms }) => (half * (row[column] ?? 0)) / ms))
    const moves = isMain || most >= halfWidth ? null : most
    return [{ parameter, halfWidth, moves, target, ratio: (moves ?? halfWidth) / target }]
  })
}

/** The design that holds a parameter; of none the first. */
const ofParameter = (designs: readonly Design[], parameter: string): Design =>
  designs.find(({ names }) => names.includes(parameter)) ?? designs[0]!

/** What the whole grid would have taken for the same width of the parameter that decided. */
function savedText(parameter: string, designs: readonly Design[]): string {
  const design = ofParameter(designs, parameter)
  const { cells, names, straight } = design
  const column = Math.max(0, names.indexOf(parameter))
  const size = Math.max(straight, column + 1)
  const spent = countsOf(design)
  const visits = cells.map(perVisit)
  const ours = variancesOf(design, spent, size)?.[column]
  const whole = variancesOf(design, visits, size)?.[column]
  if (ours === undefined || whole === undefined) return ''
  const cost = (counts: readonly number[]): number =>
    cells.reduce((sum, each, i) => sum + (counts[i]! / perVisit(each)) * each.cost, 0)
  const taken = Math.round(cost(spent))
  const wouldTake = Math.round((whole / ours) * cost(visits))
  const share = Math.round(100 * (1 - taken / wouldTake))
  return share > 0
    ? `; ${taken} requests, where the whole grid would have taken about ${wouldTake} (${share} % saved)`
    : `; ${taken} requests, no fewer than the whole grid would have taken`
}

/** Samples of one visit. */
const perVisit = ({ ask }: DesignCell): number => ask.requests ?? ask.concurrency ?? 1
