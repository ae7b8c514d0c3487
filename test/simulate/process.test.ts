import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { spawnSimulator } from '../../src/simulate/process.js'
import { ensureBuilt } from '../support/build.js'

let dist = ''
beforeAll(async () => {
  dist = await ensureBuilt()
})

/** A program that starts a simulator through the built module and then does `then`. */
function program(then: string): string {
  const module = pathToFileURL(join(dist, 'src/simulate/process.js')).href
  return `import { spawnSimulator } from ${JSON.stringify(module)}
    const simulator = await spawnSimulator({ profile: 'exact' })
    console.log(simulator.pid)
    ${then}`
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('a simulator in a process of its own', () => {
  it('serves a law to another process and is gone after close', async () => {
    const truth = join(mkdtempSync(join(tmpdir(), 'simulate-')), 'truth.ndjson')
    const simulator = await spawnSimulator({ profile: 'exact', set: { base: 30, fresh: 0, tpot: 4 }, truth })
    const ask = { model: 'exact', max_tokens: 20, messages: [{ role: 'user', content: 'Hello.' }] }
    const beganMs = performance.now()
    const response = await fetch(`${simulator.url}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify(ask),
    })
    const body: unknown = await response.json()
    expect(performance.now() - beganMs).toBeGreaterThan(30 + 19 * 4)
    expect(body).toMatchObject({ usage: { completion_tokens: 20 } })
    expect(JSON.parse(readFileSync(truth, 'utf8'))).toMatchObject({ ttftMs: 30, outcome: 'ok' })
    await simulator.close()
    expect(isAlive(simulator.pid)).toBe(false)
  })

  it('says why it could not start', async () => {
    await expect(spawnSimulator({ profile: 'nothing' })).rejects.toThrow(/profile 'nothing' is unknown/)
  })

  it('does not keep its parent alive, and ends with it', async () => {
    const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', program('')])
    const pid = Number((await run).stdout)
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), 5000)
  })

  it('ends when its parent is killed with SIGKILL', async () => {
    const args = ['--input-type=module', '-e', program('setInterval(() => {}, 1000)')]
    const parent = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line]: unknown[] = await once(parent.stdout, 'data')
    const pid = Number(String(line))
    expect(isAlive(pid)).toBe(true)
    parent.kill('SIGKILL')
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), 5000)
  })
})
