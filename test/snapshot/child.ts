/** A process of its own that writes a journal, to be killed. What it has printed, it had been told is safe. */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { encodeSnapshot } from '../../src/snapshot/format.js'
import { createJournal } from '../../src/snapshot/journal.js'
import { writeAtomically } from '../../src/snapshot/write.js'
import { headerOf, sampleOf, snapshotOf } from './data.js'

const [, , task, folder = '', argument = '0'] = process.argv
const say = (line: string): void => void fs.writeSync(1, `${line}\n`)

/** Ends this process in mid-write: write number `k` puts part of its bytes on the disk. */
function dieAtWrite(k: number, share: number): void {
  const real = fs.writeSync
  let writes = 0
  const writeSync = (fd: number, bytes: Uint8Array, offset?: number): number => {
    if (fd === 1) return real(fd, bytes)
    if (++writes === k) {
      real(fd, bytes, 0, Math.floor(bytes.length * share))
      process.kill(process.pid, 'SIGKILL')
    }
    return real(fd, bytes, offset)
  }
  Object.assign(fs, { writeSync })
  syncBuiltinESMExports()
}

async function journal(detailLength: number, perTurn: number): Promise<void> {
  const opened = await createJournal(folder, headerOf())
  if (!opened.ok) return say(`problem ${opened.problem.kind}`)
  say('ready')
  const detail = 'x'.repeat(detailLength)
  for (let i = 1; ; i++) {
    const sample = sampleOf(i, { detail })
    const worst = { promptTokens: 2000, outputTokens: 64, cost: 0.01 }
    const problem =
      opened.value.append({ kind: 'reserve', id: sample.id, worst }) ??
      opened.value.append({ kind: 'sample', sample, reported: { promptTokens: 1031 } })
    if (problem !== null) return say(`problem ${problem.kind}`)
    say(sample.id)
    if (i % perTurn === 0) void opened.value.sync()
    if (i % perTurn === 0) await new Promise((resolve) => setImmediate(resolve))
  }
}

switch (task) {
  case 'write':
    await journal(Number(argument), 10)
    break
  case 'die-at-write':
    dieAtWrite(Number(argument), 0.6)
    await journal(0, 1)
    break
  case 'hold': {
    const opened = await createJournal(folder, headerOf(argument))
    say(opened.ok ? 'ready' : `problem ${opened.problem.kind}`)
    if (opened.ok) setInterval(() => void opened.value.sync(), 1000)
    break
  }
  case 'replace':
    for (let i = 0; i < Number(argument); i++) {
      const text = encodeSnapshot(snapshotOf({ notes: ['y'.repeat((i * 997) % 50_000)] }))
      const written = await writeAtomically(`${folder}/baseline.json`, text)
      if (!written.ok) say(`problem ${written.problem.message}`)
    }
    say('done')
    break
  case 'no-descriptors': {
    const opened = await createJournal(folder, headerOf())
    const held: number[] = []
    try {
      for (;;) held.push(fs.openSync('/dev/null', 'r'))
    } catch {
      say(`held ${held.length > 0}`)
    }
    if (!opened.ok) break
    const appended = opened.value.append({ kind: 'note', text: 'no descriptor left' })
    say(`append ${appended?.kind ?? 'ok'}`)
    const written = await writeAtomically(`${folder}/x.json`, 'x')
    say(`write ${written.ok ? 'ok' : written.problem.kind}`)
    break
  }
  default:
    throw new Error(`unknown task ${task}`)
}
