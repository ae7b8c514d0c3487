/** Output text, one o200k token at a time. */
import type { Random } from '../random/random.js'

/** Each is one token of o200k_base with a space before it, and the capital ones without. A test holds them to it. */
const WORDS = [
  'the', 'river', 'of', 'a', 'system', 'and', 'time', 'in', 'to', 'water', 'is', 'light', 'for', 'line', 'with',
  'stone', 'that', 'measure', 'on', 'wind', 'under', 'bridge', 'small', 'wall', 'over', 'weight', 'as', 'true',
  'level', 'from', 'ground', 'by', 'hand', 'it', 'was', 'long', 'before', 'first', 'house', 'stands', 'where',
  'work', 'slow', 'quiet', 'road', 'down', 'north', 'field', 'clear', 'year', 'each', 'day', 'morning', 'still',
] // prettier-ignore
const OPENERS = ['The', 'A', 'In', 'On', 'It', 'For', 'Under', 'Each', 'Time', 'Water', 'First', 'Still']

/** The same with characters of two and three bytes. */
const ACCENTED = [
  ' für', ' más', ' être', ' där', ' así', ' über', ' où', ' já', ' año', ' ça', ' även', ' são', ' não', ' été', ' după',
  ' від', ' для', ' что', ' при', ' и', ' 的', ' を',
] // prettier-ignore

/** Every text has a character of more than one byte. */
export function createAccentedWords(random: Random): () => string {
  return () => ACCENTED[random.int(ACCENTED.length)]!
}

/** Sentences without end. Joined, the texts give the same tokens again, so counting them gives their number. */
export function createWords(random: Random): () => string {
  let left = 0
  let isFirst = true
  return () => {
    if (left === 0) {
      left = 6 + random.int(12)
      const opener = OPENERS[random.int(OPENERS.length)]!
      const text = isFirst ? opener : ` ${opener}`
      isFirst = false
      return text
    }
    return --left === 0 ? '.' : ` ${WORDS[random.int(WORDS.length)]!}`
  }
}
