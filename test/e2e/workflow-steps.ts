/** Runs the shell steps of a workflow file as GitHub's runner does: one after the other, each in a bash of its own. */
import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { cliPath } from '../support/cli.js'

const Steps = z.object({
  steps: z.array(
    z.looseObject({ name: z.string().optional(), uses: z.string().optional(), run: z.string().optional() }),
  ),
})

export interface ShellStep {
  name: string
  run: string
}

export function shellSteps(file: string, job: string): ShellStep[] {
  const { jobs } = z
    .object({ jobs: z.record(z.string(), z.unknown()) })
    .parse(parse(readFileSync(file, 'utf8')))
  return Steps.parse(jobs[job]).steps.flatMap(({ name = '', run }) =>
    run === undefined ? [] : [{ name, run }],
  )
}

export interface StepResult {
  code: number | null
  stdout: string
  stderr: string
}

/** A folder for PATH in which `plumbline` is the built command line, and other programs are what `also` says. */
export async function toolFolder(path: string, also: Readonly<Record<string, string>> = {}): Promise<string> {
  const folder = join(path, '.tools')
  mkdirSync(folder, { recursive: true })
  const all = { plumbline: `exec "${process.execPath}" "${await cliPath()}" "$@"`, ...also }
  for (const [name, script] of Object.entries(all)) {
    writeFileSync(join(folder, name), `#!/bin/bash\n${script}\n`)
    chmodSync(join(folder, name), 0o755)
  }
  return folder
}

/** As the runner does: `bash --noprofile --norc -eo pipefail`, nothing in the environment but what is given. */
export function runStep(
  { run }: ShellStep,
  { cwd, env }: { cwd: string; env: Readonly<Record<string, string>> },
): Promise<StepResult> {
  return new Promise((resolve, reject) => {
    const child = spawn('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', run], { cwd, env })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, stdout, stderr }))
  })
}
