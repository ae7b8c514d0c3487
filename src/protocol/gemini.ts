/** Google's streamGenerateContent: Generative Language and Vertex differ in their base URL alone. */
import { readErrorBody } from './error-body.js'
import { pushOutput, pushRoute, pushUsage, readObject, readStreamError } from './event.js'
import { count, isFields, text, type Fields } from './fields.js'
import { readHeaders } from './headers.js'
import type { Ask, EncodeOptions, Frame, Message, Protocol, StreamEvent } from './protocol.js'

export const gemini: Protocol = {
  name: 'gemini',
  framing: 'sse-or-array',
  keyHeader: 'x-goog-api-key',
  encode: (ask, options) => ({
    path: `${modelPath(options.model)}:streamGenerateContent?alt=sse`,
    headers: {},
    body: JSON.stringify(bodyOf(ask, options)),
  }),
  decode,
  endMarker: null,
  finishSuffices: true,
  endsWithBody: true,
  omitsZeros: true, // as the JSON form of protocol buffers has it
  readHeaders,
  readError: readErrorBody,
}

/** `gemini-3-flash`, or a whole resource: `tunedModels/x`, `endpoints/123`. */
function modelPath(model: string): string {
  const resource = model.includes('/') ? model : `models/${model}`
  return `/${resource.split('/').map(encodeURIComponent).join('/')}`
}

function bodyOf(ask: Ask, { quirks, body }: EncodeOptions) {
  const system = ask.messages.filter(({ role }) => role === 'system')
  const { generationConfig, ...rest } = body
  return {
    ...(system.length > 0 && {
      systemInstruction: { parts: system.map(({ content }) => ({ text: content })) },
    }),
    contents: ask.messages.filter(({ role }) => role !== 'system').map(toContent),
    generationConfig: {
      maxOutputTokens: ask.outputTokens,
      ...(quirks.temperature !== null && { temperature: quirks.temperature }),
      // A target that sets its thinking must not lose the output limit with it.
      ...(isFields(generationConfig) && generationConfig),
    },
    ...rest,
  }
}

function toContent({ role, content }: Message) {
  return { role: role === 'assistant' ? 'model' : 'user', parts: [{ text: content }] }
}

/** Every event is a whole response, with a piece of the answer in it. */
function decode(frame: Frame): StreamEvent[] {
  const read = readObject(frame)
  if ('events' in read) return read.events
  const { object } = read
  const events: StreamEvent[] = []
  for (const candidate of Array.isArray(object.candidates) ? object.candidates : []) {
    if (isFields(candidate)) readCandidate(candidate, events)
    else events.push({ kind: 'malformed', detail: 'an entry of candidates is not an object' })
  }
  const blocked = isFields(object.promptFeedback) ? text(object.promptFeedback.blockReason) : undefined
  if (blocked !== undefined) events.push({ kind: 'finish', reason: blocked })
  if (isFields(object.usageMetadata)) readUsage(object.usageMetadata, events)
  pushRoute({ model: text(object.modelVersion), requestId: text(object.responseId) }, events)
  readStreamError(frame, object, events)
  return events
}

function readCandidate({ content, finishReason }: Fields, events: StreamEvent[]): void {
  const parts = isFields(content) && Array.isArray(content.parts) ? content.parts : []
  for (const part of parts) if (isFields(part)) readPart(part, events)
  const reason = text(finishReason)
  if (reason !== undefined && reason !== 'FINISH_REASON_UNSPECIFIED') events.push({ kind: 'finish', reason })
}

/** Thoughts are summaries; a thought's signature is none. What Google's own tools returned was not generated. */
function readPart(part: Fields, events: StreamEvent[]): void {
  pushOutput(part.thought === true ? 'summary' : 'text', part.text, events)
  if (isFields(part.functionCall)) {
    const { name, args, partialArgs } = part.functionCall
    const whole = isFields(args) && Object.keys(args).length > 0 ? JSON.stringify(args) : ''
    pushOutput('tool', (text(name) ?? '') + whole + piecesOf(partialArgs), events)
  }
  if (isFields(part.executableCode)) pushOutput('tool', part.executableCode.code, events)
}

/** Vertex may stream a call's arguments value by value: `{ jsonPath: '$.city', stringValue: 'Par', willContinue: true }`. */
function piecesOf(partialArgs: unknown): string {
  if (!Array.isArray(partialArgs)) return ''
  const values = partialArgs.filter(isFields).map(({ stringValue, numberValue, boolValue }) => {
    const value = stringValue ?? numberValue ?? boolValue
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : ''
  })
  return values.join('')
}

/** Repeated in every event and growing; the last one counts. Candidates exclude thoughts; the prompt includes cached tokens. */
function readUsage(usage: Fields, events: StreamEvent[]): void {
  const visible = count(usage.candidatesTokenCount)
  const reasoningTokens = count(usage.thoughtsTokenCount)
  const isCounted = visible !== undefined || reasoningTokens !== undefined
  pushUsage(
    {
      promptTokens: count(usage.promptTokenCount),
      cachedTokens: count(usage.cachedContentTokenCount),
      outputTokens: isCounted ? (visible ?? 0) + (reasoningTokens ?? 0) : undefined,
      reasoningTokens,
    },
    events,
  )
  pushRoute({ serviceTier: text(usage.trafficType) ?? text(usage.serviceTier) }, events)
}
