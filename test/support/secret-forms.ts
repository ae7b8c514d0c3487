/** The forms in which a secret can stand in bytes that we write, and the search for them in a stream of pieces. */

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const url64 = (text: string): string => Buffer.from(text).toString('base64url')
const hex = (text: string): string => Buffer.from(text).toString('hex')

export const jsonEscaped = (text: string): string => JSON.stringify(text).slice(1, -1)

/** Of base64 the part that the neighbours of the secret do not change, at each of its three alignments. */
export function formsOf(secret: string): string[] {
  const inner = [0, 1, 2].flatMap((offset) =>
    [base64, url64].map((encode) => encode('x'.repeat(offset) + secret).slice(offset === 0 ? 0 : 4, -4)),
  )
  const all = [
    secret,
    ...inner,
    encodeURIComponent(secret),
    jsonEscaped(secret),
    hex(secret),
    hex(secret).toUpperCase(),
  ]
  return [...new Set(all)]
}

/** Finds forms in what comes piece by piece, also where one is cut by the end of a piece. Answers with those in sight now. */
export function createSearch(forms: readonly string[]): (piece: string | Uint8Array) => string[] {
  const longest = Math.max(0, ...forms.map((form) => form.length))
  let rest = ''
  return (piece) => {
    const text = rest + (typeof piece === 'string' ? piece : Buffer.from(piece).toString('latin1'))
    rest = longest > 1 ? text.slice(1 - longest) : ''
    return forms.filter((form) => text.includes(form))
  }
}
