import { createServer } from 'node:http'
import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { createAgenda, runToEnd } from '../../src/simulate/agenda.js'
import { startPacer } from '../../src/simulate/pacer.js'
import { createSender } from '../../src/simulate/sender.js'

it('a sent event is with the kernel when send returns: nothing is corked or queued', async () => {
  const left: number[] = []
  const server = createServer({ noDelay: true }, (_, response) => {
    const sender = createSender(response)
    sender.open({ 'content-type': 'text/event-stream' })
    for (const text of ['data: eins\n\n', 'data: zwölf\n\n']) {
      sender.send(text)
      left.push(response.socket!.writableLength, response.socket!.writableCorked)
    }
    sender.end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.on('data', (part) => (text += part.toString()))
  socket.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
  await once(socket, 'end')
  server.close()
  expect(left).toEqual([0, 0, 0, 0])
  expect(text.slice(text.indexOf('\r\n\r\n') + 4)).toBe(
    'c\r\ndata: eins\n\n\r\ne\r\ndata: zwölf\n\n\r\n0\r\n\r\n',
  )
})

it('a HTTP/1.0 client gets the same events unchunked', async () => {
  const server = createServer((_, response) => {
    const sender = createSender(response)
    sender.open({})
    sender.send('data: 1\n\n')
    sender.end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  let text = ''
  socket.on('data', (part) => (text += part.toString()))
  socket.write('GET / HTTP/1.0\r\n\r\n')
  await once(socket, 'end')
  server.close()
  expect(text.endsWith('\r\n\r\ndata: 1\n\n')).toBe(true)
})

it('an agenda runs entries by due time, ties in the order they came, and tells the due time', () => {
  const agenda = createAgenda()
  const ran: [string, number][] = []
  const note = (name: string) => (dueMs: number) => void ran.push([name, dueMs])
  for (const [dueMs, name] of [
    [5, 'c'],
    [1, 'a'],
    [5, 'd'],
    [3, 'b'],
  ] as const)
    agenda.at(dueMs, note(name))
  agenda.at(4, () => agenda.at(4, note('from within')))
  agenda.runDue(2)
  expect(ran).toEqual([['a', 1]])
  expect(agenda.nextMs()).toBe(3)
  expect(runToEnd(agenda)).toBe(5)
  expect(ran.slice(1)).toEqual([
    ['b', 3],
    ['from within', 4],
    ['c', 5],
    ['d', 5],
  ])
  expect(agenda.nextMs()).toBe(Infinity)
})

it('a pacer never runs an entry before its time, and counts due times from the plan, not from the last run', async () => {
  const pacer = startPacer(() => performance.now())
  const startMs = performance.now() + 5
  const ran: { dueMs: number; atMs: number }[] = []
  await new Promise<void>((resolve) => {
    const next = (dueMs: number): void => {
      ran.push({ dueMs, atMs: performance.now() })
      if (ran.length === 20) resolve()
      else pacer.agenda.at(dueMs + 3.3, next)
    }
    pacer.agenda.at(startMs, next)
  })
  pacer.stop()
  ran.forEach(({ dueMs, atMs }, i) => {
    expect(dueMs).toBeCloseTo(startMs + i * 3.3, 6)
    expect(atMs).toBeGreaterThanOrEqual(dueMs)
  })
})

it('an idle pacer turns no loop: 300 ms before the next entry cost less than 20 ms of CPU', async () => {
  const pacer = startPacer(() => performance.now())
  const before = process.cpuUsage()
  await new Promise<void>((resolve) => pacer.agenda.at(performance.now() + 300, () => resolve()))
  const { user, system } = process.cpuUsage(before)
  pacer.stop()
  expect((user + system) / 1000).toBeLessThan(20)
})
