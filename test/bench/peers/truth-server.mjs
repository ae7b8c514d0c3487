// @ts-check
/**
 * A paced OpenAI-chat server of known truth: every token is stamped at the raw socket on the machine's monotonic clock,
 * and the stamps can be fetched. It shares no code with the calibration's server, which it is there to judge.
 *
 * Prints its port, ends with its stdin. Options in argv as JSON:
 * `{ baseMs, gapMs, tokens, step, bare, spin }`. `step`: all streams send in one engine step. `bare`: no role and usage
 * events. `spin`: until the first token the loop never sleeps, for a request that wakes it is read, and so stamped, some .1
 * ms after it came; it costs a core for so long. Once no request comes any more the thread sleeps between two tokens: a
 * real-time program that never sleeps starves the kernel's own network threads.
 */
import { createServer } from 'node:net'

const options = {
  baseMs: 1500,
  gapMs: 20,
  tokens: 250,
  step: false,
  spin: false,
  ...JSON.parse(process.argv[2] ?? '{}'),
}
const baseNs = options.baseMs * 1e6
const gapNs = options.gapMs * 1e6
/** Timers are whole milliseconds and late: the loop spins this long before a due time. */
const SPIN_NS = 2_000_000
/** Tokens sent between two looks at the sockets. */
const MOST_A_TURN = 32
/** The last request has come when none has for so long. */
const QUIET_NS = 50e6
const LONGEST_NAP_MS = 2
/** A loop that spins naps so often, for so long, that the kernel's threads get on. */
const NAP_EVERY_NS = 1e6
const SHORT_NAP_MS = 0.03
const never = new Int32Array(new SharedArrayBuffer(4))

const originNs = process.hrtime.bigint()
const nowNs = () => Number(process.hrtime.bigint() - originNs)

/** @typedef {{ socket: import('node:net').Socket, tokens: number, receivedNs: number, sent: number, dueNs: number, sentNs: number[], name: string }} Stream */
/** @type {Stream[]} */
let streams = []
/** Streams before their first token, and those after it: each in the order of their next token. @type {[Stream[], Stream[]]} */
const queues = [[], []]
/** @type {[number, number]} */
const heads = [0, 0]
let isRunning = false
let lastReadNs = 0

