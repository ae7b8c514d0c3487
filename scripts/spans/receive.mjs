// @ts-check
/** The receiver of `plumbline attribute --listen` at 5,000 spans a second, and with more sent than it may hold. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { spanRequest } from './stream.mjs'

const RATE = 5000
/** Spans of a request. */
const BATCH = 100

/**
 * @param {{ main: string, meter: string, baseline: string, seconds: number }} options
 * @returns {Promise<boolean>} whether nothing was lost, on less than one core, and overload was answered as it should be
 */
export async function receiveAll(options) {
  const steady = await atRate(options)
  const crowded = await overload(options)
  return steady && crowded
}

/** @param {{ main: string, meter: string, baseline: string }} options */
async function listen({ main, meter, baseline }) {
  const args = ['--import', meter, main, 'attribute', baseline, '--listen', '0', '--format', 'ndjson']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  let lines = 0
  child.stdout.on('data', (/** @type {Buffer} */ part) => {
    for (const byte of part) if (byte === 0x0a) lines++
  })
  child.stderr.on('data', (part) => (said += String(part)))
  let url
  while (url === undefined) {
    await wait(20)
    if (child.exitCode !== null) throw new Error(said)
    url = /listening on (\S+?):? /.exec(said)?.[1]
  }
  return {
    url: `${url}/v1/traces`,
    async stop() {
      child.kill('SIGINT')
      await once(child, 'close')
      const metered = /^meter (.*)$/m.exec(said)?.[1]
      if (metered === undefined) throw new Error(said)
      const { cpuSeconds, rssMb } = JSON.parse(metered)
      return { lines, cpuSeconds: Number(cpuSeconds), rssMb: Number(rssMb) }
    },
  }
}

/** Status 0: the connection broke off before an answer came. @param {string} url @param {string} body */
async function post(url, body) {
  try {
    const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    await answer.text()
    return { status: answer.status, retryAfter: answer.headers.get('retry-after') }
  } catch {
    return { status: 0, retryAfter: null }
  }
}

/** @param {{ main: string, meter: string, baseline: string, seconds: number }} options */
async function atRate(options) {
  const receiver = await listen(options)
  const count = (options.seconds * RATE) / BATCH
  const bodies = Array.from({ length: count }, (_, i) => spanRequest(i * BATCH, BATCH))
  const startMs = performance.now()
  const answers = await Promise.all(
    bodies.map(async (body, i) => {
      await wait(Math.max(0, startMs + (i * BATCH * 1000) / RATE - performance.now()))
      return post(receiver.url, body)
    }),
  )
  const seconds = (performance.now() - startMs) / 1000
  const { lines, cpuSeconds, rssMb } = await receiver.stop()
  const refused = answers.filter(({ status }) => status !== 200).length
  const lost = count * BATCH - lines
  const isGood = refused === 0 && lost === 0 && cpuSeconds < seconds
  console.log(
    `${isGood ? 'good' : 'FAIL'}  receiver: ${Math.round((count * BATCH) / seconds).toLocaleString('en')} spans a second for ` +
      `${seconds.toFixed(1)} s, ${refused} requests refused, ${lost} spans lost, ` +
      `${Math.round((100 * cpuSeconds) / seconds)} % of one core, peak memory ${rssMb} MB`,
  )
  return isGood
}

/** Requests of 8 MB all at once: more than it will hold. @param {{ main: string, meter: string, baseline: string }} options */
async function overload(options) {
  const receiver = await listen(options)
  const each = 5000
  const bodies = Array.from({ length: 24 }, (_, i) => spanRequest(i * each, each))
  const answers = await Promise.all(bodies.map((body) => post(receiver.url, body)))
  const taken = answers.filter(({ status }) => status === 200).length
  const broken = answers.filter(({ status }) => status === 0).length
  const again = answers.filter(
    ({ status, retryAfter }) => (status === 429 || status === 503) && retryAfter !== null,
  )
  // As a sender does: what was refused is sent again.
  for (let i = 0; i < bodies.length; i++) {
    const body = bodies[i] ?? ''
    while (answers[i]?.status !== 200) {
      await wait(100)
      answers[i] = await post(receiver.url, body)
    }
  }
  const { lines, rssMb } = await receiver.stop()
  const lost = bodies.length * each - lines
  const isGood = again.length > 0 && taken + again.length === bodies.length && lost === 0
  console.log(
    `${isGood ? 'good' : 'FAIL'}  overload: of ${bodies.length} requests of 8 MB at once ${taken} were taken, ${again.length} asked to ` +
      `come again, ${broken} broken off; then ${lost} spans lost, peak memory ${rssMb} MB`,
  )
  return isGood
}
