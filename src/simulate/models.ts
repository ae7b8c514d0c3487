/** What each API says of the models that are served, beside generating with them. */
import type { CheckedOptions } from './options.js'
import { contextLimit } from './profiles.js'
import type { Refusal, Vendor } from './face.js'

export interface Info {
  readonly vendor: Vendor
  readonly method: string
  readonly path: string
  readonly body: unknown
  readonly requestId: string
}

/** The models' date of birth; a real one does not change either. */
const CREATED_S = 1_700_000_000
const CREATED = new Date(CREATED_S * 1000).toISOString().replace(/\.\d+/, '')

/** Undefined when the path asks for nothing of the kind. */
export function describeModels(options: CheckedOptions, info: Info): Refusal | undefined {
  switch (info.vendor.name) {
    case 'openai':
      return listed(options, info, '/v1/models', openaiModel, (data) => ({ object: 'list', data }))
    case 'anthropic':
      return listed(options, info, '/v1/models', anthropicModel, (data, ids) => ({
        data,
        has_more: false,
        first_id: ids[0] ?? null,
        last_id: ids.at(-1) ?? null,
      }))
    case 'gemini':
      return listed(options, info, '/v1beta/models', geminiModel, (models) => ({ models }))
    case 'ollama':
      return describeOllama(options, info)
    default:
      return info.vendor.name satisfies never
  }
}

type One = (id: string, options: CheckedOptions) => object

function listed(
  options: CheckedOptions,
  { vendor, method, path, requestId }: Info,
  base: string,
  one: One,
  all: (models: readonly object[], ids: readonly string[]) => object,
): Refusal | undefined {
  if (method !== 'GET' || (path !== base && !path.startsWith(`${base}/`))) return undefined
  const ids = options.models
  if (path === base)
    return ok(
      all(
        ids.map((id) => one(id, options)),
        ids,
      ),
    )
  const id = decodeURIComponent(path.slice(base.length + 1))
  if (ids.includes(id)) return ok(one(id, options))
  return vendor.refuse({ kind: 'unknown-model', model: id }, requestId)
}

function openaiModel(id: string): object {
  return { id, object: 'model', created: CREATED_S, owned_by: 'plumbline' }
}

function anthropicModel(id: string, { profile }: CheckedOptions): object {
  return { type: 'model', id, display_name: id, created_at: CREATED, max_input_tokens: contextLimit(profile) }
}

function geminiModel(id: string, { profile }: CheckedOptions): object {
  return {
    name: `models/${id}`,
    version: '001',
    displayName: id,
    inputTokenLimit: contextLimit(profile),
    outputTokenLimit: contextLimit(profile),
    supportedGenerationMethods: ['generateContent'],
  }
}

function describeOllama(
  options: CheckedOptions,
  { vendor, method, path, body, requestId }: Info,
): Refusal | undefined {
  const asked = `${method} ${path}`
  if (asked === 'GET /' || asked === 'HEAD /')
    return {
      status: 200,
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      body: 'Ollama is running',
    }
  if (asked === 'GET /api/version') return ok({ version: '0.12.0' })
  if (asked === 'GET /api/tags') return ok({ models: options.models.map((id) => ollamaModel(id)) })
  if (asked === 'GET /api/ps') {
    const running = {
      expires_at: '2318-01-01T00:00:00Z',
      size_vram: 0,
      context_length: contextLimit(options.profile),
    }
    return ok({ models: options.models.map((id) => ({ ...ollamaModel(id), ...running })) })
  }
  if (asked !== 'POST /api/show') return undefined
  const model = nameIn(body)
  if (!options.models.includes(model)) return vendor.refuse({ kind: 'unknown-model', model }, requestId)
  return ok({
    modelfile: `FROM ${model}`,
    parameters: '',
    template: '{{ .Prompt }}',
    details: DETAILS,
    model_info: {
      'general.architecture': 'plumbline',
      'plumbline.context_length': contextLimit(options.profile),
    },
    capabilities: ['completion', 'tools', 'thinking'],
    modified_at: CREATED,
  })
}

const DETAILS = {
  parent_model: '',
  format: 'gguf',
  family: 'plumbline',
  families: ['plumbline'],
  parameter_size: '8B',
  quantization_level: 'F16',
}

function ollamaModel(id: string): object {
  return { name: id, model: id, modified_at: CREATED, size: 0, digest: '0'.repeat(64), details: DETAILS }
}

function nameIn(body: unknown): string {
  if (typeof body !== 'object' || body === null) return ''
  const name = 'model' in body ? body.model : 'name' in body ? body.name : ''
  return typeof name === 'string' ? name.replace(/:latest$/, '') : ''
}

function ok(body: object): Refusal {
  return { status: 200, body: JSON.stringify(body) }
}
