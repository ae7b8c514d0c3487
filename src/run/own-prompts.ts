/** The user's own prompts: read, checked and counted before anything is sent. */
import { readFile } from 'node:fs/promises'
import type { OwnRequest } from '../plan/source.js'
import type { FilePrompt } from '../prompt/file.js'
import { parsePromptFile } from '../prompt/file.js'
import type { Message } from '../protocol/protocol.js'
import type { OwnPrompts as OwnPromptsUse } from '../scenario/scenario.js'

export interface OwnPrompts {
  conversations: OwnRequest[][]
  messages(conversation: number, turn: number): readonly Message[]
}

export type OwnPromptsRead = { ok: true; prompts: OwnPrompts } | { ok: false; message: string }

export const noPrompts: OwnPrompts = { conversations: [], messages: () => [] }

/** `count` by the tokenizer of the first target; the samples hold what each server counted. */
export async function readOwnPrompts(
  use: OwnPromptsUse,
  count: (text: string) => number,
): Promise<OwnPromptsRead> {
  let text: string
  try {
    text = await readFile(use.file, 'utf8')
  } catch {
    return {
      ok: false,
      message: `${use.file}: cannot be read; prompts.file is taken from the scenario's own folder`,
    }
  }
  const parsed = parsePromptFile(text)
  if (!parsed.ok) {
    return {
      ok: false,
      message: parsed.errors.map(({ line, message }) => `${use.file}:${line}: ${message}`).join('; '),
    }
  }
  const files = new Map<number, FilePrompt[]>()
  for (const prompt of parsed.prompts) files.set(prompt.line, [...(files.get(prompt.line) ?? []), prompt])
  const grouped = [...files.values()]
  const conversations = grouped.map((turns, conversation) =>
    turns.map((prompt, turn) => ({
      conversation,
      turn,
      promptTokens: prompt.messages.reduce((sum, message) => sum + count(message.content), 0),
      outputTokens: prompt.outputTokens ?? use.outputTokens,
    })),
  )
  const messages = (conversation: number, turn: number): readonly Message[] =>
    grouped[conversation]?.[turn]?.messages ?? []
  return { ok: true, prompts: { conversations, messages } }
}
