import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { examineSpans } from '../../src/span/examine-spans.js'
import { spansText } from '../../src/report/spans.js'
import { requestOf } from './one-span.js'
import { runCli } from '../support/cli.js'

function folderOf(name: string, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'plumbline-doctor-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, name), text)
  return folder
}

const id = (n: number): string => n.toString(16).padStart(16, '0')
const base = {
  'gen_ai.operation.name': 'chat',
  'gen_ai.request.model': 'gpt-x',
  'gen_ai.request.stream': true,
}
const counts = { 'gen_ai.usage.input_tokens': 100, 'gen_ai.usage.output_tokens': 50 }
const file = JSON.stringify(
  requestOf([
    [{ ...base, ...counts, 'gen_ai.response.time_to_first_chunk': 0.2 }, { spanId: id(1) }],
    [{ ...base, ...counts }, { spanId: id(2) }],
    [base, { spanId: id(3) }],
    [
      { ...base, ...counts, 'gen_ai.latency.time_in_queue': 0.1 },
      { spanId: id(4), kind: 'server' },
    ],
  ]),
)

describe('doctor of spans', () => {
  it('shares, sources, tiers and doubts of each dialect; a fix only for what fewer than nine in ten have', async () => {
    const examined = await examineSpans([folderOf('a.json', file)])
    if (!examined.ok) throw new Error(examined.message)
    const [genai, vllm] = examined.dialects
    expect(genai).toMatchObject({ dialect: 'otel-genai', spans: 3, tiers: { A: 0, B: 0, C: 1, D: 1, E: 1 } })
    expect(vllm).toMatchObject({ dialect: 'vllm', spans: 1, tiers: { A: 1 } })
    const field = (name: string) => genai?.fields.find((each) => each.field === name)
    expect(field('ttftMs')?.share).toBeCloseTo(1 / 3)
    expect(field('ttftMs')).toMatchObject({
      from: ['gen_ai.response.time_to_first_chunk'],
      fix: expect.stringContaining('time_to_first_chunk') as string,
    })
    expect(vllm?.fields.find((each) => each.field === 'inputTokens')?.fix).toBeUndefined()
    expect(genai?.suspicious).toEqual([
      { doubt: 'usage-missing', spans: 1, fix: expect.stringContaining('include_usage') as string },
    ])
    const lines = spansText(examined.counts, examined.dialects).split('\n')
    expect(lines.filter((line) => line.length > 80)).toEqual([])
  })

  it('the command prints it, or one JSON document; a path that is not there is exit 2', async () => {
    const folder = folderOf('a.json', file)
    const text = await runCli(['doctor', folder])
    expect(text).toMatchObject({ code: 0, stderr: '' })
    expect(text.stdout).toContain('otel-genai: 3 calls')
    const json = await runCli(['doctor', '-', '--json'], { input: file })
    expect(JSON.parse(json.stdout)).toMatchObject({ counts: { seen: 4, spans: 4 } })
    const missing = await runCli(['doctor', '/no/such/file'])
    expect(missing).toMatchObject({ code: 2, stdout: '' })
    expect(missing.stderr).toContain('/no/such/file')
  })
})
