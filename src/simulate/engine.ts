/** One replica: shared-step continuous batching with chunked prefill over a paged prefix cache. No clock inside. */
import type { Engine, EngineConstants, Sequence } from './engine-state.js'
import { allocate, countHits, countIdleHits, hold, publish, releaseAll } from './kv.js'
import { addStep, longestSince } from './slow-steps.js'
import { stepMs } from './step-law.js'

/** The longest prompt and output together that can ever run: all blocks of the pool for one sequence. */
function capacityTokens(constants: EngineConstants): number {
  return constants.kvBlocks * constants.blockTokens
}

/** Puts a sequence at the end of the queue. It must fit in the pool and ask for a prompt and an output token. */
export function enqueue(engine: Engine, sequence: Sequence, nowMs: number): void {
  const { promptTokens, outputTokens } = sequence
  if (promptTokens < 1 || outputTokens < 1)
    throw new RangeError('a sequence has a prompt and an output token')
  if (promptTokens + outputTokens > capacityTokens(engine.constants)) {
    throw new RangeError(`${promptTokens} + ${outputTokens} tokens exceed the KV pool`)
  }
  sequence.enqueuedMs = nowMs
  engine.waiting.push(sequence)
}

/** Takes a sequence out, wherever it is; its blocks are free at once. */
export function cancel(engine: Engine, sequence: Sequence): void {
  const at = engine.running.indexOf(sequence)
  if (at >= 0) {
    engine.running.splice(at, 1)
    if (!sequence.decoding) engine.prefilling--
    releaseAll(engine.kv, sequence.blocks)
  }
  const queue = engine.preempted.includes(sequence) ? engine.preempted : engine.waiting
  const queued = queue.indexOf(sequence, queue === engine.waiting ? engine.waitingHead : 0)
  if (queued >= 0) queue.splice(queued, 1)
}

export function isIdle(engine: Engine): boolean {
  return engine.running.length + engine.preempted.length + engine.waiting.length - engine.waitingHead === 0
}

/**
 * One step from `nowMs`: decoding sequences first, one token each; the rest of the budget goes to prefill chunks,
 * running ones before waiting ones. `factor` times the step, beside the constant slowness. Returns how long it takes,
 * ms, or −1 when there is nothing to do. Who got a token at its end that was asked for stands in `noticed`.
 */
export function step(engine: Engine, nowMs: number, factor = 1): number {
  const { load, constants, totals } = engine
  engine.kv.nowMs = nowMs
  for (;;) {
    engine.loadedTokens = 0
    load.tokens = load.sequences = load.decodeContext = load.prefillPairs = 0
    if (engine.due.length > 0) engine.due.length = 0
    decodeRunning(engine)
    if (engine.prefilling > 0) prefillRunning(engine)
    if (load.tokens < constants.maxBatchedTokens) admitWaiting(engine, nowMs)
    if (load.tokens > 0) break
    if (engine.running.length === 0) return -1
    // Half-done prefills hold every block: the youngest gives way until the first of them can go on.
    preemptYoungest(engine)
  }
  totals.steps++
  totals.batch += load.sequences
  const noise = constants.noise === 0 ? 0 : constants.noise * engine.random.normal()
  const aloneMs = stepMs(constants, load) + engine.loadedTokens * constants.hitUs * 1e-3
  const durationMs = aloneMs * constants.slowness * factor * Math.max(0.1, 1 + noise)
  addStep(engine.slowSteps, totals.steps, durationMs)
  finish(engine, nowMs + durationMs)
  return durationMs
}

function decodeRunning(engine: Engine): void {
  const { running, load, kv, due } = engine
  const { blockTokens, maxBatchedTokens } = engine.constants
  let i = 0
  for (; i < running.length && load.tokens < maxBatchedTokens; i++) {
    const sequence = running[i]!
    if (!sequence.decoding) continue
    if (sequence.computed === sequence.capacity) {
      let block = allocate(kv)
      // The youngest stands last, so it has no token in this step yet.
      while (block < 0 && i < running.length) {
        preemptYoungest(engine)
        block = i < running.length ? allocate(kv) : -1
      }
      if (block < 0) break
      sequence.blocks.push(block)
      sequence.capacity += blockTokens
    }
    sequence.computed++
    load.tokens++
    load.sequences++
    load.decodeContext += sequence.computed
    if (++sequence.generated >= sequence.notice || sequence.held) due.push(sequence)
  }
  engine.totals.decoded += load.sequences
  for (; i < running.length; i++) if (running[i]!.decoding) pause(engine, running[i]!)
}

/** It has no token in the step that begins now. */
function pause(engine: Engine, sequence: Sequence): void {
  if (sequence.held || sequence.generated === 0) return
  sequence.held = true
  sequence.heldMs = engine.kv.nowMs
  bookGaps(engine, sequence)
}

/** Takes in the steps that gave it a token each, one after another. */
function bookGaps({ slowSteps }: Engine, sequence: Sequence): void {
  sequence.gapMaxMs = Math.max(sequence.gapMaxMs, longestSince(slowSteps, sequence.sinceStep + 1))
}

function prefillRunning(engine: Engine): void {
  for (const sequence of engine.running) {
    if (sequence.decoding) continue
    const budget = engine.constants.maxBatchedTokens - engine.load.tokens
    if (budget <= 0) return
    prefillChunk(engine, sequence, budget)
  }
}

/**
 * Prefills as much as the budget and the free blocks allow, perhaps nothing. Whole blocks can be found at once, by a
 * sequence admitted to this same step too: the step writes them before anybody reads (vLLM V1 does the same).
 */
