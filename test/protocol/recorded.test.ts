/** Real recorded streams say what their bytes contain; the expectations come from a naive reading of the same bytes. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { frameBody } from '../../src/protocol/frame.js'
import { openaiChat } from '../../src/protocol/openai-chat.js'
import { openaiCompletions } from '../../src/protocol/openai-completions.js'
import type { Protocol, StreamEvent } from '../../src/protocol/protocol.js'

const DATA = join(import.meta.dirname, '../../../shared/data/sse')
const folders: readonly [string, Protocol][] = [
  ['openai-chat', openaiChat],
  ['groq', openaiChat],
  ['mistral', openaiChat],
  ['deepseek', openaiChat],
  ['openrouter', openaiChat],
  ['openai-completions', openaiCompletions],
]

interface Expected {
  frames: number
  comments: number
  output: number
  characters: number
  finish: string | undefined
  promptTokens: number | undefined
  outputTokens: number | undefined
  cachedTokens: number | undefined
  reasoningTokens: number | undefined
  done: boolean
  error: boolean
}

type Json = any // eslint-disable-line -- a naive reader on purpose

/** Lines and JSON.parse, nothing of the code under test. */
function readNaively(raw: string): Expected {
  const lines = raw.split('\n')
  const data = lines.filter((line) => line.startsWith('data: ')).map((line) => line.slice(6))
  const chunks: Json[] = data.filter((line) => line !== '[DONE]').map((line) => JSON.parse(line))
  const usages: Json[] = chunks.flatMap((chunk) => [chunk.x_groq?.usage, chunk.usage].filter(Boolean))
  const pieces = chunks.flatMap((chunk): string[] =>
    (chunk.choices ?? [])
      .map((choice: Json) => {
        const delta = choice.delta ?? {}
        const calls = (delta.tool_calls ?? []).map(
          (call: Json) => (call.function.name ?? '') + (call.function.arguments ?? ''),
        )
        return [
          choice.text,
          delta.content,
          delta.reasoning_content ?? delta.reasoning,
          delta.refusal,
          ...calls,
        ]
          .filter(Boolean)
          .join('')
      })
      .filter((piece: string) => piece !== ''),
  )
  const usage = usages.at(-1)
  return {
    frames: data.length,
    comments: lines.filter((line) => line.startsWith(':')).length,
    output: pieces.length,
    characters: pieces.join('').length,
    finish: chunks
      .flatMap((chunk) => (chunk.choices ?? []).map((choice: Json) => choice.finish_reason))
      .filter(Boolean)
      .at(-1),
    promptTokens: usage?.prompt_tokens,
    outputTokens: usage?.completion_tokens,
    cachedTokens: usage?.prompt_tokens_details?.cached_tokens,
    reasoningTokens: usage?.completion_tokens_details?.reasoning_tokens,
    done: data.includes('[DONE]'),
    error: chunks.some((chunk) => chunk.error),
  }
}

function read(bytes: Uint8Array, protocol: Protocol): Expected & { malformed: number } {
  const { frames, comments } = frameBody(bytes, [bytes.length], protocol.framing)
  const perFrame = frames.map(({ frame }) => protocol.decode(frame))
  const events = perFrame.flat()
  const usage = Object.assign({}, ...events.map((event) => (event.kind === 'usage' ? event.usage : {})))
  const output = (list: StreamEvent[]) => list.filter((event) => event.kind === 'output')
  return {
    frames: frames.length,
    comments,
    output: perFrame.filter((list) => output(list).length > 0).length,
    characters: output(events).reduce(
      (sum, event) => sum + (event.kind === 'output' ? event.text.length : 0),
      0,
    ),
    finish: events.flatMap((event) => (event.kind === 'finish' ? [event.reason] : [])).at(-1),
    promptTokens: usage.promptTokens,
    outputTokens: usage.outputTokens,
    cachedTokens: usage.cachedTokens,
    reasoningTokens: usage.reasoningTokens,
    done: events.some((event) => event.kind === 'end'),
    error: events.some((event) => event.kind === 'error'),
    malformed: events.filter((event) => event.kind === 'malformed').length,
  }
}

for (const [folder, protocol] of folders) {
  const path = join(DATA, folder)
  const present = existsSync(path)
  describe.skipIf(!present)(
    `recorded ${folder} streams${present ? '' : ` (skipped: ${path} is absent)`}`,
    () => {
      const files = present ? readdirSync(path).filter((name) => name.endsWith('.sse')) : []
      it.each(files)('%s: usage, finish reason and counts are those of its bytes', (file) => {
        const bytes = readFileSync(join(path, file))
        const expected = readNaively(bytes.toString('utf8'))
        expect(expected.frames).toBeGreaterThan(0)
        expect(read(bytes, protocol)).toEqual({ ...expected, malformed: 0 })
      })
    },
  )
}
