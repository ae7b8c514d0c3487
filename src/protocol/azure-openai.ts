/** Chat completions of Azure OpenAI: OpenAI's stream behind an address, a key header and a route of its own. */
import { openaiChat } from './openai-chat.js'
import type { EncodeOptions, Protocol } from './protocol.js'

export const azureOpenai: Protocol = {
  ...openaiChat,
  name: 'azure-openai',
  keyHeader: 'api-key',
  encode: (ask, options) => ({ ...openaiChat.encode(ask, options), path: pathOf(options) }),
}

/**
 * With an `apiVersion` the deployment stands in the path. Without one it is the path `/openai/v1`, whose body names
 * the deployment as `model`. The base URL is that of the resource, with or without what the portal shows behind it.
 */
function pathOf({ model, apiVersion, basePath = '' }: EncodeOptions): string {
  if (basePath.includes('/openai/deployments/')) {
    return apiVersion === undefined ? '/chat/completions' : `/chat/completions?api-version=${apiVersion}`
  }
  const root = basePath.endsWith('/openai') ? '' : '/openai'
  if (apiVersion === undefined)
    return basePath.endsWith('/openai/v1') ? '/chat/completions' : `${root}/v1/chat/completions`
  const version = encodeURIComponent(apiVersion)
  return `${root}/deployments/${encodeURIComponent(model)}/chat/completions?api-version=${version}`
}
