/** Places of spans, a group on a route each: what is remembered of both. Fixed memory. */
import type { Span } from '../span/span.js'
import type { Crowd } from './crowd.js'
import type { Usual } from './direct.js'
import { createState, remember, type GroupState } from './group-state.js'
import { createGroups, lazyQuantile, type LazyQuantile, type Ordinary } from './groups.js'
import { createKeyTree } from './key-tree.js'
import type { Known } from './known.js'
import { fillPassage, lookAround, overlapOf, paceOf, waitOf } from './neighbourhood.js'
import { createNeighbours, type NeighbourStore, type Passage, type Where } from './neighbours.js'
import type { Noise } from './noise.js'
import type { Observation } from './observation.js'
import { createSketch } from './sketch.js'
import type { Surroundings } from './surroundings.js'
import { createTurns, hasWaited, type Wait } from './turns.js'

/** Of one group on one route. */
export interface Place {
  ordinary(): Ordinary
  /** Too few calls of its group were seen to know what is usual there. */
  isNew(): boolean
  /** Tokens that the prompt of this span usually finds in the cache; `isFirst`: it begins a conversation. */
  usualCached(span: Span, isFirst: boolean): number | undefined
  /** Whether reasoning is over before the first output, as most spans of the group look. */
  hides(): boolean | undefined
  usual(observation: Observation): Usual
  /** `passage`: the number that it was given. */
  surroundings(observation: Observation, passage: number): Surroundings
  /** Gives its number among the passages. */
  add(observation: Observation, isFirst: boolean): number
}

export interface Places {
  of(span: Span): Place
}

const MOST_KEYS = 20_000
/** Groups, of some 40 kB each. */
const MOST_STATES = 2_000
/** Usual times are told after so many spans. */
const LEAST_TOLD = 20
const LEAST_MOVED = 5
const NEW_SPANS = 60
/** Log ratio. */
const WELL = Math.log(1.1)
const MOSTLY_WELL = 0.5
const KEEP = 0.99
/** Log odds from which a wait was one for calls of its own service. */
const TURN = 1

export function createPlaces(): Places {
  const groups = createGroups()
  const states = new Map<string, GroupState>()
  const neighbours = createNeighbours()
  /** Of routes, fleets and machines. */
  const numbers = new Map<string, number>()
  let places = createKeyTree<Place>(MOST_KEYS)
  let last = 0
  const numberOf = (key: string): number => {
    const known = numbers.get(key)
    if (known !== undefined) return known
    if (numbers.size >= MOST_KEYS) numbers.clear()
    numbers.set(key, ++last)
    return last
  }
  const stateOf = (key: string): GroupState => {
    const known = states.get(key)
    if (known !== undefined) return known
    if (states.size >= MOST_STATES) {
      states.clear()
      places = createKeyTree<Place>(MOST_KEYS) // they hold their groups
    }
    const state = createState(groups(key))
    states.set(key, state)
    return state
  }

  return {
    of({ service, operation, modelRequested, modelServed, region, backend, replica }) {
      const model = modelRequested ?? modelServed
      const row = [service, operation, modelServed, model, region, backend, replica]
      const known = places.find(row)
      if (known !== undefined) return known
      const fleet = model ?? ''
      const route = `${fleet}\n${region ?? ''}\n${backend ?? ''}\n${replica ?? ''}`
      const group = `${service ?? ''}\n${operation}\n${model ?? ''}`
      const where = {
        route: numberOf(route),
        fleet: numberOf(`fleet ${fleet}`),
        machine: replica === undefined ? 0 : numberOf(`machine ${fleet}\n${replica}`),
      }
      const place = createPlace(stateOf(group), where, neighbours)
      places.set(row, place)
      return place
    },
  }
}

