/** A byte-pair encoding made safe for any text that a model or a user may produce. */
import type { ExactTokenizer, ExactTokenizerName } from './tokenizer.js'

interface EncodeOptions {
  disallowedSpecial?: Set<string>
}

/** What we use of one gpt-tokenizer encoding module. */
interface Encoding {
  encode(text: string, options?: EncodeOptions): number[]
  countTokens(text: string, options?: EncodeOptions): number
  decode(ids: Iterable<number>): string
}

// A text that spells "<|endoftext|>" is text; left to its default the library throws on it.
const PLAIN: EncodeOptions = { disallowedSpecial: new Set() }

// Merging one unbroken run takes time quadratic in its length (measured: 40,000 ideographs, 8.7 s).
const LONGEST_RUN = 512
const BLANK_RUN = ' '.repeat(LONGEST_RUN)
const LONG_RUN = new RegExp(
  ['[\\p{L}\\p{M}]', '[^\\s\\p{L}\\p{N}]', '\\s'].map((kind) => `${kind}{${LONGEST_RUN}}`).join('|'),
  'gu',
)

/**
 * Wraps an encoding so that special tokens in a text count as ordinary characters and the time stays linear: a run
 * of more than 512 letters, marks or blanks without a break is cut after every 512, which may add a token or two per cut.
 */
export function wrapEncoding(name: ExactTokenizerName, encoding: Encoding): ExactTokenizer {
  return {
    name,
    exact: true,
    count(text) {
      if (!mayHoldLongRun(text)) return encoding.countTokens(text, PLAIN)
      return cutLongRuns(text).reduce((sum, piece) => sum + encoding.countTokens(piece, PLAIN), 0)
    },
    encode(text) {
      if (!mayHoldLongRun(text)) return encoding.encode(text, PLAIN)
      return cutLongRuns(text).flatMap((piece) => encoding.encode(piece, PLAIN))
    },
    decode: (ids) => encoding.decode(ids),
  }
}

/** A cheap look (native searches only) that may say yes for nothing, and never no for a long run. */
function mayHoldLongRun(text: string): boolean {
  if (text.length < LONGEST_RUN) return false
  if (text.includes(BLANK_RUN)) return true
  let from = 0
  for (;;) {
    const space = text.indexOf(' ', from)
    if ((space < 0 ? text.length : space) - from >= LONGEST_RUN) return true
    if (space < 0) return false
    from = space + 1
  }
}

function cutLongRuns(text: string): string[] {
  const pieces: string[] = []
  let from = 0
  for (const match of text.matchAll(LONG_RUN)) {
    const end = match.index + match[0].length
    pieces.push(text.slice(from, end))
    from = end
  }
  if (from < text.length) pieces.push(text.slice(from))
  return pieces
}
