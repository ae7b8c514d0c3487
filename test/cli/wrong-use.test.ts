/** What a stranger gets wrong: each command says what happened, where, and what to do, and ends with 2. */
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { commands } from '../../src/cli/commands.js'
import { encodeSnapshot } from '../../src/snapshot/format.js'
import { simulatedSnapshot } from '../compare/simulated-snapshot.js'
import { call } from './call.js'

const SCENARIO =
  'name: s\ntargets: [{ name: t, simulate: { profile: exact } }]\nprobes: [{ probe: prompt-length }]\n'

/** A folder with one of everything that is no snapshot, no scenario and no spans. */
function place(): string {
  const cwd = mkdtempSync(join(tmpdir(), 'plumbline-wrong-'))
  onTestFinished(() => rmSync(cwd, { recursive: true, force: true }))
  mkdirSync(join(cwd, 'folder'))
  writeFileSync(join(cwd, 'empty'), '')
  writeFileSync(join(cwd, 'text.txt'), 'hello\nworld\n')
  writeFileSync(join(cwd, 'object.json'), '{"a":1}\n')
  writeFileSync(join(cwd, 'good.yaml'), `${SCENARIO}schedule: { cron: '7 3 * * *' }\n`)
  writeFileSync(join(cwd, 'cron.yaml'), `${SCENARIO}schedule: { cron: '61 * * * *' }\n`)
  writeFileSync(join(cwd, 'snapshot.json'), encodeSnapshot(simulatedSnapshot('20261123T090000Z-9c1e')))
  return cwd
}

/** A name that begins with @ lies in the folder. */
const there = (line: string, cwd: string): string[] =>
  line.split(' ').map((word) => (word.startsWith('@') ? join(cwd, word.slice(1)) : word))

