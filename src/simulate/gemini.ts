/** The Gemini face: how a request asks. Its chunks stand in `gemini-events.ts`. */
import { z } from 'zod'
import type { Turn } from './count.js'
import type { Ask, Asked, Face, Refusal, Route } from './face.js'
import { reasoningTokens } from './face.js'
import { google, googleError, refuseIssue } from './gemini-errors.js'
import { geminiWriter, wholeContent } from './gemini-events.js'
import { chooseTool, toolTurns, type ToolChoice } from './tools.js'

const Part = z.looseObject({ text: z.optional(z.string()), functionResponse: z.optional(z.unknown()) })
const Content = z.looseObject({ role: z.optional(z.string()), parts: z.optional(z.array(Part)) })
const Body = z.looseObject({
  contents: z.array(Content).min(1),
  systemInstruction: z.optional(z.union([Content, z.string()])),
  generationConfig: z.optional(
    z.looseObject({
      maxOutputTokens: z.optional(z.int().min(1)),
      temperature: z.optional(z.number().min(0).max(2)),
      thinkingConfig: z.optional(
        z.looseObject({
          thinkingBudget: z.optional(z.int()),
          thinkingLevel: z.optional(z.string()),
          includeThoughts: z.optional(z.boolean()),
        }),
      ),
    }),
  ),
  tools: z.optional(
    z.array(
      z.looseObject({
        functionDeclarations: z.optional(
          z.array(
            z.looseObject({
              name: z.string(),
              parameters: z.optional(z.unknown()),
              parametersJsonSchema: z.optional(z.unknown()),
            }),
          ),
        ),
      }),
    ),
  ),
  toolConfig: z.optional(
    z.looseObject({
      functionCallingConfig: z.optional(
        z.looseObject({
          mode: z.optional(z.string()),
          allowedFunctionNames: z.optional(z.array(z.string())),
        }),
      ),
    }),
  ),
})

/** What the API accepts (its discovery document, GenerateContentRequest). */
const KNOWN = new Set([
  'cachedContent', 'contents', 'generationConfig', 'labels', 'model', 'safetySettings', 'serviceTier', 'store',
  'systemInstruction', 'system_instruction', 'toolConfig', 'tool_config', 'tools',
]) // prettier-ignore

const MODEL_PATH = /^\/v1(?:beta)?\/models\/([^/:]+):(streamGenerateContent|generateContent)$/

export const gemini: Face = {
  name: 'gemini',
  vendor: google,
  idPrefix: '',
  lineEnd: '\r\n',
  route,
  parse: parseGenerate,
  writer: geminiWriter,
  whole: wholeContent,
}

/** Without `alt=sse` a stream is one JSON array that grows. */
function route(path: string, query: URLSearchParams): Route | undefined {
  const [, name, method] = MODEL_PATH.exec(path) ?? []
  if (name === undefined) return undefined
  const stream = method === 'streamGenerateContent'
  return {
    model: decodeURIComponent(name),
    stream,
    framing: query.get('alt') === 'sse' ? 'sse' : 'json-array',
  }
}

function parseGenerate({ body, route: { model = '', stream = false }, profile }: Asked): Ask | Refusal {
  const parsed = Body.safeParse(body)
  if (!parsed.success) return refuseIssue(parsed.error.issues[0])
  const { data } = parsed
  // Google refuses unknown names whatever the model.
  const unknown = Object.keys(data).find((key) => !KNOWN.has(key))
  if (unknown !== undefined) {
    const description = `Invalid JSON payload received. Unknown name "${unknown}": Cannot find field.`
    return googleError(400, 'INVALID_ARGUMENT', description, [
      { '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: [{ description }] },
    ])
  }
  const { maxOutputTokens, thinkingConfig } = data.generationConfig ?? {}
  const budget = thinkingConfig?.thinkingBudget
  const tokens = reasoningTokens(
    profile,
    budget === undefined || budget < 0 ? undefined : budget > 0,
    budget === undefined || budget < 0 ? Infinity : budget,
  )
  const tools = (data.tools ?? []).flatMap((group) =>
    (group.functionDeclarations ?? []).map((each) => ({
      name: each.name,
      parameters: each.parametersJsonSchema ?? each.parameters,
    })),
  )
  const answersTool = (data.contents.at(-1)?.parts ?? []).some((part) => part.functionResponse !== undefined)
  const tool = chooseTool(tools, choiceOf(data.toolConfig?.functionCallingConfig), answersTool, profile)
  if (tool === 'missing')
    return googleError(
      400,
      'INVALID_ARGUMENT',
      'allowed_function_names contains a function that is not declared.',
    )
  const turns: Turn[] = toolTurns(tools)
  const system = data.systemInstruction
  if (system !== undefined)
    turns.push({ role: 'system', text: typeof system === 'string' ? system : textOf(system) })
  for (const content of data.contents) {
    turns.push({ role: content.role === 'model' ? 'assistant' : 'user', text: textOf(content) })
  }
  return {
    model,
    turns,
    outputTokens: maxOutputTokens,
    stream,
    includeUsage: true,
    reasoning: { tokens, shown: thinkingConfig?.includeThoughts === true ? 'summary' : 'hidden' },
    tool,
    cacheLifetime: undefined,
    cacheKey: undefined,
    pads: false,
    echo: {},
  }
}

function choiceOf(
  config: { mode?: string | undefined; allowedFunctionNames?: string[] | undefined } | undefined,
): ToolChoice {
  const mode = config?.mode?.toUpperCase()
  if (mode === 'NONE') return 'none'
  if (mode !== 'ANY') return 'auto'
  const name = config?.allowedFunctionNames?.[0]
  return name === undefined ? 'required' : { name }
}

function textOf(content: z.infer<typeof Content>): string {
  return (content.parts ?? []).map(({ text, ...rest }) => text ?? JSON.stringify(rest)).join('')
}
