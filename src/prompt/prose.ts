/** Ordinary prose of an exact number of tokens, from sentence templates and a vocabulary of one-token words. */
import type { Random } from '../random/random.js'
import { words, type Slot } from './words.js'

/** A token of a template: a slot to fill, or a word or mark to copy; with its blank, so that pieces just join. */
type Piece = { slot: Slot } | { text: string }
type Template = readonly Piece[]

// {slot} is filled; all else is copied. Every word and every mark is one token.
const sentences = [
  'The {adjective} {noun} {action} {determiner} {noun} {preposition} the {adjective} {noun} .',
  'The {noun} {verb} {preposition} {determiner} {adjective} {noun} .',
  '{pronoun} {action} {determiner} {noun} and {action} the {adjective} {noun} {preposition} the {noun} .',
  '{opener} , {determiner} {adjective} {noun} {verb} {preposition} the {noun} .',
  'When {determiner} {noun} {verb} {preposition} the {noun} , {determiner} {adjective} {noun} {verb} {adverb} .',
  '{pronoun} {verb} {adverb} because the {noun} {action} {determiner} {adjective} {noun} .',
  'After the {noun} {action} {determiner} {noun} , the {adjective} {noun} {verb} {adverb} .',
  'The {noun} was {adjective} , but {determiner} {noun} {preposition} the {noun} was {adjective} and {adjective} .',
  'Although {determiner} {noun} {verb} , the {noun} {action} {determiner} {adjective} {noun} {adverb} .',
  'There was {determiner} {noun} {preposition} the {adjective} {noun} , and {determiner} {noun} {verb} {adverb} .',
].map(parse)

/** Closing sentences by their length in tokens, from two on. */
const closings = [
  '{lone} .',
  '{pronoun} {verb} .',
  'The {noun} {verb} .',
  'The {adjective} {noun} {verb} .',
  'The {adjective} {noun} {verb} {adverb} .',
  'The {noun} {action} {determiner} {adjective} {noun} .',
].map(parse)
const clause = parse('and {determiner} {noun} {verb}')
const stop = parse('.')

/** The shortest prose that exists: a word and its full stop. */
export const SHORTEST_PROSE = 2

/** Prose of exactly `tokens` tokens, 0 or at least 2, beginning with a blank, so that it can follow a full stop. */
export function proseOf(tokens: number, random: Random): string {
  const parts: string[] = []
  let left = tokens
  while (left > 0) {
    const sentence = sentences[random.int(sentences.length)]!
    const rest = left - sentence.length
    const next = rest === 0 || rest >= SHORTEST_PROSE ? sentence : closing(left)
    for (const piece of next) parts.push('text' in piece ? piece.text : fill(piece.slot, random))
    left -= next.length
  }
  return parts.join('')
}

/** A sentence of exactly `tokens` tokens, at least 2: a closing, lengthened by clauses of four words. */
function closing(tokens: number): Template {
  const longest = closings.length + 1
  const clauses = Math.max(0, Math.ceil((tokens - longest) / clause.length))
  const base = closings[tokens - clauses * clause.length - SHORTEST_PROSE]
  if (base === undefined) throw new RangeError(`no sentence has ${tokens} tokens`)
  return [...base.slice(0, -1), ...Array.from({ length: clauses }, () => clause).flat(), ...stop]
}

function fill(slot: Slot, random: Random): string {
  const choices = words[slot]
  return ` ${choices[random.int(choices.length)]!}`
}

function parse(template: string): Template {
  return template.split(' ').map((item): Piece => {
    const name = /^\{(\w+)\}$/.exec(item)?.[1]
    if (name !== undefined) {
      if (!isSlot(name)) throw new Error(`no such slot: ${name}`)
      return { slot: name }
    }
    return { text: /^\w/.test(item) ? ` ${item}` : item }
  })
}

function isSlot(name: string): name is Slot {
  return Object.hasOwn(words, name)
}
