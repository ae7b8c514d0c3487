import { spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
let clone = ''

/** Prints its arguments; `wait` counts interrupts until a second after the first and ends with 130. */
const command = (word: string): string => `
const args: string[] = process.argv.slice(2)
console.log('${word}', args.join(' '))
if (args.includes('wait')) {
  let interrupts = 0
  const alive = setInterval(() => {}, 1000)
  process.on('SIGINT', () => {
    if (++interrupts > 1) return
    setTimeout(() => {
      console.log('interrupts', interrupts)
      clearInterval(alive)
      process.exitCode = 130
    }, 1000)
  })
  console.log('ready')
}
if (args.includes('7')) process.exitCode = 7
`

/** Stands for npm: notes that it was asked, and "installs" by linking what this repository has. */
const npm = `#!/bin/sh
echo "$@" >> "$PWD/npm-calls"
mkdir -p node_modules
for package in ${root}node_modules/* ; do ln -sfn "$package" node_modules/ ; done
touch node_modules/.package-lock.json
`

beforeAll(() => {
  clone = mkdtempSync(join(tmpdir(), 'plumbline-clone-'))
  for (const name of ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json']) {
    cpSync(join(root, name), join(clone, name))
  }
  for (const folder of ['scripts', 'src/cli', 'probes', 'bin'])
    mkdirSync(join(clone, folder), { recursive: true })
  for (const name of ['start.mjs', 'build.mjs'])
    cpSync(join(root, 'scripts', name), join(clone, 'scripts', name))
  writeFileSync(join(clone, 'src', 'cli', 'main.ts'), command('first'))
  writeFileSync(join(clone, 'bin', 'npm'), npm)
  chmodSync(join(clone, 'bin', 'npm'), 0o755)
})

afterAll(() => rmSync(clone, { recursive: true, force: true }))

function environment(): NodeJS.ProcessEnv {
  const { npm_execpath: _, ...rest } = process.env
  return { ...rest, PATH: `${join(clone, 'bin')}:${process.env['PATH'] ?? ''}` }
}

function start(...args: string[]) {
  return spawnSync(process.execPath, [join(clone, 'scripts', 'start.mjs'), ...args], {
    encoding: 'utf8',
    env: environment(),
  })
}

const npmCalls = (): number => readFileSync(join(clone, 'npm-calls'), 'utf8').trim().split('\n').length

test('on a fresh clone it installs, builds and runs the quickstart with further arguments', () => {
  const { stdout, stderr, status } = start('--seed', '4')
  expect(stdout).toBe('first run scenarios/quickstart.yaml --seed 4\n')
  expect(stderr).toMatch(/Installing[^]*Building[^]*Running/)
  expect(status).toBe(0)
  expect(readFileSync(join(clone, 'npm-calls'), 'utf8')).toMatch(/^ci --ignore-scripts /)
})

test('run again it does neither, and hands the exit code on', () => {
  const { stderr, status } = start('7')
  expect(stderr).toBe('Running: plumbline run scenarios/quickstart.yaml 7\n')
  expect(status).toBe(7)
  expect(npmCalls()).toBe(1)
})

test('a changed source is built again, an unchanged one that looks newer is not', () => {
  utimesSync(join(clone, 'src', 'cli', 'main.ts'), new Date(), new Date())
  expect(start().stderr).not.toContain('Building')
  writeFileSync(join(clone, 'src', 'cli', 'main.ts'), command('second'))
  const { stdout, stderr } = start()
  expect(stderr).toContain('Building')
  expect(stderr).not.toContain('Installing')
  expect(stdout).toMatch(/^second /)
})

test('another package-lock.json is installed', () => {
  const lock = join(clone, 'package-lock.json')
  writeFileSync(lock, `${readFileSync(lock, 'utf8')}\n`)
  const later = new Date(Date.now() + 60_000)
  utimesSync(lock, later, later)
  expect(start().stderr).toContain('Installing')
  expect(start().stderr).not.toContain('Installing')
  expect(npmCalls()).toBe(2)
})

test('a build that fails ends with 3 and what the compiler found, and nothing runs', () => {
  const path = join(clone, 'src', 'cli', 'main.ts')
  const good = readFileSync(path, 'utf8')
  writeFileSync(path, 'export const wrong: number = "text"\n')
  const { stdout, status } = start()
  expect(stdout).toContain('main.ts')
  expect(stdout).not.toContain('run scenarios')
  expect(status).toBe(3)
  writeFileSync(path, good)
})

test('Node below 20.18.1 gets a sentence and exit 2', () => {
  const older = 'data:text/javascript,Object.defineProperty(process.versions,"node",{value:"20.18.0"})'
  const { stderr, status } = spawnSync(
    process.execPath,
    ['--import', older, join(clone, 'scripts', 'start.mjs')],
    { encoding: 'utf8', env: environment() },
  )
  expect(stderr).toBe('Plumbline needs Node 20.18.1 or newer; this is 20.18.0.\n')
  expect(status).toBe(2)
})

test('an interrupt of the whole group, handed on once more as npm does, reaches the command once', async () => {
  const child = spawn(process.execPath, [join(clone, 'scripts', 'start.mjs'), 'wait'], {
    detached: true,
    env: environment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const { pid = 0 } = child
  let output = ''
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve))
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      if (output.includes('ready')) resolve()
    })
  })
  process.kill(-pid, 'SIGINT')
  process.kill(pid, 'SIGINT')
  expect(await ended).toBe(130)
  expect(output).toContain('interrupts 1\n')
})
