/** What `plumbline init` writes: a commented scenario, a pipeline and the lines of a .gitignore. */
import { stringify } from 'yaml'
import type { Provider } from '../provider/provider.js'
import { githubCommentWorkflow, githubWorkflow, gitlabPipeline } from './init-workflows.js'

export interface InitAnswers {
  /** Null: the simulated provider. */
  provider: Provider | null
  model: string
  /** Variable of the key; null: none is sent. */
  keyEnv: string | null
}

export interface InitFile {
  path: string
  text: string
  /** Lines are added to a file that is there; any other is left as it is. */
  adds: boolean
}

export type Ci = 'github' | 'gitlab'

export const SCENARIO_FILE = 'plumbline.yaml'

export function initFiles(answers: InitAnswers, ci: Ci, version: string): InitFile[] {
  const name = scenarioName(answers.model)
  const { provider, model, keyEnv } = answers
  const pipeline = {
    scenario: SCENARIO_FILE,
    name,
    target: `${provider?.name ?? 'simulated'} ${name}`,
    keyEnv,
    minute: oddMinute(`${provider?.name ?? ''} ${model}`),
    version,
  }
  const file = (path: string, text: string): InitFile => ({ path, text, adds: false })
  const pipelines =
    ci === 'github'
      ? [
          file('.github/workflows/plumbline.yml', githubWorkflow(pipeline)),
          file('.github/workflows/plumbline-comment.yml', githubCommentWorkflow(pipeline)),
        ]
      : [file('plumbline.gitlab-ci.yml', gitlabPipeline(pipeline))]
  return [
    file(SCENARIO_FILE, scenarioText(answers, name)),
    ...pipelines,
    { path: '.gitignore', text: GITIGNORE, adds: true },
  ]
}

const GITIGNORE = `# Plumbline: runs stay out of the repository, accepted baselines go in
results/**/*
!results/**/
!results/**/baseline.json
plumbline.exit
plumbline-comment.md
plumbline-junit.xml
`

/** The last part of a model's name, in characters that need no care in a shell, a path or YAML. */
function scenarioName(model: string): string {
  const last = model.split('/').at(-1) ?? ''
  const plain = last
    .toLowerCase()
    .replace(/[^a-z0-9.-]+/g, '-')
    .replace(/^[-.]+|[-.]+$/g, '')
  return plain === '' ? 'latency' : plain.slice(0, 60)
}

/** Differs from target to target and never is a full hour, half or quarter, when everybody's runs start. */
function oddMinute(text: string): number {
  const sum = Array.from(text).reduce(
    (total, character) => (total * 31 + (character.codePointAt(0) ?? 0)) % 9973,
    7,
  )
  const minutes = [7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 49, 53]
  return minutes[sum % minutes.length] ?? 17
}

function scenarioText({ provider, model, keyEnv }: InitAnswers, name: string): string {
  const isPaid = provider !== null && provider.baseUrl !== null
  const hasPrice = provider !== null && provider.prices[model] !== undefined
  const cost = hasPrice ? ', cost: 0.25' : ''
  return `# What is measured, and how it is judged. All keys: npx llm-plumbline schema
#   npx llm-plumbline run ${SCENARIO_FILE} --dry-run   # the plan, its tokens and its cost; sends nothing
#   npx llm-plumbline run ${SCENARIO_FILE}
name: ${scalar(name)}
description: ${scalar(`Known-good curves of ${model}.`)}

targets:
${targetText({ provider, model, keyEnv })}
probes:
  # Prefill: time to first token over fresh prompts of these lengths, cold cache.
  - probe: prompt-length
    promptTokens: [128, 1024, 4096]
    outputTokens: 16
  # Decode: time per output token.
  - probe: output-length
    promptTokens: [128]
    outputTokens: [128]

# A comparison needs 20 blocks to give few false alarms.
repeats: 20
warmup: { requests: 1 }

# Never passed, not by one request in flight.${isPaid && !hasPrice ? ' Give the target a price to cap money too.' : ''}
budget: { requests: 250, tokens: 500000${cost} }
errorLimit: 5%
deadlines: { connectS: 10, firstByteS: 60, gapS: 30, totalS: 120 }

expectations:
  - errors < 5%

# What a comparison with the accepted baseline calls a shift, and which shift it must be able to see.
gate:
  margins: { ttft: 5%, tpot: 5% }
  detect: { ttft: 25%, tpot: 25% }

# For plumbline schedule, which stays up; pipelines have a cron line of their own.
schedule: { cron: '17 */6 * * *', timezone: UTC, jitterS: 120 }
`
}

function targetText({ provider, model, keyEnv }: InitAnswers): string {
  const named = `  - name: ${scalar(scenarioName(model))}\n`
  if (provider === null) {
    return `  # The simulated provider, so that this file runs anywhere. For your own:
  #   - name: endpoint
  #     provider: openai
  #     model: gpt-4o-mini
${named}    simulate: { profile: 8b-h100 }
    model: ${scalar(model)}
`
  }
  const lines = [`    provider: ${provider.name}\n`]
  if (provider.baseUrl === null)
    lines.push(`    baseUrl: ${BASE_URLS[provider.name] ?? LOCAL} # where yours is\n`)
  lines.push(`    model: ${scalar(model)}\n`)
  if (keyEnv !== provider.apiKeyEnv) lines.push(`    apiKeyEnv: ${keyEnv ?? 'null'}\n`)
  else if (keyEnv !== null) lines.push(`    # The key is read from ${keyEnv}; it stands in no file.\n`)
  return `  # provider fills in what is known: tokenizer, cache rules, price.\n${named}${lines.join('')}`
}

const LOCAL = 'http://127.0.0.1:8000/v1'
const BASE_URLS: Readonly<Record<string, string | undefined>> = {
  azure: 'https://your-resource.openai.azure.com',
  ollama: 'http://127.0.0.1:11434',
  'llama-cpp': 'http://127.0.0.1:8080/v1',
}

/** A text as YAML on one line; `$` starts a variable in a scenario. */
function scalar(text: string): string {
  return stringify(text.replaceAll('$', '$$$$'), { lineWidth: 0, defaultStringType: 'PLAIN' })
    .trimEnd()
    .replace(/^[|>][\s\S]*$/, () => JSON.stringify(text))
}
