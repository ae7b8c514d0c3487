/** Nonces: the unpredictable first words of a prompt, which keep it out of every cache. */
import { createHash } from 'node:crypto'
import { words } from './words.js'

const NONCE_WORDS = 7

// Words, not digits: each is one token nearly everywhere, so a nonce does not blur the length of the prompt.
const vocabulary = [...new Set([...words.noun, ...words.adjective, ...words.verb, ...words.action])]

/**
 * Seven words from a list of some 700, so about 66 bits, taken from the SHA-256 of seed, run id and label. The run id
 * makes two runs of one seed differ. `label` names what the nonce is for within the run: the index of a request, or
 * a prefix such as 'prefix/3'.
 */
export function nonceFor(seed: number | string, runId: string, label: number | string): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([String(seed), runId, String(label)]))
    .digest()
  const pick = (i: number): string => vocabulary[digest.readUInt32BE(4 * i) % vocabulary.length]!
  return Array.from({ length: NONCE_WORDS }, (_, i) => pick(i)).join(' ')
}
