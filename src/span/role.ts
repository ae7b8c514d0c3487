/** What a span is in its trace: a call of a model, a server's view of one, an HTTP request, or something else. */
import { isCallName, operationOf, roleOfKind, serverSide } from './dialects.js'
import { valueOf } from './draft.js'
import type { Draft } from './draft.js'
import { slotIndex as at } from './rules.js'

export type Role = 'call' | 'server' | 'http' | 'other'

const SERVER = 2

export function roleOf(draft: Draft, dialect: string): { role: Role; operation: string } {
  const operation = callOf(draft)
  if (operation !== undefined) {
    return { role: draft.kind === SERVER || serverSide.has(dialect) ? 'server' : 'call', operation }
  }
  const isRequest = valueOf(draft, 'method') !== undefined && draft.kind !== SERVER
  return isRequest ? HTTP : OTHER
}
const HTTP = { role: 'http', operation: '' } as const
const OTHER = { role: 'other', operation: '' } as const

/** The operation of a call; undefined where the span is none, or one that does not prefill and decode. */
function callOf(draft: Draft): string | undefined {
  const kindRole = roleByKind(draft)
  if (kindRole === 'other') return undefined
  const word = valueOf(draft, 'operation')
  if (word !== undefined) return operationOf(String(word))
  if (kindRole === 'call' || isCallName(draft.name)) return 'chat'
  if (valueOf(draft, 'serverTtftMs') !== undefined || valueOf(draft, 'queueMs') !== undefined) return 'chat'
  const hasModel =
    valueOf(draft, 'modelRequested') !== undefined || valueOf(draft, 'modelServed') !== undefined
  const hasTokens =
    valueOf(draft, 'inputTokens') !== undefined || valueOf(draft, 'outputTokens') !== undefined
  return hasModel && (hasTokens || valueOf(draft, 'ttftMs') !== undefined) ? 'chat' : undefined
}

function roleByKind(draft: Draft): 'call' | 'other' | undefined {
  const kind = draft.values[at.kind]
  if (kind === undefined) return undefined
  const own = draft.rules.calls.get(draft.chosen[at.kind]?.source.text ?? '')
  return own === undefined ? roleOfKind(String(kind)) : own.has(String(kind)) ? 'call' : 'other'
}
