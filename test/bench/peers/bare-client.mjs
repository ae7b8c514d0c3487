// @ts-check
/**
 * The least that a client in Node can do: sockets that read into one buffer, a stamp for each read, nothing parsed. How
 * late its stamps are is what the machine and Node's loop cost anybody, and what the instrument is held against.
 */
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { warmJudge } from './warm-judge.mjs'

/**
 * @param {{ port: number, streams: number, tokens: number, gapMs: number, spreadMs: number, baseMs: number }} options of a `bare`
 *   truth server, which sends one write for each token
 * @returns {Promise<{ late: number[], ttft: number[], cpuUs: number }>} arrival less sending of every token, and the TTFT less
 *   that of the server from reading the request on, milliseconds; CPU time for each token
 */
export async function bareLateness({ port, streams, tokens, gapMs, spreadMs, baseMs }) {
  const truth = `http://127.0.0.1:${port}`
  await warmJudge(truth)
  const buffer = Buffer.allocUnsafeSlow(65_536)
  const stamps = Array.from({ length: streams }, () => new Float64Array(tokens + 8))
  const counts = new Uint32Array(streams)
  const body = JSON.stringify({ max_tokens: tokens })
  const request = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`
  /** @type {import('node:net').Socket[]} */
  const sockets = await Promise.all(
    stamps.map(
      (own, i) =>
        new Promise((resolve, reject) => {
          const callback = () => {
            const at = counts[i] ?? 0
            if (at < own.length) own[at] = Number(process.hrtime.bigint())
            counts[i] = at + 1
            return true
          }
          const socket = connect({ port, host: '127.0.0.1', noDelay: true, onread: { buffer, callback } })
          socket.once('connect', () => resolve(socket)).once('error', reject)
        }),
    ),
  )
  const began = new Float64Array(streams)
  const startMs = performance.now()
  for (const [i, socket] of sockets.entries()) {
    for (;;) {
      const leftMs = startMs + (i * spreadMs) / streams - performance.now()
      if (leftMs <= 0) break
      // One that never sleeps has its core taken away, with a real-time priority too.
      await (leftMs > 2 ? sleep(1) : new Promise((go) => setImmediate(go)))
    }
    began[i] = Number(process.hrtime.bigint())
    socket.write(request)
  }
  await sleep(400) // as where the instrument is measured: what starting costs is not in it
  const before = process.cpuUsage()
  await sleep(baseMs + tokens * gapMs + 100)
  const { user, system } = process.cpuUsage(before)
  for (const socket of sockets) socket.destroy()

  const answer = await fetch(`${truth}/truth`)
  /** @type {{ originNs: string, streams: { receivedNs: number, sentNs: number[] }[] }} */
  const told = JSON.parse(await answer.text())
  const originNs = Number(told.originNs)
  // Streams are told apart by their order: the n-th that the server received is the n-th that was written.
  const inOrder = told.streams.toSorted((a, b) => a.receivedNs - b.receivedNs)
  // The first read holds the headers.
  const late = inOrder.flatMap(({ sentNs }, i) =>
    sentNs.map((sent, k) => ((stamps[i]?.[k + 1] ?? NaN) - originNs - sent) / 1e6),
  )
  const ttft = inOrder.map(
    ({ sentNs, receivedNs }, i) =>
      ((stamps[i]?.[1] ?? NaN) - (began[i] ?? NaN) - ((sentNs[0] ?? NaN) - receivedNs)) / 1e6,
  )
  return { late, ttft, cpuUs: (user + system) / (streams * tokens) }
}
