/** The job that comments on a pull request, given artifacts that somebody else made. */
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { encodeSnapshot } from '../../src/snapshot/format.js'
import { simulatedSnapshot, snapshotOf } from '../compare/simulated-snapshot.js'
import type { Workspace } from '../support/cli.js'
import { runCli, workspace } from '../support/cli.js'
import type { StepResult } from './workflow-steps.js'
import { runStep, shellSteps, toolFolder } from './workflow-steps.js'

/** `gh api` as far as the step needs it: one open pull request, number 7 with head abc123, and its comments in a file. */
const GH = `import { existsSync, readFileSync, writeFileSync } from 'node:fs'
const args = process.argv.slice(2)
const option = (name) => args[args.indexOf(name) + 1]
const fields = Object.fromEntries(args.flatMap((arg, i) => (/^-[fF]$/.test(arg) ? [args[i + 1].split(/=(.*)/s)] : [])))
const comments = existsSync('comments.json') ? JSON.parse(readFileSync('comments.json', 'utf8')) : []
const path = args.find((arg) => arg.startsWith('repos/o/r/'))
const body = fields.body?.startsWith('@') ? readFileSync(fields.body.slice(1), 'utf8') : undefined
if (path === 'repos/o/r/pulls') {
  if (fields.head === 'fork:topic&state=closed' && option('--jq').includes('"abc123"')) console.log(7)
} else if (path === 'repos/o/r/issues/7/comments' && body === undefined) {
  for (const one of comments) if (one.body.startsWith('<!-- plumbline -->')) console.log(one.id)
} else if (path === 'repos/o/r/issues/7/comments' && option('--method') === 'POST') {
  comments.push({ id: 100 + comments.length, body })
} else if (option('--method') === 'PATCH') {
  comments.find((one) => path.endsWith('/' + one.id)).body = body
} else throw new Error('unexpected: ' + args.join(' '))
writeFileSync('comments.json', JSON.stringify(comments))
`

interface Job {
  here: Workspace
  comments(): string[]
  comment(folder: string, more?: Record<string, string>): Promise<StepResult>
}

async function commentJob(): Promise<Job> {
  const here = workspace()
  expect((await runCli(['init'], { cwd: here.path })).code).toBe(0)
  const gh = here.write('gh.mjs', GH)
  const tools = await toolFolder(here.path, { gh: `exec "${process.execPath}" "${gh}" "$@"` })
  const step = shellSteps(join(here.path, '.github/workflows/plumbline-comment.yml'), 'comment').at(-1)
  if (step === undefined) throw new Error('no step')
  const env = {
    PATH: `${tools}:${process.env['PATH'] ?? ''}`,
    GITHUB_REPOSITORY: 'o/r',
    HEAD_OWNER: 'fork',
    HEAD_BRANCH: 'topic&state=closed',
    HEAD_SHA: 'abc123',
  }
  return {
    here,
    comments() {
      if (!existsSync(join(here.path, 'comments.json'))) return []
      return (JSON.parse(here.read('comments.json')) as { body: string }[]).map(({ body }) => body)
    },
    comment: (folder, more = {}) =>
      runStep(step, { cwd: here.path, env: { ...env, ARTIFACT: join(here.path, folder), ...more } }),
  }
}

const usual = (id: string): string => encodeSnapshot(simulatedSnapshot(id, { blocks: 6 }, { resamples: 9 }))

function artifact({ path }: Workspace, name: string, baseline: string, candidate: string | null): string {
  const folder = join(path, name, 'results', 'm')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'baseline.json'), baseline)
  if (candidate !== null) writeFileSync(join(folder, '20270101T000000Z-0001.json'), candidate)
  return name
}

test('the comment is written once and updated in place afterwards; where GitHub names no pull request, there is none', async () => {
  const { here, comment, comments } = await commentJob()
  const folder = artifact(here, 'good', usual('base'), usual('candidate'))
  const other = await comment(folder, { HEAD_SHA: 'another' })
  expect(other).toMatchObject({ code: 0 })
  expect(other.stdout).toContain('no open pull request')
  expect(comments()).toEqual([])
  expect(await comment(folder)).toMatchObject({ code: 0 })
  const next = artifact(here, 'next', usual('base'), usual('later'))
  expect(await comment(next)).toMatchObject({ code: 0 })
  expect(comments().length).toBe(1)
  expect(comments()[0]).toMatch(/^<!-- plumbline -->\n\*\*later against base/)
})

test.each([
  ['5 MB of markup', `<img src=x onerror=alert(1)>@everyone ${'![x](http://evil.example/)'.repeat(200_000)}`],
  ['a snapshot cut in two', '{"format":"plumbline.snapshot/1","id":"<script>evil'],
  ['an empty file', ''],
  ['no file', null],
])('%s in place of a snapshot: no comment, exit 0, and nothing of it in the log', async (_, candidate) => {
  const { here, comment, comments } = await commentJob()
  const said = await comment(artifact(here, 'bad', usual('base'), candidate))
  expect(said.code).toBe(0)
  expect(said.stdout).toContain('no comment')
  expect(comments()).toEqual([])
  expect(`${said.stdout}${said.stderr}`).not.toMatch(/evil|onerror/)
})

test('markup, mentions and links in the names of a well-formed snapshot are shown as text', async () => {
  const { here, comment, comments } = await commentJob()
  const name = '<img src=x> @everyone [x](http://evil.example) #1'
  const hostile = (id: string): string => {
    const { samples } = simulatedSnapshot(id, { blocks: 6 }, { resamples: 9 })
    const renamed = samples.map((sample) => ({ ...sample, target: name, cell: `${sample.cell} ${name}` }))
    return encodeSnapshot(snapshotOf(id, renamed, { resamples: 9, change: { notes: [name] } }))
  }
  const folder = artifact(here, 'markup', hostile('base'), usual('candidate'))
  expect(await comment(folder)).toMatchObject({ code: 0 })
  const [body = ''] = comments()
  expect(body).toContain('&lt;img')
  expect(body).not.toMatch(/<img|@everyone|http:\/\/|#1\b/)
})

test('a link in the artifact to a file outside is not followed, and ../ in a name stays a name', async () => {
  const { here, comment, comments } = await commentJob()
  const folder = artifact(here, 'linked', usual('base'), null)
  writeFileSync(join(here.path, 'secret'), 'the secret')
  symlinkSync(join(here.path, 'secret'), join(here.path, folder, 'results/m/20270101T000000Z-0001.json'))
  const said = await comment(folder)
  expect(said).toMatchObject({ code: 0 })
  expect(said.stdout).toContain('no comment')
  expect(comments()).toEqual([])
  expect(`${said.stdout}${said.stderr}`).not.toContain('the secret')
  expect(readFileSync(join(here.path, 'secret'), 'utf8')).toBe('the secret')
})
