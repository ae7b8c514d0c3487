// @ts-check
/** Holds attributions of requests to a real engine against what the engine itself says of them. */

/**
 * @typedef {import('./load.mjs').Record} Record
 * @typedef {Record & { queueMs: number, frontMs: number }} Truth
 * @typedef {{
 *   spanId: string, durationMs: number, phases: { [phase: string]: number },
 *   verdict: string, causes: { cause: string, ms: number }[],
 * }} Attribution
 * @typedef {{ name: string, passed: boolean, figures: string }} Check
 */

const QUEUED_MS = 1000
const LEAST_NAMED = 0.95
const MOST_ERROR = 0.15
/** As DESIGN lists causes: from 50 ms and a tenth of the call up. */
const LISTED = { ms: 50, share: 0.1 }

/**
 * What the engine says: the queue is what of the first-token time neither its prefill nor the way to it explains.
 * @param {Record[]} records @param {number} frontMs what the way and the front end take, from an idle engine
 * @returns {Truth[]}
 */
export function truthOf(records, frontMs) {
  return records.map((record) => {
    const outsideMs = Math.max(0, record.ttftMs - record.promptMs)
    return { ...record, queueMs: Math.max(0, outsideMs - frontMs), frontMs: Math.min(frontMs, outsideMs) }
  })
}

/**
 * @param {string} kind @param {Truth[]} truths @param {(index: number) => Attribution | undefined} find
 * @returns {Check[]}
 */
export function judgeSpans(kind, truths, find) {
  const pairs = truths.flatMap((truth, index) => {
    const found = find(index)
    return found === undefined ? [] : [{ truth, found }]
  })
  const queued = pairs.filter(({ truth }) => truth.queueMs > QUEUED_MS)
  const named = queued.filter(({ found }) => found.causes.some(({ cause }) => cause === 'queueing')).length
  const first = queued.filter(({ found }) => found.verdict === 'queueing').length
  const calm = pairs.filter(
    ({ truth }) => truth.queueMs < Math.max(LISTED.ms, LISTED.share * truth.durationMs),
  )
  const accused = calm.filter(({ found }) => found.causes.some(({ cause }) => cause === 'queueing')).length
  const errors = pairs.map(({ truth, found }) => phaseError(truth, found)).sort((a, b) => a - b)
  const error = errors[Math.floor(errors.length / 2)] ?? NaN
  return [
    {
      name: `${kind}: queueing is named where a call queued for over a second: more than 95 %`,
      passed: queued.length > 0 && named / queued.length > LEAST_NAMED,
      figures: `${named} of ${queued.length} (as the largest cause ${first}); of ${calm.length} that hardly queued ${accused}`,
    },
    {
      name: `${kind}: time in the wrong phase, median: under 15 % of the call`,
      passed: pairs.length === truths.length && error < MOST_ERROR,
      figures: `${(100 * error).toFixed(1)} %, 90th percentile ${(100 * (errors[Math.floor(0.9 * errors.length)] ?? NaN)).toFixed(1)} %, of ${errors.length} calls`,
    },
  ]
}

/** Half of all that differs, as a share of the call: what is missing in one phase is too much in another. @param {Truth} truth @param {Attribution} found */
function phaseError({ queueMs, frontMs, promptMs, ttftMs, durationMs }, { phases, durationMs: told }) {
  // A server's span has not seen the way to it.
  const network = Math.max(0, frontMs - (durationMs - told))
  const truth = { network, queue: queueMs, prefill: promptMs, decode: durationMs - ttftMs }
  const {
    network: a = 0,
    queue: b = 0,
    prefillFresh = 0,
    prefillCached = 0,
    reasoning = 0,
    decode = 0,
  } = phases
  const { client = 0, retry = 0 } = phases
  const off =
    Math.abs(a - truth.network) +
    Math.abs(b - truth.queue) +
    Math.abs(prefillFresh + prefillCached - truth.prefill) +
    Math.abs(decode + reasoning - truth.decode) +
    client +
    retry
  return off / 2 / told
}
