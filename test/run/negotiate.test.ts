import { expect, it } from 'vitest'
import { refusedIn } from '../../src/run/negotiate.js'

const quirks = { maxTokensField: 'max_tokens', streamOptions: true, ignoreEos: true, temperature: 0 } as const
const named = (said: string, body = {}) => refusedIn(said, { quirks, body }).map(({ parameter }) => parameter)

it.each([
  // As the servers write them: OpenAI, Mistral and vLLM (pydantic), Anthropic, Groq, Bedrock.
  [
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
    ['max_tokens'],
  ],
  [
    "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported.",
    ['temperature'],
  ],
  ['stream_options: Extra inputs are not permitted', ['stream_options']],
  [
    'ignore_eos: Extra inputs are not permitted; stream_options: Extra inputs are not permitted',
    ['stream_options', 'ignore_eos'],
  ],
  ['`temperature` is deprecated for this model.', ['temperature']],
  ["property 'ignore_eos' is unsupported", ['ignore_eos']],
  ['Unrecognized request argument supplied: ignore_eos', ['ignore_eos']],
  ['Malformed input request: extraneous key [temperature] is not permitted', ['temperature']],
])('%s', (said, parameters) => {
  expect(named(said)).toEqual(parameters)
})

it.each([
  'max_tokens is too large: 32768. This model supports at most 16384 completion tokens',
  "This model's maximum context length is 8192 tokens",
  'temperature must be between 0 and 2',
  "The model 'gpt-9' does not exist",
  'Unsupported parameter: max_tokens_to_sample',
])('%s: nothing to leave out', (said) => {
  expect(named(said)).toEqual([])
})

it('what the body of the target sets is left to the user', () => {
  expect(named('Unknown parameter: temperature', { temperature: 2 })).toEqual([])
})
