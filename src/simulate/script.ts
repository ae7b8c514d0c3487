/** What goes in and what comes out of one request: the prompt as the cache sees it, the answer token by token. */
import type { Random } from '../random/random.js'
import type { Script } from './answer.js'
import type { Counted } from './count.js'
import type { Ask, Face } from './face.js'
import type { Fault } from './faults.js'
import { solve, solveWrongly } from './solve.js'
import { argumentPieces, CALL_TOKENS } from './tools.js'
import { createAccentedWords, createWords } from './words.js'

/**
 * The prompt as the cache sees it. Where the request marks what to keep, nothing beyond the mark is found or kept, and
 * what is too short for the cache is not marked at all. A prompt that a face truncates loses its start, so that none of
 * its blocks is the same as before.
 */
export function promptOf(
  { face, ask, counted }: { readonly face: Face; readonly ask: Ask; readonly counted: Counted },
  limit: number,
  cache: { readonly blockTokens: number; readonly cacheStepTokens: number; readonly cacheMinTokens: number },
): Counted {
  const outputTokens = ask.outputTokens ?? 1
  if (face.truncates && counted.promptTokens + outputTokens > limit) {
    return { promptTokens: limit - outputTokens, hashes: new Float64Array(0), markedTokens: 0 }
  }
  if (ask.cacheLifetime === undefined) return counted
  const { blockTokens, cacheStepTokens: step, cacheMinTokens } = cache
  const whole = Math.floor(Math.min(counted.markedTokens, counted.promptTokens - 1) / step) * step
  const markedTokens = whole >= cacheMinTokens ? whole : 0
  return {
    ...counted,
    markedTokens,
    hashes: counted.hashes.slice(0, Math.floor(markedTokens / blockTokens)),
  }
}

/** How long the answer is, what it says and how it ends. */
export function writeScript(
  ask: Ask,
  room: number,
  usualTokens: number,
  fault: Fault,
  random: Random,
): Script {
  const wanted = ask.outputTokens ?? Math.min(usualTokens, room)
  const reasoningTokens = Math.min(ask.reasoning.tokens, wanted)
  const { tool } = ask
  const callTokens = tool ? Math.min(CALL_TOKENS, wanted - reasoningTokens) : 0
  const callsTool = callTokens > 0
  const prompt = ask.turns.at(-1)?.text ?? ''
  const solved = tool ? undefined : fault.wrongAnswer ? solveWrongly(prompt) : solve(prompt)
  if (solved) return answerScript(ask, wanted, reasoningTokens, solved, random)
  const words = fault.splitsUtf8 ? createAccentedWords(random) : createWords(random)
  const pieces = tool && callsTool ? argumentPieces(tool, callTokens, words) : []
  return {
    outputTokens: callsTool ? reasoningTokens + callTokens : wanted,
    reasoningTokens,
    shown: ask.reasoning.shown,
    reason: callsTool ? 'tool' : ask.outputTokens === undefined ? 'stop' : 'length',
    text: (index) => (callsTool && index >= reasoningTokens ? pieces[index - reasoningTokens]! : words()),
    callsTool,
  }
}

/** The answer to a question ends where it is given, or at the limit. */
function answerScript(
  ask: Ask,
  wanted: number,
  reasoningTokens: number,
  pieces: readonly string[],
  random: Random,
): Script {
  const words = createWords(random)
  const whole = reasoningTokens + pieces.length
  return {
    outputTokens: Math.min(wanted, whole),
    reasoningTokens,
    shown: ask.reasoning.shown,
    reason: whole <= wanted ? 'stop' : 'length',
    text: (index) => pieces[index - reasoningTokens] ?? words(),
    callsTool: false,
  }
}