test.each<[string, RegExp]>([
  ['rnu', /unknown command 'rnu'\n\(Did you mean run\?\)/],
  ['run', /missing required argument 'scenario'\n\(plumbline run --help shows what there is\)/],
  ['probe http://127.0.0.1:9/v1', /--model <name>' not specified\n\(plumbline probe --help shows/],
  ['--nothing', /unknown option '--nothing'\n\(plumbline --help shows what there is\)/],
  [
    'run @good.yaml --budget-requests 0',
    /--budget-requests <n>.*a whole number from 1 up is needed, got '0'/,
  ],
  ['run @good.yaml --budget-tokens 0', /a whole number from 1 up is needed, got '0'/],
  ['run @none.yaml', /none\.yaml: cannot be read: there is no such file or folder \(ENOENT\)/],
  ['run @folder', /folder: cannot be read: it is a folder \(EISDIR\)/],
  ['run @empty', /empty:1:1: a scenario is a mapping with the keys targets and probes/],
  ['run @good.yaml --dryrun', /unknown option '--dryrun'\n\(Did you mean --dry-run\?\)/],
  ['run @good.yaml --seed x', /--seed <n>.*a whole number is needed, got 'x'/],
  ['run @good.yaml --samples @folder', /folder: it is a folder \(EISDIR\); choose another --samples/],
  ['validate @cron.yaml', /cron\.yaml:4:19: schedule\.cron cannot be read: .*minute: 61/],
  ['validate @folder', /it is a folder/],
  ['probe http://127.0.0.1:9/v1 --model m --protocol opnai-chat', /did you mean 'openai-chat'\?/],
  ['probe http://127.0.0.1:9/v1 --model m --protocol opneai', /did you mean 'openai-chat'\?/],
  ['compare @none @none', /there is no such file or folder/],
  ['compare @empty @empty', /empty: is empty, cut off at byte 0; copy it again/],
  ['compare @text.txt @text.txt', /is no snapshot: it does not begin as one/],
  ['compare @object.json @object.json', /is no snapshot: it has no "format"/],
  ['compare @cron.yaml @cron.yaml', /is no snapshot: it does not begin as one/],
  ['compare baseline:s @object.json', /no baseline of this scenario was accepted; `plumbline accept/],
  ['accept @folder', /holds no snapshot; name a folder that does/],
  ['attribute @text.txt', /spans are needed/],
  ['attribute @folder @text.txt', /holds no snapshot that can be read/],
  ['trend @none', /there is no such file or folder; plumbline run writes snapshots/],
  ['report @text.txt -o @page.html', /is no snapshot/],
  [
    'report @snapshot.json -o @folder',
    /the page cannot be written: it is a folder \(EISDIR\); choose another -o/,
  ],
  ['report @snapshot.json -o @no/page.html', /there is no such file or folder \(ENOENT\); choose another -o/],
  ['report --attribution @empty -o @page.html', /empty: holds no attribution; plumbline attribute/],
  ['report --attribution @folder -o @page.html', /cannot be read: it is a folder \(EISDIR\)/],
  ['replay @none', /there is no such file or folder \(ENOENT\); name a folder that --record made/],
  ['replay @text.txt', /is no recording/],
  ['schedule @cron.yaml', /cron\.yaml:4:19: schedule\.cron cannot be read/],
  ['simulate --profile @none.yaml', /none\.yaml can't be read: there is no such file or folder/],
  ['simulate --port 99999', /a port is a number from 0 to 65535, got '99999'/],
  ['simulate --set a', /--set a must read name=value/],
  [
    'simulate --truth @folder --port 0',
    /folder: cannot be written: it is a folder \(EISDIR\); choose another --truth/,
  ],
  ['init --provider opnai', /no provider is called opnai \(did you mean 'openai'\?\)/],
  ['doctor @none', /no file or folder of spans lies here/],
])('%s: exit 2 and a sentence', async (line, sentence) => {
  const cwd = place()
  const { code, stdout, stderr } = await call(there(line, cwd), { cwd })
  expect(stderr).toMatch(sentence)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
})

test('init where a file cannot be written: exit 2 with its name and why, and what was written before it', async () => {
  const cwd = mkdtempSync(join(tmpdir(), 'plumbline-wrong-'))
  onTestFinished(() => rmSync(cwd, { recursive: true, force: true }))
  writeFileSync(join(cwd, '.github'), '')
  const { code, stdout, stderr } = await call(['init', '--json'], { cwd })
  const sentence =
    '.github/workflows/plumbline.yml: cannot be written: a part of the path is no folder (ENOTDIR)'
  expect(stderr).toContain('plumbline.yaml: written')
  expect(stderr).toContain(sentence)
  expect(code).toBe(2)
  expect(JSON.parse(stdout)).toEqual({ exit: 2, problems: [expect.stringContaining(sentence)] })
})

/** A port that somebody else listens at. */
async function takenPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

test.each(['simulate --port', 'schedule @good.yaml --port', 'attribute @snapshot.json --listen'])(
  '%s of a port that is taken: exit 2, with the address and what to do',
  async (line) => {
    const cwd = place()
    const port = await takenPort()
    const { code, stderr } = await call([...there(line, cwd), String(port)], { cwd })
    const words = `cannot listen on 127.0.0.1:${port}: another program listens there (EADDRINUSE); choose another`
    expect(stderr).toContain(words)
    expect(code).toBe(2)
  },
)

/** Something that each command refuses. */
const REFUSED: Readonly<Record<string, string>> = {
  run: '@none.yaml',
  probe: 'nowhere --model m',
  compare: '@none @none',
  accept: '@none',
  attribute: '@none @none',
  trend: '@none',
  report: '@none -o @page.html',
  replay: '@none',
  schedule: '@none.yaml',
  simulate: '--profile none',
  providers: '--stranger',
  validate: '@none.yaml',
  schema: '--stranger',
  init: '--provider none',
  doctor: '@none',
}

test.each(Object.keys(commands))(
  '%s --json: what is refused is one JSON document on stdout too',
  async (name) => {
    const cwd = place()
    const args = [name, '--json', ...there(REFUSED[name] ?? '', cwd)]
    const { code, stdout, stderr } = await call(args, { cwd })
    expect(code).toBe(2)
    expect(JSON.parse(stdout)).toMatchObject({ exit: 2 })
    expect(stderr).not.toBe('')
  },
)

test('the list of commands names each once and loads none; help of one shows its flags', async () => {
  const { code, stdout } = await call(['--help'])
  expect(code).toBe(0)
  const listed = [...stdout.matchAll(/^ {2}([a-z]+) {2,}\S/gm)].map(([, name]) => name)
  expect(listed).toEqual(Object.keys(commands))
  expect(stdout).not.toContain('[options] <scenario...>')
  for (const args of [
    ['help', 'run'],
    ['run', '--help'],
  ])
    expect((await call(args)).stdout).toMatch(/run the probes of scenario files[^]*--budget-requests <n>/)
})

test('no line of any help is longer than 80 columns', async () => {
  for (const name of Object.keys(commands)) {
    const { stdout } = await call([name, '--help'])
    for (const line of stdout.split('\n')) expect(line.length, `${name}: ${line}`).toBeLessThanOrEqual(80)
  }
})
