/** The faces by name, and whose words a request gets that no face takes. */
import type { IncomingHttpHeaders } from 'node:http'
import { anthropicMessages } from './anthropic.js'
import type { Face, Route, Vendor } from './face.js'
import { gemini } from './gemini.js'
import { ollamaChat, ollamaGenerate, ollamaVendor } from './ollama.js'
import { openaiChat } from './openai-chat.js'
import { openaiCompletions } from './openai-completions.js'
import { openaiResponses } from './openai-responses.js'
import { openai } from './openai.js'

const FACES: readonly Face[] = [
  openaiChat,
  openaiCompletions,
  openaiResponses,
  anthropicMessages,
  gemini,
  ollamaChat,
  ollamaGenerate,
]

export interface Found {
  readonly face: Face
  readonly route: Route
}

export function findFace(path: string, query: URLSearchParams): Found | undefined {
  for (const face of FACES) {
    const route = face.route(path, query)
    if (route) return { face, route }
  }
  return undefined
}

export function vendorOf(path: string, headers: IncomingHttpHeaders): Vendor {
  if (headers['anthropic-version'] !== undefined || path.startsWith('/v1/messages'))
    return anthropicMessages.vendor
  if (path.startsWith('/v1beta/') || headers['x-goog-api-key'] !== undefined) return gemini.vendor
  return path === '/' || path.startsWith('/api/') ? ollamaVendor : openai
}
