/** Which tool an answer calls, and with which arguments. */
import type { Turn } from './count.js'
import type { Profile } from './profiles.js'

export interface Tool {
  readonly name: string
  /** JSON Schema of its arguments. */
  readonly parameters: unknown
}

/** `required`: any of them. A name: that one. */
export type ToolChoice = 'auto' | 'none' | 'required' | { readonly name: string }

/** Output tokens that a call takes, whatever the limit: a real one ends where its arguments end. */
export const CALL_TOKENS = 16

/**
 * The tool that is called, if any. `answersTool`: the conversation ends with the result of one, so that only a forced
 * call follows (else an agent would turn forever). 'missing' when the named one is not among them.
 */
export function chooseTool(
  tools: readonly Tool[],
  choice: ToolChoice,
  answersTool: boolean,
  profile: Profile,
): Tool | 'missing' | undefined {
  if (typeof choice === 'object') return tools.find(({ name }) => name === choice.name) ?? 'missing'
  const calls = choice === 'required' || (choice === 'auto' && !answersTool && profile.constants.callsTools)
  return calls ? tools[0] : undefined
}

/** Arguments that fit the schema, as JSON cut into `tokens` pieces. */
export function argumentPieces(tool: Tool, tokens: number, words: () => string): string[] {
  const text = Array.from({ length: Math.max(1, tokens - 4) }, words).join('')
  const json = JSON.stringify(exampleOf(tool.parameters, text, 0) ?? {})
  const cut = (at: number): number => Math.round((at * json.length) / tokens)
  return Array.from({ length: tokens }, (_, at) => json.slice(cut(at), cut(at + 1)))
}

const MAX_DEPTH = 8

function exampleOf(schema: unknown, text: string, depth: number): unknown {
  if (!isRecord(schema) || depth > MAX_DEPTH) return null
  if ('const' in schema) return schema['const']
  const { enum: choices, properties, items } = schema
  if (Array.isArray(choices)) return choices[0]
  // OpenAPI (Gemini) writes types in capitals.
  const given: unknown = Array.isArray(schema['type']) ? schema['type'][0] : schema['type']
  switch (typeof given === 'string' ? given.toLowerCase() : 'object') {
    case 'string':
      return text
    case 'integer':
    case 'number':
      return 7
    case 'boolean':
      return true
    case 'array':
      return items === undefined ? [] : [exampleOf(items, text, depth + 1)]
    case 'object': {
      if (!isRecord(properties)) return {}
      const required = Array.isArray(schema['required']) ? schema['required'].map(String) : []
      const names = Object.keys(properties).filter((name) => required.length === 0 || required.includes(name))
      return Object.fromEntries(names.map((name) => [name, exampleOf(properties[name], text, depth + 1)]))
    }
    default:
      return null
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What the definitions of tools add to the prompt: their JSON before everything else, as templates put it. */
export function toolTurns(tools: readonly Tool[]): Turn[] {
  return tools.length === 0 ? [] : [{ role: 'system', text: JSON.stringify(tools) }]
}