/** @param {string} text */
const chunk = (text) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`
/** @param {object} delta @param {string | null} reason @param {string} id */
const event = (delta, reason, id) =>
  chunk(
    `data: ${JSON.stringify({
      id,
      object: 'chat.completion.chunk',
      created: 1767225600,
      model: 'truth',
      choices: [{ index: 0, delta, finish_reason: reason }],
    })}\n\n`,
  )
const HEAD =
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n'

/** @param {Stream} stream */
function sendToken(stream) {
  const { socket, name } = stream
  const last = stream.sent + 1 === stream.tokens
  const text = event({ content: ' plumb' }, null, name)
  if (socket.writable) {
    stream.sentNs.push(nowNs())
    socket.write(text)
  }
  stream.sent++
  if (!last) return
  const usage = { prompt_tokens: 16, completion_tokens: stream.tokens, total_tokens: 16 + stream.tokens }
  const tail = {
    id: name,
    object: 'chat.completion.chunk',
    created: 1767225600,
    model: 'truth',
    choices: [],
    usage,
  }
  socket.write(
    `${event({}, 'length', name)}${chunk(`data: ${JSON.stringify(tail)}\n\n`)}${chunk('data: [DONE]\n\n')}0\r\n\r\n`,
  )
}

/** The stream whose token is due first, and which queue it heads. */
function first() {
  const [a, b] = [queues[0][heads[0]], queues[1][heads[1]]]
  if (a === undefined && b === undefined) return null
  return b === undefined || (a !== undefined && a.dueNs <= b.dueNs) ? 0 : 1
}

let lastNapNs = 0
function nap() {
  if (nowNs() - lastNapNs < NAP_EVERY_NS) return
  Atomics.wait(never, 0, 0, SHORT_NAP_MS)
  lastNapNs = nowNs()
}

function look() {
  for (let tokens = 0; ; tokens++) {
    const at = first()
    if (at === null) break
    // A server that is behind still reads what comes: a request unread is time that the judge would lay to the client.
    if (tokens === MOST_A_TURN) return void setImmediate(look)
    const stream = /** @type {Stream} */ (queues[at][heads[at]])
    const waitNs = stream.dueNs - nowNs()
    if (waitNs > 0) {
      if (nowNs() - lastReadNs > QUIET_NS) Atomics.wait(never, 0, 0, Math.min(waitNs / 1e6, LONGEST_NAP_MS))
      if (options.spin !== true && waitNs > SPIN_NS + 1e6) setTimeout(look, (waitNs - SPIN_NS) / 1e6)
      else setImmediate(look)
      return
    }
    heads[at]++
    sendToken(stream)
    if (stream.sent < stream.tokens) {
      stream.dueNs += gapNs
      queues[1].push(stream)
    }
    if (heads[at] > 10_000) {
      queues[at].splice(0, heads[at])
      heads[at] = 0
    }
  }
  isRunning = false
}

/** @param {import('node:net').Socket} socket @param {number} receivedNs @param {string} body */
function begin(socket, receivedNs, body) {
  /** @type {{ max_tokens?: number, max_completion_tokens?: number }} */
  const asked = body === '' ? {} : JSON.parse(body)
  const tokens = asked.max_completion_tokens ?? asked.max_tokens ?? options.tokens
  const dueNs = receivedNs + baseNs
  const name = `truth-${streams.length}`
  /** @type {Stream} */
  const stream = {
    socket,
    tokens,
    receivedNs,
    sent: 0,
    dueNs: options.step ? Math.ceil(dueNs / gapNs) * gapNs : dueNs,
    sentNs: [],
    name,
  }
  streams.push(stream)
  socket.write(`${HEAD}${options.bare === true ? '' : event({ role: 'assistant', content: '' }, null, name)}`)
  queues[0].push(stream)
  if (isRunning) return
  isRunning = true
  setImmediate(look)
}

/** @param {import('node:net').Socket} socket @param {unknown} value */
function answer(socket, value) {
  const text = JSON.stringify(value)
  socket.write(
    `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  )
}

let isSpinning = false
function spin() {
  if (isRunning) isSpinning = false
  else {
    nap()
    setImmediate(spin)
  }
}

const server = createServer((socket) => {
  socket.setNoDelay(true)
  if (options.spin === true && !isSpinning && !isRunning) {
    isSpinning = true
    spin()
  }
  socket.on('error', () => socket.destroy())
  let text = ''
  socket.on('data', (bytes) => {
    const receivedNs = nowNs()
    lastReadNs = receivedNs
    text += bytes.toString('latin1')
    const end = text.indexOf('\r\n\r\n')
    if (end === -1) return
    const head = text.slice(0, end)
    const length = Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0)
    if (text.length < end + 4 + length) return
    const body = Buffer.from(text.slice(end + 4, end + 4 + length), 'latin1').toString()
    text = ''
    if (/^(POST|GET) \/v1\/chat\/completions/.test(head)) return begin(socket, receivedNs, body)
    if (head.startsWith('GET /truth')) {
      const told = streams.map(({ name, receivedNs: at, sentNs }) => ({ name, receivedNs: at, sentNs }))
      return answer(socket, { originNs: String(originNs), streams: told })
    }
    if (head.startsWith('DELETE /truth')) {
      streams = []
      return answer(socket, {})
    }
    answer(socket, { object: 'list', data: [{ id: 'truth', object: 'model' }] })
  })
})
process.stdin.on('end', () => process.exit(0))
process.stdin.resume()
server.listen(0, '127.0.0.1', 2048, () => {
  const address = server.address()
  if (address !== null && typeof address === 'object') process.stdout.write(`${address.port}\n`)
})
