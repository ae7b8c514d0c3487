/** Answers the questions that have one right answer: what a model that works would say, found from the prompt alone. */

/** What is asked for, as pieces of an answer, a token each; undefined where the prompt asks nothing of the kind. */
export function solve(prompt: string): string[] | undefined {
  const answer = recalled(prompt) ?? added(prompt) ?? echoed(prompt) ?? asJson(prompt)
  return answer?.match(/ ?[A-Za-z]+|\d{1,3}|[^A-Za-z\d]/g) ?? undefined
}

/** An answer like the right one and wrong: another word or number in the same form. */
export function solveWrongly(prompt: string): string[] | undefined {
  const right = solve(prompt)
  const last = right?.findLastIndex((piece) => /[A-Za-z\d]/.test(piece)) ?? -1
  return right?.map((piece, i) => {
    if (i !== last) return piece
    return /\d/.test(piece) ? String((Number(piece) + 1) % 1000) : ' nothing'
  })
}

/** The planted sentence is looked for in the whole prompt; the question stands at its end. */
function recalled(prompt: string): string | undefined {
  const place = /What is the password of the ([a-z]+ [a-z]+)\? Answer/.exec(prompt)?.[1]
  if (place === undefined) return undefined
  const secrets = new Map(
    [...prompt.matchAll(/The password of the ([a-z]+ [a-z]+) is ([a-z]+ [a-z]+)\./g)].map(
      ([, of = '', secret = '']) => [of, secret],
    ),
  )
  return secrets.get(place)
}

function added(prompt: string): string | undefined {
  const [, a, b] = /What is (\d{1,9}) plus (\d{1,9})\? Answer/.exec(prompt) ?? []
  return a === undefined || b === undefined ? undefined : String(Number(a) + Number(b))
}

function echoed(prompt: string): string | undefined {
  return /Repeat these words exactly, and write nothing else: ([a-z ]+)$/.exec(prompt)?.[1]
}

function asJson(prompt: string): string | undefined {
  const [, first, name, second, count] =
    /JSON object and nothing else: the key "([a-z]+)" holds the string "([a-z]+)", the key "([a-z]+)" holds the number (\d{1,9})\.$/.exec(
      prompt,
    ) ?? []
  if (first === undefined || second === undefined) return undefined
  return JSON.stringify({ [first]: name, [second]: Number(count) })
}
