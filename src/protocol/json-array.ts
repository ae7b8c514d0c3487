/** The entries of one JSON array, each as soon as its last character is there. */

interface ArrayEntries {
  /** Returns how many characters of an open entry are held. */
  feed(text: string): number
  /** Gives out what is open as it stands: it may be cut anywhere. */
  flush(): void
}

/** What stands outside the brackets of the array is given out too, for the caller to find malformed. */
export function arrayEntries(emit: (entry: string) => void): ArrayEntries {
  let pieces: string[] = []
  let held = 0
  let depth = 0 // 1 inside the array
  let isInText = false
  let isEscaped = false

  const end = () => {
    const entry = pieces.join('').trim()
    pieces = []
    held = 0
    if (entry !== '') emit(entry)
  }
  const keep = (piece: string) => {
    if (piece === '') return
    pieces.push(piece)
    held += piece.length
  }

  function feed(text: string): number {
    let from = 0
    const cut = (at: number, isOurs: boolean) => {
      keep(text.slice(from, isOurs ? at : at + 1))
      from = at + 1
    }
    for (let at = 0; at < text.length; at++) {
      const character = text[at]
      if (isInText) {
        if (isEscaped) isEscaped = false
        else if (character === '\\') isEscaped = true
        else if (character === '"') isInText = false
      } else if (character === '"') isInText = true
      else if (character === '[' || character === '{') {
        if (depth === 0 && character === '[') cut(at, true)
        depth++
      } else if (character === ']' || character === '}') {
        depth = Math.max(0, depth - 1)
        if (depth === 0 && character === ']') cut(at, true)
        else if (depth <= 1) cut(at, false)
        if (depth <= 1) end()
      } else if (character === ',' && depth === 1) {
        cut(at, true)
        end()
      }
    }
    keep(text.slice(from))
    return held
  }
  return { feed, flush: end }
}
