/** What GitHub Actions shows of a command, where it runs there: job summary, outputs of the step, annotations. */
import { randomBytes } from 'node:crypto'
import { appendFile, stat } from 'node:fs/promises'
import { systemReason } from '../border/system-error.js'
import { terminalText, workflowData, workflowOutput, workflowProperty } from '../border/escape.js'
import type { Io } from './io.js'

export interface GithubReport {
  markdown: string
  /** Outputs of the step. */
  outputs: Readonly<Record<string, string>>
  annotations: readonly { level: 'error' | 'warning'; title: string; message: string }[]
}

/** Above 1 MiB a step the upload fails while the job stays green. */
const MOST_SUMMARY_BYTES = 1024 * 1024
const CUT = '\n\n_cut: a summary holds 1 MiB; the whole is in the snapshot_\n'

/** Nothing happens elsewhere: each part is written where its variable is set. */
export async function tellGithub(report: GithubReport, { env, err }: Io): Promise<void> {
  const summary = env['GITHUB_STEP_SUMMARY']
  const output = env['GITHUB_OUTPUT']
  try {
    if (summary) await appendFile(summary, await fitting(summary, report.markdown))
    if (output) {
      const entries = Object.entries(report.outputs).map(([name, value]) =>
        workflowOutput(name, value, randomBytes(16).toString('hex')),
      )
      await appendFile(output, entries.join(''))
    }
  } catch (error) {
    err(`warning: GITHUB_STEP_SUMMARY or GITHUB_OUTPUT cannot be written: ${systemReason(error)}\n`)
  }
  if (env['GITHUB_ACTIONS'] !== 'true') return
  // The runner reads commands from both streams; stdout may have to hold one JSON document.
  for (const { level, title, message } of report.annotations) {
    const text = workflowData(terminalText(message, 4000))
    err(`::${level} title=${workflowProperty(terminalText(title, 200))}::${text}\n`)
  }
}

async function fitting(path: string, markdown: string): Promise<string> {
  const before = await stat(path).then(
    ({ size }) => size,
    () => 0,
  )
  const room = MOST_SUMMARY_BYTES - before
  const bytes = Buffer.from(markdown)
  if (bytes.length <= room) return markdown
  const kept = room - Buffer.byteLength(CUT)
  if (kept <= 0) return ''
  // A character that was cut in two would become a mark of replacement, three bytes long.
  return `${bytes
    .subarray(0, kept)
    .toString('utf8')
    .replace(/\uFFFD+$/, '')}${CUT}`
}
