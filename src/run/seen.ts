/** What an adaptive probe is shown: its cells so far, and how narrow the curve that it feeds has become. */
import type { Curve } from '../curve/curve.js'
import { fitCurves } from '../curve/fit-curves.js'
import type { Condition } from '../plan/cell.js'
import type { Law, Seen } from '../plan/probe.js'
import type { Known } from '../plan/precision.js'
import type { VisitBlock } from '../plan/visit.js'
import type { Random } from '../random/random.js'
import type { Sample } from '../sample/sample.js'
import { cellsSeen } from './summarise.js'

export interface SeenKeeper {
  /** A block of visits has been run. */
  note(block: VisitBlock): void
  of(probe: string, target: string, feeds: Law | null, blocks: Range): Seen
  fit(
    probe: string,
    target: string,
    feeds: Law,
    blocks: Range,
    curved?: true,
  ): Readonly<Record<string, Known>>
}

type Range = readonly [first: number, end: number]

export function createSeen(
  samples: () => readonly Sample[],
  random: Random,
  fit: typeof fitCurves = fitCurves,
): SeenKeeper {
  const conditions = new Map<string, Condition>()
  const run = new Map<string, Set<number>>()
  const key = (probe: string, target: string): string => JSON.stringify([probe, target])
  const ownSamples = (probe: string, target: string, [first, end]: Range): Sample[] =>
    samples().filter(
      (sample) =>
        sample.probe === probe && sample.target === target && sample.block >= first && sample.block < end,
    )
  const parametersOf = (own: readonly Sample[], law: Law, curved?: true): Curve['parameters'] => {
    const { curves } = fit(own, {
      random: random.fork(String(own.length)),
      resamples: 399,
      laws: [law],
      curved,
    })
    return curves[0]?.parameters ?? {}
  }
  return {
    note({ probe, block, visits }) {
      for (const visit of visits)
        for (const request of visit.chains.flat()) conditions.set(request.cell, request.condition)
      for (const { target } of visits) {
        const known = run.get(key(probe, target)) ?? new Set()
        run.set(key(probe, target), known.add(block))
      }
    },
    of(probe, target, feeds, range) {
      const own = ownSamples(probe, target, range)
      const [first, end] = range
      return {
        blocks: [...(run.get(key(probe, target)) ?? [])].filter((block) => block >= first && block < end)
          .length,
        cells: cellsSeen(own, conditions),
        // A fit with its resamples takes a while, and most decisions do not look.
        get halfWidths() {
          return feeds === null ? {} : halfWidths(parametersOf(own, feeds))
        },
      }
    },
    fit: (probe, target, feeds, range, curved) =>
      parametersOf(ownSamples(probe, target, range), feeds, curved),
  }
}

function halfWidths(parameters: Curve['parameters']): Record<string, number> {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, { value, low, high }]) => [
      name,
      (high - low) / 2 / Math.abs(value),
    ]),
  )
}
