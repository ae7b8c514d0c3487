/** What an adaptive probe is shown: its cells so far, and how narrow the curve that it feeds has become. */
import { fitCurves } from '../curve/fitCurves.js'
import type { Condition } from '../plan/cell.js'
import type { Law, Seen } from '../plan/probe.js'
import type { VisitBlock } from '../plan/visit.js'
import type { Random } from '../random/random.js'
import type { Sample } from '../sample/sample.js'
import { cellsSeen } from './summarise.js'

export interface SeenKeeper {
  /** A block of visits has been run. */
  note(block: VisitBlock): void
  of(probe: string, target: string, feeds: Law | null): Seen
}

export function createSeen(samples: () => readonly Sample[], random: Random): SeenKeeper {
  const conditions = new Map<string, Condition>()
  const blocks = new Map<string, number>()
  const key = (probe: string, target: string): string => JSON.stringify([probe, target])
  return {
    note({ probe, visits }) {
      for (const visit of visits)
        for (const request of visit.chains.flat()) conditions.set(request.cell, request.condition)
      for (const target of new Set(visits.map((visit) => visit.target)))
        blocks.set(key(probe, target), (blocks.get(key(probe, target)) ?? 0) + 1)
    },
    of(probe, target, feeds) {
      const own = samples().filter((sample) => sample.probe === probe && sample.target === target)
      return {
        blocks: blocks.get(key(probe, target)) ?? 0,
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
