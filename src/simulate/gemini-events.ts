/** The chunks of Gemini's API: each is a whole GenerateContentResponse, and usage grows with them. */
import type { AnswerHead, End, EventWriter, FinishReason, WholeAnswer, WireEvent } from './face.js'

const REASONS = { length: 'MAX_TOKENS', stop: 'STOP', tool: 'STOP' } as const satisfies Record<
  FinishReason,
  string
>

export function geminiWriter(head: AnswerHead): EventWriter {
  const counts = { cached: 0, output: 0, thoughts: 0 }
  let toolArguments = ''

  function chunk(parts: readonly object[], reason?: string): WireEvent {
    return { data: JSON.stringify(response(head, parts, reason, counts)) }
  }

  return {
    opening: () => [],
    admitted(cachedTokens) {
      counts.cached = cachedTokens
      return []
    },
    token(text, channel, tokens) {
      if (channel === 'reasoning') {
        counts.thoughts += tokens
        return [chunk([{ text, thought: true }])]
      }
      counts.output += tokens
      // A call is never streamed piece by piece.
      if (channel === 'tool') toolArguments += text
      return channel === 'tool' ? [] : [chunk([{ text }])]
    },
    silent() {
      counts.thoughts++
      return []
    },
    finish: () => [],
    done: (end) => [chunk([lastPart(head, toolArguments, end)], REASONS[end.reason])],
    error: () => [
      {
        data: JSON.stringify({
          error: {
            code: 503,
            message: 'The model is overloaded. Please try again later.',
            status: 'UNAVAILABLE',
          },
        }),
      },
    ],
  }
}

export function wholeContent(head: AnswerHead, answer: WholeAnswer): string {
  const { usage } = answer
  const parts: object[] = answer.reasoning === '' ? [] : [{ text: answer.reasoning, thought: true }]
  if (answer.toolArguments !== '') parts.push(lastPart(head, answer.toolArguments, answer))
  else if (answer.text !== '') parts.push({ text: answer.text })
  const counts = {
    cached: usage.cachedTokens,
    output: usage.outputTokens - usage.reasoningTokens,
    thoughts: usage.reasoningTokens,
  }
  return JSON.stringify(response(head, parts, REASONS[answer.reason], counts), null, 2)
}

/** The call, or an empty text; models that think sign it. */
function lastPart(head: AnswerHead, toolArguments: string, { usage }: End): object {
  const part =
    toolArguments === ''
      ? { text: '' }
      : { functionCall: { name: head.ask.tool?.name, args: JSON.parse(toolArguments) as unknown } }
  return usage.reasoningTokens === 0
    ? part
    : { ...part, thoughtSignature: Buffer.from(head.id.repeat(4)).toString('base64') }
}

function response(
  head: AnswerHead,
  parts: readonly object[],
  finishReason: string | undefined,
  counts: { cached: number; output: number; thoughts: number },
): object {
  const { promptTokens } = head
  return {
    candidates: [{ content: { parts, role: 'model' }, ...(finishReason && { finishReason }), index: 0 }],
    ...(head.reportsUsage && {
      usageMetadata: {
        promptTokenCount: promptTokens,
        ...(counts.output > 0 && { candidatesTokenCount: counts.output }),
        totalTokenCount: promptTokens + counts.output + counts.thoughts,
        ...(counts.cached > 0 && { cachedContentTokenCount: counts.cached }),
        promptTokensDetails: [{ modality: 'TEXT', tokenCount: promptTokens }],
        ...(counts.cached > 0 && { cacheTokensDetails: [{ modality: 'TEXT', tokenCount: counts.cached }] }),
        ...(counts.thoughts > 0 && { thoughtsTokenCount: counts.thoughts }),
      },
    }),
    modelVersion: head.model,
    responseId: head.id,
  }
}
