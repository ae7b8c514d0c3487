/** Places of spans, a group on a route each: what is remembered of both. Fixed memory. */
import type { Span } from '../span/span.js'
import type { Usual } from './direct.js'
import type { Surroundings } from './evidence.js'
import { createState, remember, type GroupState } from './group-state.js'
import { createGroups, lazyQuantile, type LazyQuantile, type Ordinary } from './groups.js'
import { createKeyTree } from './key-tree.js'
import type { Known } from './known.js'
import { fillPassage, lookAround, paceOf, waitOf } from './neighbourhood.js'
import { createNeighbours, type NeighbourStore, type Passage } from './neighbours.js'
import type { Observation } from './observation.js'
import { createSketch } from './sketch.js'
import { createTurns, type Wait } from './turns.js'

/** Of one group on one route. */
export interface Place {
  ordinary(): Ordinary
  /** Tokens that the prompt of this span usually finds in the cache. */
  usualCached(span: Span): number | undefined
  /** Whether reasoning is over before the first output, as most spans of the group look. */
  hides(): boolean | undefined
  usual(observation: Observation): Usual
  /** `passage`: the number that it was given. */
  surroundings(observation: Observation, passage: number): Surroundings
  /** Gives its number among the passages. */
  add(observation: Observation): number
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
/** Log odds from which a wait was one for calls of its own service. */
const TURN = 1

export function createPlaces(): Places {
  const groups = createGroups()
  const states = new Map<string, GroupState>()
  const neighbours = createNeighbours()
  const routes = new Map<string, number>()
  let places = createKeyTree<Place>(MOST_KEYS)
  let lastRoute = 0
  const numberOf = (key: string): number => {
    const known = routes.get(key)
    if (known !== undefined) return known
    if (routes.size >= MOST_KEYS) routes.clear()
    routes.set(key, ++lastRoute)
    return lastRoute
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
      const route = `${model ?? ''}\n${region ?? ''}\n${backend ?? ''}\n${replica ?? ''}`
      const group = `${service ?? ''}\n${operation}\n${model ?? ''}`
      const place = createPlace(stateOf(group), numberOf(route), neighbours)
      places.set(row, place)
      return place
    },
  }
}

function createPlace(state: GroupState, route: number, neighbours: NeighbourStore): Place {
  const { group } = state
  /** Client's first-token time less the server's, on this route. */
  const outsideFirst = lazyQuantile(createSketch(), 0.5)
  const turns = createTurns()
  const turnAt = (wait: Wait | undefined): number => (wait === undefined ? 0 : turns.weigh(wait))
  let judgedBy: Known | undefined
  let change: string | null | undefined
  /** What was judged before the group knew its routes does not stand. */
  let isFinal = false
  /** All spans of a place have the same route facts. */
  const changed = ({ span, known }: Observation): string | null | undefined => {
    if (judgedBy !== known || !isFinal) {
      isFinal = state.routes.isSettled()
      change = state.routes.changed(span, known)
      judgedBy = known
    }
    return change
  }
  return {
    ordinary: group.ordinary,
    usualCached(span) {
      if (span.cacheReadTokens !== undefined) return group.usualCached()
      const share = group.impliedShare()
      return share === undefined || span.inputTokens === undefined
        ? group.usualCached()
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
    surroundings: (observation, passage) => ({
      ...lookAround(
        { neighbours, state, isElsewhere: typeof changed(observation) === 'string' },
        observation,
        passage,
      ),
      turn: turnAt(waitOf(neighbours, observation, passage)),
      routes: state.served.size,
      replicaKnown: observation.span.replica !== undefined,
      routeChanged: changed(observation),
      step: state.steps.step(),
      wasWell: state.steps.hasBeenWell(),
      limited: state.limited,
    }),
    add(observation) {
      remember(observation, state, outsideFirst, typeof changed(observation) === 'string')
      const { known } = observation
      fillPassage(latest, observation)
      const { logFirst, logRest } = latest
      const passage = neighbours.add(route, latest)
      const isFirst = Number.isNaN(logRest)
      const log = isFirst ? logFirst : logRest
      const noise = isFirst ? known.ttftNoise : known.tpotNoise
      // A step is one from where the group usually is, be that off its curve.
      const usual = (isFirst ? state.levels.first : state.levels.rest).value(noise)
      const above = log - (usual?.log ?? noise.centre)
      if (!Number.isNaN(log)) state.steps.add(above / (usual?.sd ?? noise.sd), above)
      const wait = waitOf(neighbours, observation, passage)
      // What was waited for a turn is no level: it goes when the calls before are fewer.
      if (wait === undefined || turns.learn(wait) < TURN) state.levels.first.add(logFirst)
      state.levels.rest.add(logRest)
      if (state.served.size < MOST_SERVED) state.served.add(route)
      const each = state.spans < EARLY_SPANS ? EACH_CROWD : EACH_LATER
      if (state.spans++ % each === 0 && !Number.isNaN(logRest)) {
        const { log: ownLog, crowd } = paceOf({ neighbours, crowdWeight: 0 }, passage, observation.known, 0)
        state.crowds.add(ownLog - noise.centre, crowd, noise.sd)
      }
      return passage
    },
  }
}

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
const MOST_SERVED = 64

/** What a changed route says, and how far it is: what came over it least often stands for what it always costs. */
function movedOf(changed: string | null | undefined, outsideFirst: LazyQuantile): Usual['moved'] {
  if (typeof changed !== 'string') return undefined
  return {
    evidence: changed,
    outsideFirstMs: outsideFirst.value(LEAST_MOVED),
  }
}
