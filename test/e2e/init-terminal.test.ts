/** The three questions of `plumbline init`, asked on a terminal of its own and answered as a person types. */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { cliPath, workspace } from '../support/cli.js'

const TERMINAL = join(import.meta.dirname, '../support/terminal.py')
const hasTerminal = spawnSync('python3', ['-c', 'import pty']).status === 0

/** Types each answer when its question stands there, and nothing before. */
async function typed(args: readonly string[], answers: readonly [question: string, answer: string][]) {
  const here = workspace()
  const child = spawn('python3', [TERMINAL, process.execPath, await cliPath(), 'init', ...args], {
    cwd: here.path,
    env: { PATH: process.env['PATH'], TERM: 'xterm' },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const left = [...answers]
  let shown = ''
  let read = 0
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text
    const [next] = left
    const at = next === undefined ? -1 : shown.indexOf(next[0], read)
    if (next === undefined || at < 0) return
    read = at + next[0].length
    left.shift()
    child.stdin.write(next[1])
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  const file = join(here.path, 'plumbline.yaml')
  return { code, shown, unasked: left.map(([question]) => question), scenario: textOf(file) }
}

const textOf = (file: string): string | null => (existsSync(file) ? readFileSync(file, 'utf8') : null)

describe.skipIf(!hasTerminal)(
  `init on a terminal${hasTerminal ? '' : ' (skipped: python3 has no pty here)'}`,
  () => {
    it('asks for provider, model and key variable, each with what is usual, and writes what was answered', async () => {
      const { code, shown, unasked, scenario } = await typed(
        [],
        [
          ['provider (plumbline providers lists them) [simulated]: ', 'anthropic\r'],
          ['model [claude-opus-4-5]: ', 'claude-haiku-4-5\r'],
          ['variable that holds the key [ANTHROPIC_API_KEY]: ', 'MY_KEY\r'],
        ],
      )
      expect(unasked).toEqual([])
      expect(code).toBe(0)
      expect(scenario).toMatch(/provider: anthropic/)
      expect(scenario).toMatch(/model: claude-haiku-4-5/)
      expect(scenario).toMatch(/apiKeyEnv: MY_KEY/)
      expect(shown).toContain('npx llm-plumbline run plumbline.yaml --dry-run')
    })

    it('an empty answer is the usual one; what a flag says is not asked', async () => {
      const { code, unasked, scenario } = await typed(
        ['--provider', 'groq'],
        [
          ['model [llama-3.1-8b-instant]: ', '\r'],
          ['variable that holds the key [GROQ_API_KEY]: ', '\r'],
        ],
      )
      expect([code, unasked]).toEqual([0, []])
      expect(scenario).toMatch(/provider: groq/)
      expect(scenario).toMatch(/model: llama-3.1-8b-instant/)
    })

    it('a provider that there is none of is refused with 2, and no further question is asked', async () => {
      const { code, shown, scenario } = await typed([], [['[simulated]: ', 'opnai\r']])
      expect([code, scenario]).toEqual([2, null])
      expect(shown).toContain('no provider is called opnai')
      expect(shown).not.toContain('model [')
    })

    it.each([
      ['Ctrl-C', '\x03'],
      ['Ctrl-D', '\x04'],
    ])('%s over a question ends with 130 and writes nothing', async (_, key) => {
      const { code, shown, scenario } = await typed(
        [],
        [
          ['[simulated]: ', 'openai\r'],
          ['model [', key],
        ],
      )
      expect([code, scenario]).toEqual([130, null])
      expect(shown).toContain('nothing was written')
    })
  },
)
