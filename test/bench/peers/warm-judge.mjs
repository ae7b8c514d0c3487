// @ts-check
/** Compiles the truth server's code before it judges: a cold one reads the first requests milliseconds late. */

/** Requests, and tokens of each. */
const WARM_UP = { requests: 200, tokens: 5 }

/** Asks for so many short streams, then has the server forget them. @param {string} url */
export async function warmJudge(url) {
  const body = JSON.stringify({ max_tokens: WARM_UP.tokens })
  const answers = Array.from({ length: WARM_UP.requests }, () =>
    fetch(`${url}/v1/chat/completions`, { method: 'POST', body }),
  )
  await Promise.all(answers.map(async (answer) => (await answer).text()))
  await (await fetch(`${url}/truth`, { method: 'DELETE' })).text()
}