function prefillChunk(engine: Engine, sequence: Sequence, budget: number): void {
  const { kv, load } = engine
  const { blockTokens } = engine.constants
  const done = sequence.computed
  const room = (sequence.blocks.length + kv.free) * blockTokens - done
  const chunk = Math.min(sequence.target - done, budget, room)
  if (chunk <= 0) return
  const end = done + chunk
  while (sequence.blocks.length * blockTokens < end) sequence.blocks.push(allocate(kv))
  const whole = Math.min(Math.floor(end / blockTokens), sequence.hashes.length)
  for (let i = Math.floor(done / blockTokens); i < whole; i++) {
    publish(kv, sequence.blocks[i]!, sequence.hashes[i]!)
  }
  sequence.computed = end
  load.tokens += chunk
  engine.totals.prefilled += chunk
  load.sequences++
  load.prefillPairs += chunk * (done + chunk / 2)
  if (end === sequence.target) {
    engine.prefilling--
    sequence.decoding = true
    sequence.capacity = sequence.blocks.length * blockTokens
    sequence.generated++
    engine.totals.decoded++
    engine.due.push(sequence)
  }
}

function admitWaiting(engine: Engine, nowMs: number): void {
  const { kv, running, load } = engine
  const { blockTokens, maxBatchedTokens, maxSequences } = engine.constants
  while (running.length < maxSequences && load.tokens < maxBatchedTokens) {
    const sequence = engine.preempted.at(-1) ?? engine.waiting[engine.waitingHead]
    if (!sequence) return
    // The last token is always computed: its output is what the first token is drawn from.
    const limit = Math.floor((sequence.target - 1) / blockTokens)
    const found = sequence.missesCache ? 0 : countHits(kv, sequence.hashes, limit)
    const hits = Math.floor(usableTokens(engine.constants, found * blockTokens) / blockTokens)
    const granted = Math.min(Math.floor(sequence.grantedTokens / blockTokens), limit)
    const cached = Math.max(hits, granted) * blockTokens
    const chunk = Math.min(sequence.target - cached, maxBatchedTokens - load.tokens)
    const wanted = Math.ceil((cached + chunk) / blockTokens) - hits
    if (wanted + countIdleHits(kv, hits) > kv.free) return
    dequeue(engine)
    for (let i = 0; i < hits; i++) {
      const block = kv.found[i]!
      hold(kv, block)
      sequence.blocks.push(block)
    }
    for (let i = hits; i < granted; i++) {
      const block = allocate(kv)
      sequence.blocks.push(block)
      if (i < sequence.hashes.length) publish(kv, block, sequence.hashes[i]!)
    }
    sequence.computed = cached
    engine.loadedTokens += cached
    engine.totals.cached += cached
    if (Number.isNaN(sequence.startedMs)) {
      sequence.startedMs = nowMs
      sequence.cachedTokens = cached
    }
    running.push(sequence)
    engine.prefilling++
    prefillChunk(engine, sequence, chunk)
  }
}

/** How many of the tokens that were found in the cache the rules of the service let through. */
export function usableTokens(
  { cacheMinTokens, cacheStepTokens }: Pick<EngineConstants, 'cacheMinTokens' | 'cacheStepTokens'>,
  found: number,
): number {
  const cached = Math.floor(found / cacheStepTokens) * cacheStepTokens
  return cached >= cacheMinTokens ? cached : 0
}

function dequeue(engine: Engine): void {
  if (engine.preempted.pop()) return
  engine.waitingHead++
  // The dead part is cut off when it is long and most of the array: amortised constant time.
  if (engine.waitingHead > 1024 && engine.waitingHead * 2 > engine.waiting.length) {
    engine.waiting = engine.waiting.slice(engine.waitingHead)
    engine.waitingHead = 0
  }
}

/** Preemption by recompute: blocks are given back, and the prompt and what was generated are prefilled again. */
function preemptYoungest(engine: Engine): void {
  const sequence = engine.running.pop()
  if (!sequence) return
  if (!sequence.decoding) engine.prefilling--
  pause(engine, sequence)
  releaseAll(engine.kv, sequence.blocks)
  sequence.computed = 0
  sequence.target = sequence.promptTokens + sequence.generated
  sequence.decoding = false
  sequence.preemptions++
  engine.totals.preemptions++
  engine.preempted.push(sequence)
}

/** Books what the end of the step brings; who has all of its output leaves, and its blocks stay findable. */
function finish(engine: Engine, endMs: number): void {
  const { due, noticed, totals } = engine
  let ended = 0
  engine.kv.nowMs = endMs
  if (noticed.length > 0) noticed.length = 0
  for (const sequence of due) {
    if (sequence.generated === 1) {
      sequence.firstTokenMs = endMs
      sequence.sinceStep = totals.steps
    } else if (sequence.held) {
      sequence.gapMaxMs = Math.max(sequence.gapMaxMs, endMs - sequence.heldMs)
      sequence.held = false
      sequence.sinceStep = totals.steps
    }
    if (sequence.generated >= sequence.notice) noticed.push(sequence)
    if (sequence.generated < sequence.outputTokens) continue
    bookGaps(engine, sequence)
    sequence.endMs = endMs
    releaseAll(engine.kv, sequence.blocks)
    ended++
  }
  if (ended === 0) return
  let kept = 0
  for (const sequence of engine.running) if (Number.isNaN(sequence.endMs)) engine.running[kept++] = sequence
  engine.running.length = kept
}
