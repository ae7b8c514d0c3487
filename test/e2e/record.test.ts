/** `--record` and `replay` by the command line, against the simulated provider. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { runCli, startSimulate, workspace } from '../support/cli.js'

const Document = z.looseObject({
  exit: z.number(),
  runs: z.array(
    z.looseObject({
      scenario: z.string(),
      snapshot: z.looseObject({
        summary: z.array(z.unknown()),
        instrument: z.looseObject({ overloaded: z.boolean() }),
      }),
    }),
  ),
})

test('a recorded run replays with no network to the same samples and summary, and says what a recording holds', async () => {
  const here = workspace()
  here.write(
    's.yaml',
    `targets:
  - { name: sim, simulate: { profile: exact } }
probes:
  - { probe: prompt-length, promptTokens: [64, 512], outputTokens: 16, blocks: 2 }
  - { probe: concurrency, concurrency: [1, 4], promptTokens: 64, outputTokens: 16, blocks: 2 }
`,
  )
  const flags = ['--record', 'rec', '--samples', 'run.ndjson', '--json', '--quiet']
  const ran = await runCli(['run', 's.yaml', ...flags], { cwd: here.path })
  expect(ran).toMatchObject({ code: 0, stderr: expect.stringContaining('holds what the models answered') })
  const [recording] = readdirSync(join(here.path, 'rec'))
  expect(recording).toMatch(/^\d{8}T.*\.s\.recording\.ndjson$/)

  const replayed = await runCli(['replay', 'rec', '--samples', 'replay.ndjson', '--json'], { cwd: here.path })
  expect(replayed).toMatchObject({ code: 0, stderr: '' })
  expect(here.read('replay.ndjson')).toBe(here.read('run.ndjson'))
  const [first, again] = [ran, replayed].map(({ stdout }) => Document.parse(JSON.parse(stdout)))
  expect(again!.runs[0]!.snapshot.summary).toEqual(first!.runs[0]!.snapshot.summary)

  const compared = await runCli(
    ['compare', 'results/s', join('rec', (recording ?? '').replace(/\.ndjson$/, '.json'))],
    { cwd: here.path },
  )
  // Where others took the processor from this run, that is why it is not compared, and nothing else.
  const { overloaded } = first!.runs[0]!.snapshot.instrument
  expect(overloaded ? [5] : [0, 4]).toContain(compared.code)
})

test('probe --once --record keeps that one exchange', async () => {
  const url = await startSimulate(['--profile', 'exact', '--model', 'm'])
  const here = workspace()
  const flags = ['--model', 'm', '--prompt-tokens', '64', '--output-tokens', '8', '--once', '--json']
  const once = await runCli(['probe', url, ...flags, '--record', 'rec'], { cwd: here.path })
  expect(once.code).toBe(0)
  const replayed = await runCli(['replay', 'rec', '--samples', 'samples.ndjson'], { cwd: here.path })
  // The run of one exchange has no end of its own; all that it sent is there.
  expect(replayed).toMatchObject({ code: 0 })
  const { sample } = z.looseObject({ sample: z.unknown() }).parse(JSON.parse(once.stdout))
  expect(JSON.parse(here.read('samples.ndjson'))).toEqual(sample)
})

test('replay of a folder that is no recording exits 2 and says how one is made', async () => {
  const here = workspace()
  expect(await runCli(['replay', '.'], { cwd: here.path })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--record DIR'),
  })
})

test.runIf(process.platform === 'linux')(
  'a recording that cannot be put where it is asked ends the run before a request, with the reason',
  async () => {
    const here = workspace()
    const url = await startSimulate(['--profile', 'exact'])
    // Where /proc has no such entry, Node's own recursive mkdir never comes back.
    const flags = ['--prompt-tokens', '64', '--output-tokens', '8', '--once', '--record', '/proc/none/rec']
    expect(await runCli(['probe', url, '--model', 'exact', ...flags], { cwd: here.path })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('/proc/none'),
    })
  },
)
