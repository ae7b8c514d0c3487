// @ts-check
/** What the campaign works with: the built program as a process, a folder of its own, and a chat server that counts. */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const ROOT = new URL('../../', import.meta.url)
const MAIN = fileURLToPath(new URL('dist/src/cli/main.js', ROOT))
export const HOOK = fileURLToPath(new URL('fail-call.cjs', import.meta.url))

/** Told to stop: each part ends with what it has, and says how much that is. */
export const enough = { isTrue: false }

/** What hangs, hangs for ever; on a machine that forty others want, two seconds of work have taken four minutes. */
const LONGEST_MS = 900_000

/** A part of what is built. @param {string} path */
export const built = (path) => import(new URL(`dist/src/${path}.js`, ROOT).href)

/**
 * @typedef {{ code: number | null, signal: NodeJS.Signals | null, stdout: string, stderr: string }} Ended
 * @typedef {{ child: import('node:child_process').ChildProcess, ended: Promise<Ended> }} Started
 * @param {readonly string[]} args
 * @param {string} cwd
 * @param {Record<string, string>} [env]
 * @param {number} [mostMs]
 * @returns {Started}
 */
export function start(args, cwd, env = {}, mostMs = LONGEST_MS) {
  return startProgram(MAIN, args, cwd, env, mostMs)
}

/**
 * As `start`, another program.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {string} cwd
 * @param {Record<string, string>} env
 * @param {number} mostMs
 * @param {'ignore' | 'pipe'} [stdin]
 * @returns {Started}
 */
export function startProgram(program, args, cwd, env, mostMs, stdin = 'ignore') {
  const child = spawn(process.execPath, [program, ...args], {
    cwd,
    env: { PATH: process.env['PATH'], ...env },
    stdio: [stdin, 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout?.setEncoding('utf8').on('data', (text) => (stdout += text))
  child.stderr?.setEncoding('utf8').on('data', (text) => (stderr += text))
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
  // What hangs is a finding, not a reason to hang as well.
  const timer = setTimeout(() => child.kill('SIGABRT'), mostMs)
  return { child, ended: ended.finally(() => clearTimeout(timer)) }
}

/** A folder that lives as long as `work`. @template T @param {(path: string) => Promise<T>} work @returns {Promise<T>} */
export async function within(work) {
  const path = mkdtempSync(join(tmpdir(), 'plumbline-faults-'))
  try {
    return await work(path)
  } finally {
    rmSync(path, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** @param {string} path @param {string} name @param {string} text */
export function put(path, name, text) {
  writeFileSync(join(path, name), text)
}

/** Files of the results of scenario `s`, whole paths. @param {string} path @param {RegExp} names */
export function results(path, names) {
  const folder = join(path, 'results', 's')
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => names.test(name))
    .sort()
    .map((name) => join(folder, name))
}
export const JOURNAL = /\.journal$/
export const SNAPSHOT = /^\d{8}T.*\.json$/

/** Journals whose run is not saved: one killed in its last moment leaves a whole snapshot and its journal beside it. @param {string} path */
export const unsaved = (path) =>
  results(path, JOURNAL).filter((file) => !existsSync(file.replace(JOURNAL, '.json')))

/** Ids of the samples in whole lines of all journals. @param {string} path @returns {string[]} */
export function journalled(path) {
  return results(path, JOURNAL).flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .slice(0, -1)
      .flatMap((line) => {
        const entry = JSON.parse(line)
        return entry.kind === 'sample' ? [entry.sample.id] : []
      }),
  )
}

/** @typedef {{ asked: number, tokens: number, prompts: Set<string>, url: string, close: () => void }} Chat */

/**
 * Answers chat completions as a stream, five tokens each, and counts what it was asked. A word is a token to it.
 * @param {{ gapMs?: number, usage?: (n: number) => unknown }} [options] `usage`: what it says was used
 * @returns {Promise<Chat>}
 */
export async function chat({ gapMs = 0, usage } = {}) {
  /** @type {Chat} */
  const self = { asked: 0, tokens: 0, prompts: new Set(), url: '', close: () => undefined }
  const server = createServer((request, response) => {
    let text = ''
    request.setEncoding('utf8').on('data', (part) => (text += part))
    const answer = async () => {
      const body = JSON.parse(text)
      const n = ++self.asked
      const most = body.max_completion_tokens ?? body.max_tokens ?? 5
      const prompt = body.messages.map((/** @type {{ content: string }} */ each) => each.content).join('\n')
      self.prompts.add(prompt)
      self.tokens += most
      response.on('error', () => undefined)
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const event = (/** @type {object} */ fields) => response.write(`data: ${JSON.stringify(fields)}\n\n`)
      for (let i = 0; i < most; i++) {
        event({ choices: [{ index: 0, delta: { content: ' the' }, finish_reason: null }] })
        if (gapMs > 0) await sleep(gapMs)
      }
      event({ choices: [{ index: 0, delta: {}, finish_reason: 'length' }] })
      const said = usage === undefined ? { prompt_tokens: 64, completion_tokens: most } : usage(n)
      if (said !== undefined)
        response.write(
          `data: {"choices":[],"usage":${typeof said === 'string' ? said : JSON.stringify(said)}}\n\n`,
        )
      response.end('data: [DONE]\n\n')
    }
    request.on('end', () => void answer().catch(() => response.destroy()))
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  self.url = `http://127.0.0.1:${address.port}/v1`
  self.close = () => {
    server.closeAllConnections()
    server.close()
  }
  return self
}

/** @param {string} url @param {number} blocks @param {string} [rest] */
export function scenario(url, blocks, rest = '') {
  return `name: s
targets:
  - { name: t, baseUrl: '${url}', model: m, tokenizer: o200k_base, price: { inputPerM: 1000, outputPerM: 1000 } }
probes:
  - { probe: prompt-length, promptTokens: [64, 128], outputTokens: 5, blocks: ${blocks} }
warmup: { requests: 1 }
${rest}
`
}

/** Does `work` to each, so many at once, until it is enough. @template T, R @param {readonly T[]} items @param {number} width @param {(item: T) => Promise<R>} work @returns {Promise<R[]>} */
export async function spread(items, width, work) {
  /** @type {R[]} */
  const answers = []
  let next = 0
  const walk = async () => {
    for (let i = next++; i < items.length && !enough.isTrue; i = next++) {
      const item = items[i]
      if (item !== undefined) answers[i] = await work(item)
    }
  }
  await Promise.all(Array.from({ length: width }, walk))
  return answers
}

/** Numbers from 0 to 1 that a seed gives again: mulberry32. @param {number} seed */
export function seeded(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
