/** Whether an answer is the right one, to a question that has one. */
import { isDeepStrictEqual } from 'node:util'
import type { RightAnswer } from '../plan/probe.js'
import type { Sample } from './sample.js'
import type { Stream } from './stream.js'

/** Characters of a wrong answer that are kept; the rest is the model's own business. */
const LONGEST_EXCERPT = 80

/**
 * The verdict on a whole answer. None where the model came to no visible word before its output limit: it may have
 * reasoned, and was not asked long enough.
 */
export function judgeAnswer(
  stream: Stream | undefined,
  right: RightAnswer | undefined,
  redact: (text: string) => string,
): Pick<Sample, 'answer' | 'detail'> {
  if (right === undefined || stream === undefined) return {}
  const answer = visibleText(stream)
  if (answer.trim() === '' && stream.finishReason !== 'stop') return {}
  if (isRight(answer, right)) return { answer: 'right' }
  return {
    answer: 'wrong',
    detail: `answered ${excerpt(redact(answer))} where ${excerpt(right.text)} was right`,
  }
}

/** `holds`: the words stand in it, whole, in any case. `exactly`: but for space around. `json`: strict, no fence around it. */
export function isRight(answer: string, { kind, text }: RightAnswer): boolean {
  switch (kind) {
    case 'holds': {
      const plain = (of: string): string =>
        ` ${of
          .toLowerCase()
          .replace(/(\d)[,\u202f\u00a0](?=\d{3})/g, '$1')
          .replace(/[^\p{L}\p{N}]+/gu, ' ')
          .trim()} `
      return plain(answer).includes(plain(text))
    }
    case 'exactly':
      return answer.trim() === text
    case 'json':
      return isDeepStrictEqual(parsed(answer), parsed(text))
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function visibleText({ moments }: Stream): string {
  return moments
    .flatMap(({ events }) => events)
    .map((event) => (event.kind === 'output' && event.channel === 'text' ? event.text : ''))
    .join('')
}

function excerpt(text: string): string {
  const line = JSON.stringify(text.trim())
  return line.length > LONGEST_EXCERPT ? `${line.slice(0, LONGEST_EXCERPT)}…` : line
}
