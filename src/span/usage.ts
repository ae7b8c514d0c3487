/** Token counts as Plumbline counts: input with the cache, output with reasoning, and no 0 that nobody counted. */
import { exclusive } from './dialects.js'
import { cite, derivedSource, doubt, note, peekFlag, peekNumber, sourceOf, takeNumber } from './pick.js'
import type { Picker } from './pick.js'
import { slotIndex as at } from './rules.js'

export interface Usage {
  inputTokens: number | undefined
  cacheReadTokens: number | undefined
  cacheWriteTokens: number | undefined
  outputTokens: number | undefined
  reasoningTokens: number | undefined
}

const inputPlusCache = derivedSource('inputTokens', 'input + cache')
const outputPlusReasoning = derivedSource('outputTokens', 'output + reasoning')

/** `isFailed`: a call that failed has no output to count. */
export function readUsage(
  picker: Picker,
  dialect: string,
  isStreaming: boolean | undefined,
  isFailed: boolean,
): Usage {
  const cacheReadTokens = takeNumber(picker, at.cacheReadTokens)
  const cacheWriteTokens = takeNumber(picker, at.cacheWriteTokens)
  const reasoningTokens = takeNumber(picker, at.reasoningTokens)
  let inputTokens = peekNumber(picker, at.inputTokens)
  let outputTokens = peekNumber(picker, at.outputTokens)

  // A stream without usage is told as 0 tokens by some: that is no fact.
  if (!isFailed && outputTokens === 0 && (isStreaming === true || !inputTokens)) {
    outputTokens = undefined
    if (inputTokens === 0) inputTokens = undefined
    doubt(picker, 'usage-missing')
  } else if (!isFailed && isStreaming === true && outputTokens === undefined) doubt(picker, 'usage-missing')

  const cached = (cacheReadTokens ?? 0) + (cacheWriteTokens ?? 0)
  const reasoning = reasoningTokens ?? 0
  const beside = countedBeside(picker, inputTokens, outputTokens, cached, reasoning)

  if (inputTokens !== undefined) {
    const isTold = excludes(picker, dialect, at.inputTokens) || beside.cache
    if (cached > 0 && (isTold || cached > inputTokens)) {
      if (!isTold) doubt(picker, 'input-without-cache')
      inputTokens += cached
      cite(picker, inputPlusCache)
    } else note(picker, at.inputTokens)
  }
  if (outputTokens !== undefined) {
    const isTold = excludes(picker, dialect, at.outputTokens) || beside.reasoning
    const audio = isTold ? (peekNumber(picker, at.audioTokens) ?? 0) : 0
    if (reasoning + audio > 0 && (isTold || reasoning > outputTokens)) {
      if (!isTold) doubt(picker, 'output-without-reasoning')
      outputTokens += reasoning + audio
      cite(picker, outputPlusReasoning)
    } else note(picker, at.outputTokens)
  }
  return { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens, reasoningTokens }
}

/**
 * What the total shows to be counted beside input and output, not within: thoughts of the Gemini API stand beside
 * the candidates, Bedrock's cached tokens beside the input.
 */
function countedBeside(
  picker: Picker,
  input: number | undefined,
  output: number | undefined,
  cached: number,
  reasoning: number,
): { cache: boolean; reasoning: boolean } {
  const total = peekNumber(picker, at.totalTokens)
  if (total === undefined || input === undefined || output === undefined) return NEITHER
  const rest = total - input - output
  if (rest <= 0) return NEITHER
  const both = rest === cached + reasoning
  return {
    cache: cached > 0 && (both || rest === cached),
    reasoning: reasoning > 0 && (both || rest === reasoning),
  }
}
const NEITHER = { cache: false, reasoning: false } as const

/** Whether the dialect says that this count leaves out its special tokens. */
function excludes(picker: Picker, dialect: string, slot: number): boolean {
  const own = picker.draft.rules.own.get(dialect)
  if (own !== undefined) return slot === at.inputTokens ? own.isCacheBeside : own.isReasoningBeside
  const rule = exclusive[dialect]
  if (rule !== undefined) {
    const key = sourceOf(picker, slot)?.text ?? ''
    if (key.startsWith(rule.keys)) return slot === at.inputTokens || rule.output
  }
  return slot === at.inputTokens && peekFlag(picker, at.isExclusive) === true
}
