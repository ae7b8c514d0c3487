/** What is known of the surroundings of a span: its neighbours in time and place, its route, its group. */
import type { Crowd } from './crowd.js'
import type { Level } from './level.js'
import type { Pace } from './peers.js'

/** Log ratios are of observed to expected. */
export interface Surroundings {
  /** Spans on the same route within seconds: number, and median log ratio of the rest of the stream and of the first output, less level and crowd. */
  near: { count: number; rest: number; first: number }
  /** Spans on other machines of the fleet within minutes: number, and median log ratio of the rest, less crowd. */
  elsewhere: { count: number; rest: number }
  /** Pace of the spans nearest in time on the route, within minutes, behind their first output. */
  peers: readonly Pace[]
  /** Its own pace. */
  own: Pace
  /** What calls beside it should have cost it, and the probability that calls of its group cost each other that. */
  crowd: Crowd
  crowdWeight: number
  level: { first: Level | undefined; rest: Level | undefined }
  /** Routes that served its group so far. */
  routes: number
  /** Log odds that the wait before the first output was one for calls of its own service (`turns.ts`). */
  turn: number
  /** Own calls in flight at its start, where it waited longer than they foresee, and what such waits usually follow. */
  overlap: { inFlight: number; logOdds: number; share: number } | undefined
  /** The route itself is told (a replica), not only guessed from a backend or a region. */
  replicaKnown: boolean
  /** Which route fact is another one than before, in words; null where none is, undefined where none is told. */
  routeChanged: string | null | undefined
  /** A persistent step in the log ratio of the group: its size, or 0. */
  step: number
  /** Share of the group's calls, in the long run, whose stream was slow. */
  slowShare: number
  /** The group was seen at the pace of its baseline before: only then can it have changed. */
  wasWell: boolean
  /** Share of the group's last hundred spans, about, with a rate-limit status. */
  limited: number
}