function createPlace(state: GroupState, where: Where, neighbours: NeighbourStore): Place {
  const { group } = state
  /** Client's first-token time less the server's, on this route. */
  const outsideFirst = lazyQuantile(createSketch(), 0.5)
  const turns = createTurns()
  let judgedBy: Known | undefined
  let change: string | null | undefined
  /** What was judged before the group knew its routes does not stand. */
  let isFinal = false
  /** Calls of this place, and those of them that were no slower than the curve has them; of about the last hundred. */
  let [calls, well] = [0, 0]
  /** All spans of a place have the same route facts. */
  const changed = ({ span, known }: Observation): string | null | undefined => {
    if (judgedBy !== known || !isFinal) {
      isFinal = state.routes.isSettled()
      change = state.routes.changed(span, known)
      judgedBy = known
    }
    // Another route that serves most calls as ever slows none: a fingerprint, say, that is not the one of the baseline.
    return typeof change === 'string' && calls >= LEAST_MOVED && well > MOSTLY_WELL * calls ? null : change
  }
  const waitAt = (wait: Wait | undefined, crowd: Crowd): Pick<Surroundings, 'turn' | 'overlap'> => {
    if (wait === undefined) return NO_WAIT
    const turn = turns.weigh(wait)
    const inFlight = wait.endsMs.length
    const logOdds = state.overlaps.weigh(inFlight)
    const waited = hasWaited(wait.firstMs, wait.expectedMs + crowd.firstMs, wait.noise)
    return {
      // Ends that fall in with a wait by chance are many; calls that went by as many others without a wait tell.
      turn: turn > 0 ? Math.max(0, turn + Math.min(0, logOdds)) : turn,
      overlap:
        waited && logOdds > 0 ? { inFlight, logOdds, share: state.overlaps.share(inFlight) } : undefined,
    }
  }
  return {
    ordinary: group.ordinary,
    isNew: () => state.spans < NEW_SPANS,
    usualCached(span, isFirst) {
      if (span.cacheReadTokens !== undefined) return group.usualCached(span.inputTokens, isFirst)
      const share = group.impliedShare()
      return share === undefined || span.inputTokens === undefined
        ? group.usualCached(span.inputTokens, false)
        : // What makes a prompt longer than usual is not in the cache.
          share * Math.min(span.inputTokens, group.ordinary().prompt ?? Infinity)
    },
    hides: () => (state.hidden === 0 ? undefined : state.hidden > 0),
    usual: (observation) => ({
      queueMs: state.queue.value(LEAST_TOLD),
      outsideFirstMs: state.outsideFirst.value(LEAST_TOLD),
      outsideMs: state.outside.value(LEAST_TOLD),
      moved: movedOf(changed(observation), outsideFirst),
    }),
    surroundings(observation, passage) {
      const routeChanged = changed(observation)
      const isElsewhere = typeof routeChanged === 'string'
      const around = lookAround({ neighbours, state, isElsewhere }, observation, passage)
      return {
        ...around,
        ...waitAt(waitOf(neighbours, observation, passage), around.crowd),
        routes: state.served.size,
        replicaKnown: observation.span.replica !== undefined,
        routeChanged,
        step: state.steps.step(),
        wasWell: state.steps.hasBeenWell(),
        slowShare: Math.min(MOST_SLOW, state.slow),
        limited: state.limited,
      }
    },
    add(observation, isFirst) {
      remember(observation, state, {
        outsideFirst,
        isElsewhere: typeof changed(observation) === 'string',
        isFirst,
      })
      const { known } = observation
      fillPassage(latest, observation)
      const { logFirst, logRest } = latest
      const passage = neighbours.add(where, latest)
      calls = calls * KEEP + 1
      well = well * KEEP + (isWell(logFirst, known.ttftNoise) && isWell(logRest, known.tpotNoise) ? 1 : 0)
      const isWhole = Number.isNaN(logRest)
      const log = isWhole ? logFirst : logRest
      const noise = isWhole ? known.ttftNoise : known.tpotNoise
      // A step is one from where the group usually is, be that off its curve.
      const usual = (isWhole ? state.levels.first : state.levels.rest).value(noise)
      const above = log - (usual?.log ?? noise.centre)
      if (!Number.isNaN(log)) state.steps.add(above / (usual?.sd ?? noise.sd), above)
      const wait = waitOf(neighbours, observation, passage)
      // What was waited for a turn is no level: it goes when the calls before are fewer.
      if (wait === undefined || turns.learn(wait) < TURN) state.levels.first.add(logFirst)
      state.levels.rest.add(logRest)
      if (!isWhole) state.slow += ((above > Math.max(SLOW, 3 * noise.sd) ? 1 : 0) - state.slow) / LONG_RUN
      if (state.served.size < MOST_SERVED) state.served.add(where.route)
      const each = state.spans < EARLY_SPANS ? EACH_CROWD : EACH_LATER
      if (state.spans++ % each === 0 && !Number.isNaN(logRest)) {
        const { log: ownLog, crowd } = paceOf({ neighbours, crowdWeight: 0 }, passage, known, 0)
        state.crowds.add(ownLog - noise.centre, crowd, noise.sd)
      }
      if (state.spans < EARLY_OVERLAPS || state.spans % EACH_LATER === 0) {
        const overlap = overlapOf(neighbours, observation, passage)
        if (overlap !== undefined) state.overlaps.add(overlap.inFlight, overlap.waited)
      }
      return passage
    },
  }
}

const NO_WAIT = { turn: 0, overlap: undefined } as const

/** Filled anew for each span: a new object for each would cost more than what is done with it. */
const latest: Passage = {
  startMs: NaN,
  firstMs: NaN,
  endMs: NaN,
  prefillMs: NaN,
  contextMs: NaN,
  logFirst: NaN,
  logRest: NaN,
}

/** Every so many spans it is looked at whether their crowds cost what is foreseen. */
const EACH_CROWD = 4
/** And so many, when so many have been seen. */
const EACH_LATER = 64
const EARLY_SPANS = 4096
const EARLY_OVERLAPS = 512
const MOST_SERVED = 64
/** Log ratio of a slow stream; what is slow for longer than this many calls is usual, up to a share. */
const SLOW = Math.log(1.15)
const LONG_RUN = 300
const MOST_SLOW = 0.25

/** Within a tenth of the curve, or a standard deviation of its scatter; also where it is not told. */
function isWell(log: number, { centre, sd }: Noise): boolean {
  return !(log - centre > Math.max(WELL, sd))
}

/** What a changed route says, and how far it is: what came over it least often stands for what it always costs. */
function movedOf(changed: string | null | undefined, outsideFirst: LazyQuantile): Usual['moved'] {
  if (typeof changed !== 'string') return undefined
  return {
    evidence: changed,
    outsideFirstMs: outsideFirst.value(LEAST_MOVED),
  }
}
