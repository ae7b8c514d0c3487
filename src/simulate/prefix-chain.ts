/** Chained block hashes without the tokens: what a prompt shares with others, by name. */
import { chainBlocks } from './count.js'

/**
 * The hashes of a prefix that is made of named parts, such as a system prompt and the turns of a conversation: two
 * chains share their blocks as far as their parts are the same, in order and length. Parts are whole blocks.
 */
export function chainPrefix(
  parts: readonly { readonly name: number; readonly tokens: number }[],
  blockTokens: number,
): Float64Array {
  const ids: number[] = []
  for (const { name, tokens } of parts) {
    for (let block = 0; block < Math.floor(tokens / blockTokens); block++)
      ids.push(name * 4096 + (block % 4096))
  }
  // One number stands for a block, so the chain is over blocks of one.
  return chainBlocks(ids, 1)
}
