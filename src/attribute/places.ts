/** What is remembered of a span's group and route: ordinary lengths, usual times, neighbours, steps. Fixed memory. */
import type { Span } from '../span/span.js'
import { crowdAt, createCrowdMemory, type CrowdMemory } from './crowd.js'
import { serverFirstMs, type Usual } from './direct.js'
import type { Surroundings } from './evidence.js'
import { createGroups, lazyQuantile, type Group, type LazyQuantile, type Ordinary } from './groups.js'
import { createKeyTree } from './key-tree.js'
import { createLevelWatch, type Level, type LevelWatch } from './level.js'
import { createNeighbours, type NeighbourStore, type Passage } from './neighbours.js'
import type { Known } from './known.js'
import type { Observation } from './observation.js'
import type { Pace } from './peers.js'
import { createRouteMemory, createStepWatch, type RouteMemory, type StepWatch } from './routes.js'
import { median } from '../stats/quantile.js'
import { createSketch } from './sketch.js'
import { createTurns, hasWaited, type Wait } from './turns.js'

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

const NEAR_MS = 10_000
const NEAR_MOST = 20
const WIDE_MS = 300_000
const WIDE_MOST = 12
const MOST_KEYS = 20_000
/** Groups, of some 40 kB each. */
const MOST_STATES = 2_000
/** Where a whole prompt in the cache saves less, no clock tells its share. */
const LEAST_SAVED_MS = 5
/** Usual times are told after so many spans. */
const LEAST_TOLD = 20
const LEAST_MOVED = 5
/** Log odds from which a wait was one for calls of its own service. */
const TURN = 1

interface GroupState {
  group: Group
  routes: RouteMemory
  steps: StepWatch
  crowds: CrowdMemory
  levels: { first: LevelWatch; rest: LevelWatch }
  /** Numbers of those that served it. */
  served: Set<number>
  spans: number
  queue: LazyQuantile
  outsideFirst: LazyQuantile
  outside: LazyQuantile
  /** Spans that looked as if they thought unseen, less those that did not; of about the last hundred. */
  hidden: number
  /** Share of calls that were rate limited or tried again, of about the last hundred. */
  limited: number
}

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
      ...around(observation, passage),
      turn: turnAt(waitOf(observation, passage)),
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
      const logs = logsOf(observation)
      const passage = neighbours.add(route, passageOf(observation, logs))
      const isFirst = Number.isNaN(logs.logRest)
      const log = isFirst ? logs.logFirst : logs.logRest
      const noise = isFirst ? known.ttftNoise : known.tpotNoise
      // A step is one from where the group usually is, be that off its curve.
      const usual = (isFirst ? state.levels.first : state.levels.rest).value(noise)
      const above = log - (usual?.log ?? noise.centre)
      if (!Number.isNaN(log)) state.steps.add(above / (usual?.sd ?? noise.sd), above)
      const wait = waitOf(observation, passage)
      // What was waited for a turn is no level: it goes when the calls before are fewer.
      if (wait === undefined || turns.weigh(wait) < TURN) state.levels.first.add(logs.logFirst)
      if (wait !== undefined) turns.learn(wait)
      state.levels.rest.add(logs.logRest)
      if (state.served.size < MOST_SERVED) state.served.add(route)
      const each = state.spans < EARLY_SPANS ? EACH_CROWD : EACH_LATER
      if (state.spans++ % each === 0 && !Number.isNaN(logs.logRest)) {
        const { log: ownLog, crowd } = paceOf(passage, observation.known, 0)
        state.crowds.add(ownLog - noise.centre, crowd, noise.sd)
      }
      return passage
    },
  }

  /** A wait, with the service's own calls in flight at its start; undefined where there was none, or it is told. */
  function waitOf({ span, first, known, retryMs }: Observation, passage: number): Wait | undefined {
    const { startedAtMs, queueMs } = span
    if (first === undefined || queueMs !== undefined || retryMs > 0) return undefined
    const { observedMs: firstMs, expectedMs } = first
    if (!hasWaited(firstMs, expectedMs, known.ttftNoise)) return undefined
    const before = neighbours
      .beside(passage)
      .map((other) => neighbours.at(other))
      .filter(({ startMs }) => startMs <= startedAtMs)
    return {
      firstMs,
      expectedMs,
      noise: known.ttftNoise,
      endsMs: before.map(({ endMs }) => endMs - startedAtMs),
    }
  }

  function paceOf(passage: number, known: Known, level: number): Pace {
    const at = neighbours.at(passage)
    const restMs = at.endMs - (Number.isNaN(at.logFirst) ? at.startMs : at.firstMs)
    const { firstMs: crowdFirst, restMs: crowdRest } = crowdAt(neighbours, passage, known.tpot(0))
    const crowdMs = Number.isNaN(at.logFirst) ? crowdFirst + crowdRest : crowdRest
    const expectedMs = Math.max(1, restMs / Math.exp(at.logRest))
    return {
      log: at.logRest - level,
      crowd: Math.log1p(crowdMs / expectedMs),
      crowdWeight: state.crowds.weight(),
    }
  }

  function around(
    observation: Observation,
    passage: number,
  ): Pick<Surroundings, 'near' | 'peers' | 'own' | 'crowd' | 'crowdWeight' | 'level'> {
    // What came over another route is not where the group usually is.
    const { known } = observation
    const isElsewhere = typeof changed(observation) === 'string'
    const level = isElsewhere ? NO_LEVEL : levelsOf(state.levels, known)
    const seen = new Map<number, Pace>()
    const paceAt = (each: number): Pace => {
      const pace = seen.get(each) ?? paceOf(each, known, level.rest?.log ?? 0)
      seen.set(each, pace)
      return pace
    }
    const paces = (of: readonly number[]): Pace[] => of.map(paceAt).filter(({ log }) => !Number.isNaN(log))
    const near = neighbours.near(passage, NEAR_MS, NEAR_MOST)
    const rests = paces(near).map(({ log, crowd, crowdWeight }) => log - crowd * crowdWeight)
    const firsts = near
      .map((each) => neighbours.at(each).logFirst - (level.first?.log ?? 0))
      .filter((x) => !Number.isNaN(x))
    return {
      near: { count: rests.length, rest: middle(rests), first: middle(firsts) },
      peers: paces(neighbours.near(passage, WIDE_MS, WIDE_MOST)),
      own: paceOf(passage, known, level.rest?.log ?? 0),
      crowd: crowdAt(neighbours, passage, known.tpot(0)),
      crowdWeight: state.crowds.weight(),
      level,
    }
  }
}

