import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { commitOf, harnessVersion, readProvenance } from '../../src/snapshot/provenance.js'
import { temporaryFolder } from './fixtures.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

test('version, Node, system and processor are named, what the run knows is passed on', () => {
  const run = { seed: 42, runId: '20261123T090000Z-7f3a', definitions: { ttft: 'ttft/1' } }
  const provenance = readProvenance(run)
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  expect(provenance).toMatchObject({ ...run, harness: version, node: process.version })
  expect(harnessVersion).toBe(version)
  expect(provenance.os).toMatch(new RegExp(`^${process.platform} \\S+ ${process.arch}$`))
  expect(provenance.cpu).toMatch(/^\d+ x \S/)
})

describe('the commit', () => {
  function repository(): { folder: string; git: (...args: string[]) => string } {
    const folder = temporaryFolder()
    const who = ['-c', 'user.name=a', '-c', 'user.email=a@example.org']
    const git = (...args: string[]): string =>
      execFileSync('git', ['-C', folder, ...who, ...args], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      })
    git('init', '-q', '-b', 'a/branch')
    git('commit', '-q', '--allow-empty', '-m', 'one')
    return { folder, git }
  }

  test('is what git rev-parse HEAD says: on a branch, packed, detached, in a worktree', () => {
    const { folder, git } = repository()
    const head = git('rev-parse', 'HEAD').trim()
    expect(commitOf(folder)).toBe(head)
    git('pack-refs', '--all')
    expect(commitOf(folder)).toBe(head)
    const worktree = join(temporaryFolder(), 'tree')
    git('worktree', 'add', '-q', '-b', 'other', worktree)
    expect(commitOf(worktree)).toBe(head)
    git('checkout', '-q', '--detach')
    expect(commitOf(folder)).toBe(head)
  })

  test('is null in a package inside the repository of somebody else, and before a first commit', () => {
    const { folder } = repository()
    const inside = join(folder, 'node_modules/llm-plumbline')
    mkdirSync(inside, { recursive: true })
    expect(commitOf(inside)).toBeNull()
    const empty = temporaryFolder()
    execFileSync('git', ['init', '-q', empty])
    expect(commitOf(empty)).toBeNull()
  })
})
