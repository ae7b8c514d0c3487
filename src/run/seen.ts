/** What an adaptive probe is shown: its cells so far, and how narrow the curve that it feeds has become. */
import { fitCurves } from '../curve/fit-curves.js'
import type { Condition } from '../plan/cell.js'
import type { Law, Seen } from '../plan/probe.js'
import type { VisitBlock } from '../plan/visit.js'
import type { Random } from '../random/random.js'
import type { Sample } from '../sample/sample.js'
import { cellsSeen } from './summarise.js'

export interface SeenKeeper {
  /** A block of visits has been run. */
  note(block: VisitBlock): void
  of(probe: string, target: string, feeds: Law | null, blocks: readonly [first: number, end: number]): Seen
}

export function createSeen(samples: () => readonly Sample[], random: Random): SeenKeeper {
  const conditions = new Map<string, Condition>()
  const run = new Map<string, Set<number>>()
  const key = (probe: string, target: string): string => JSON.stringify([probe, target])
  return {
    note({ probe, block, visits }) {
      for (const visit of visits)
        for (const request of visit.chains.flat()) conditions.set(request.cell, request.condition)
      for (const { target } of visits) {
        const known = run.get(key(probe, target)) ?? new Set()
        run.set(key(probe, target), known.add(block))
      }
    },
    of(probe, target, feeds, [first, end]) {
      const isOwn = (block: number): boolean => block >= first && block < end
      const own = samples().filter(
        (sample) => sample.probe === probe && sample.target === target && isOwn(sample.block),
      )
      return {
        blocks: [...(run.get(key(probe, target)) ?? [])].filter(isOwn).length,
        cells: cellsSeen(own, conditions),
        halfWidths: feeds === null ? {} : halfWidths(own, feeds, random),
      }
    },
  }
}

function halfWidths(samples: readonly Sample[], law: Law, random: Random): Record<string, number> {
  const curve = fitCurves(samples, {
    random: random.fork(String(samples.length)),
    resamples: 199,
  }).curves.find((each) => each.law === law)
  const parameters = Object.entries(curve?.parameters ?? {})
  return Object.fromEntries(
    parameters.map(([name, { value, low, high }]) => [name, (high - low) / 2 / Math.abs(value)]),
  )
}