const NO_LEVEL = { first: undefined, rest: undefined }

/** A machine that is slower as a whole is late with its first output by that factor; what makes it later is a wait. */
function levelsOf(
  { first, rest }: GroupState['levels'],
  { ttftNoise, tpotNoise }: Known,
): { first: Level | undefined; rest: Level | undefined } {
  const ofRest = rest.value(tpotNoise)
  const ofFirst = first.value(ttftNoise)
  if (ofFirst === undefined || ofRest === undefined) return { first: undefined, rest: ofRest }
  const log = Math.min(ofFirst.log, ofRest.log)
  return { first: { log, sd: Math.min(ofFirst.sd, 2 * ttftNoise.sd) }, rest: ofRest }
}

/** Every so many spans it is looked at whether their crowds cost what is foreseen. */
const EACH_CROWD = 4
/** And so many, when so many have been seen. */
const EACH_LATER = 64
const EARLY_SPANS = 4096
const MOST_SERVED = 64

function passageOf(
  { span, known, first, expected, lengths, retryMs, blind }: Observation,
  { logFirst, logRest }: { logFirst: number; logRest: number },
): Passage {
  const startMs = span.startedAtMs + retryMs
  const endMs = span.startedAtMs + span.durationMs
  const toFirstMs = expected.base + expected.prefillFresh + expected.prefillCached
  return {
    startMs,
    firstMs: Math.min(endMs, startMs + (first === undefined ? toFirstMs : first.observedMs)),
    endMs,
    prefillMs: blind ? 0 : expected.prefillFresh + expected.prefillCached,
    contextMs: blind
      ? 0
      : Math.max(0, known.tpot(lengths.fresh + lengths.cached + lengths.visible / 2) - known.tpot(0)),
    logFirst,
    logRest,
  }
}

