/** A seeded generator: the only source of chance in Plumbline. The same seed gives the same run. */

export interface Random {
  /** Uniform in [0, 1), 53 bits. */
  next(): number
  /** Uniform whole number in [0, below). `below` ≥ 1. */
  int(below: number): number
  /** A new array in uniformly random order (Fisher-Yates; Durstenfeld 1964, Algorithm 235). */
  shuffle<T>(items: readonly T[]): T[]
  /** Standard normal (Box & Muller 1958, Ann. Math. Stat. 29). */
  normal(): number
  /** Exponential with mean 1. */
  exponential(): number
  /** An independent stream named by `label`: adding a consumer does not shift the draws of another. */
  fork(label: string): Random
}

/** sfc32 (Chris Doty-Humphrey, PractRand): 128 bits of state, passes PractRand to 32 TB. */
export function createRandom(seed: number | string): Random {
  const state = seedState(String(seed))
  let [a, b, c, counter] = state
  function next32(): number {
    const t = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + t) | 0
    return t >>> 0
  }
  for (let i = 0; i < 15; i++) next32()
  const next = (): number => ((next32() >>> 5) * 67108864 + (next32() >>> 6)) / 9007199254740992
  const random: Random = {
    next,
    int: (below) => Math.floor(next() * below),
    shuffle(items) {
      const shuffled = [...items]
      for (let i = shuffled.length - 1; i > 0; i--) {
        const j = random.int(i + 1)
        const held = shuffled[i]!
        shuffled[i] = shuffled[j]!
        shuffled[j] = held
      }
      return shuffled
    },
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    exponential: () => -Math.log(1 - next()),
    fork: (label) => createRandom(`${seed}/${label}`),
  }
  return random
}

/** Four 32-bit words from a text: FNV-1a with a different offset each, finished by the murmur3 mixer. */
function seedState(text: string): [number, number, number, number] {
  const word = (offset: number): number => {
    let h = 0x811c9dc5 ^ offset
    for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
    return (h ^ (h >>> 16)) | 0
  }
  return [word(0), word(0x9e3779b9), word(0x3c6ef372), word(0xdaa66d2b)]
}
