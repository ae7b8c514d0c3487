/** A recording larger than the heap is measured all the same: each exchange is let go once it is a sample. */
import { spawn } from 'node:child_process'
import { appendFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { cliPath, runCli, workspace } from '../support/cli.js'

const HEAP_MB = 64
const COPIES = 150
/** Below the longest event that is read. */
const COMMENT_BYTES = 500_000

const Entry = z.looseObject({
  exchange: z.looseObject({ body: z.string(), chunks: z.array(z.tuple([z.number(), z.number()])) }),
})

it('100 MB of recording are replayed in a heap of 64 MB, sample for sample', async () => {
  const here = workspace()
  here.write(
    'small.yaml',
    `targets: [{ name: sim, simulate: { profile: exact } }]
probes: [{ probe: prompt-length, promptTokens: [64, 128, 256], outputTokens: 8, blocks: 1 }]
warmup: { requests: 0 }
`,
  )
  const made = await runCli(['run', 'small.yaml', '--record', 'rec', '--quiet'], { cwd: here.path })
  expect(made.code, made.stderr).toBe(0)
  const [name = ''] = readdirSync(join(here.path, 'rec'))
  const lines = readFileSync(join(here.path, 'rec', name), 'utf8')
    .trimEnd()
    .split('\n')
  const exchanges = lines.filter((line) => line.startsWith('{"kind":"exchange"'))
  const large = Entry.parse(JSON.parse(exchanges[0] ?? ''))

  // A comment of the stream in front of it: more to keep, nothing more to measure.
  const comment = Buffer.from(`: ${'x'.repeat(COMMENT_BYTES)}\n\n`)
  const { exchange } = large
  exchange.body = Buffer.concat([comment, Buffer.from(exchange.body, 'base64')]).toString('base64')
  exchange.chunks = exchange.chunks.map(([ns, end]) => [ns, end + comment.length])
  mkdirSync(join(here.path, 'large'))
  const file = join(here.path, 'large', 'large.recording.ndjson')
  writeFileSync(file, `${lines[0]}\n`)
  for (let i = 0; i < COPIES; i++) appendFileSync(file, `${JSON.stringify(large)}\n`)
  appendFileSync(file, `${lines.at(-1)}\n`)

  const replay = [`--max-old-space-size=${HEAP_MB}`, await cliPath(), 'replay', 'large', '--json']
  const child = spawn(process.execPath, replay, { cwd: here.path, stdio: ['ignore', 'pipe', 'inherit'] })
  let out = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  const code = await new Promise((resolve) => child.once('close', resolve))
  expect(code).toBe(0)
  const told = z
    .object({ problems: z.array(z.string()), runs: z.array(z.looseObject({ path: z.string() })) })
    .parse(JSON.parse(out))
  expect(told.problems).toEqual([])
  const written = z
    .looseObject({ samples: z.array(z.looseObject({ outcome: z.string() })) })
    .parse(JSON.parse(readFileSync(told.runs[0]?.path.replace(/^(?!\/)/, `${here.path}/`) ?? '', 'utf8')))
  expect(written.samples).toHaveLength(COPIES)
  expect(new Set(written.samples.map(({ outcome }) => outcome))).toEqual(new Set(['ok']))
}, 300_000)