/** What a changed route says, and how far it is: what came over it least often stands for what it always costs. */
function movedOf(changed: string | null | undefined, outsideFirst: LazyQuantile): Usual['moved'] {
  if (typeof changed !== 'string') return undefined
  return {
    evidence: changed,
    outsideFirstMs: outsideFirst.value(LEAST_MOVED),
  }
}

function createState(group: Group): GroupState {
  return {
    group,
    routes: createRouteMemory(),
    steps: createStepWatch(),
    crowds: createCrowdMemory(),
    levels: { first: createLevelWatch(), rest: createLevelWatch() },
    served: new Set(),
    spans: 0,
    queue: lazyQuantile(createSketch(), 0.5),
    outsideFirst: lazyQuantile(createSketch(), 0.5),
    outside: lazyQuantile(createSketch(), 0.5),
    hidden: 0,
    limited: 0,
  }
}

function remember(
  observation: Observation,
  state: GroupState,
  outsideFirst: LazyQuantile,
  isElsewhere: boolean,
): void {
  const { span, lengths, warmTokens, assumed, first, retryMs } = observation
  const prompt = lengths.fresh + lengths.cached
  state.group.add({
    // As it would be with a warm prefix: a cold cache makes no prompt longer.
    fresh: assumed.includes('fresh') ? undefined : prompt - warmTokens,
    output: assumed.includes('visible') ? undefined : lengths.visible,
    reasoning: assumed.includes('visible') ? undefined : lengths.reasoning,
    cached: span.cacheReadTokens,
    prompt: assumed.includes('fresh') ? undefined : prompt,
    impliedShare: impliedShare(observation),
    duration: span.durationMs,
  })
  if (span.queueMs !== undefined) state.queue.add(span.queueMs)
  const serverTtftMs = serverFirstMs(span, first)
  if (first !== undefined && serverTtftMs !== undefined && span.ttftMs !== undefined) {
    outsideFirst.add(first.observedMs - serverTtftMs)
    // The way to another region is not what is usual.
    if (!isElsewhere) state.outsideFirst.add(first.observedMs - serverTtftMs)
  }
  if (span.serverMs !== undefined && span.serverMs !== serverTtftMs)
    state.outside.add(span.durationMs - retryMs - span.serverMs)
  if (observation.looksHidden !== undefined)
    state.hidden += (observation.looksHidden ? 1 : -1) - state.hidden / 100
  const limited = span.httpStatus === 429 || (span.attempts ?? 1) > 1 ? 1 : 0
  state.limited += (limited - state.limited) / 100
  state.routes.add(span)
}

/** Share of the prompt that must have been cached for the span to be on the curve. */
function impliedShare({
  assumed,
  blind,
  known,
  lengths,
  first,
  whole,
  hidden,
}: Observation): number | undefined {
  if (blind || !assumed.includes('cached')) return undefined
  const prompt = lengths.fresh + lengths.cached
  const savedMs = known.ttft(prompt, 0).prefillFresh - known.ttft(0, prompt).prefillCached
  const { observedMs, expectedMs } = hidden || first === undefined ? whole : first
  if (savedMs < LEAST_SAVED_MS) return undefined
  return Math.min(1, Math.max(0, lengths.cached / prompt + (expectedMs - observedMs) / savedMs))
}

function logsOf({ first, rest, whole, retryMs, blind }: Observation): {
  logFirst: number
  logRest: number
} {
  if (blind) return { logFirst: NaN, logRest: NaN }
  const log = (observedMs: number, expectedMs: number): number =>
    Math.log(Math.max(0.05, observedMs) / Math.max(0.05, expectedMs))
  if (first === undefined)
    return { logFirst: NaN, logRest: retryMs > 0 ? NaN : log(whole.observedMs, whole.expectedMs) }
  return {
    logFirst: log(first.observedMs, first.expectedMs),
    logRest: rest === undefined ? NaN : log(rest.observedMs, rest.expectedMs),
  }
}

function middle(values: readonly number[]): number {
  return values.length === 0 ? 0 : median(values)
}
