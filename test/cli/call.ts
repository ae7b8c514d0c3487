/** The command line called in this process: what it writes and how it ends. */
import { cli } from '../../src/cli/cli.js'
import type { ExitCode } from '../../src/cli/io.js'

export interface Called {
  code: ExitCode
  stdout: string
  stderr: string
}

/** On a pipe, with an empty environment where none is given. */
export async function call(
  args: readonly string[],
  { cwd = '.', env = {} }: { cwd?: string; env?: Readonly<Record<string, string>> } = {},
): Promise<Called> {
  let [stdout, stderr] = ['', '']
  const code = await cli(args, {
    out: (text) => void (stdout += text),
    err: (text) => void (stderr += text),
    isLive: false,
    isTerminal: false,
    drained: () => Promise.resolve(true),
    env,
    cwd,
  })
  return { code, stdout, stderr }
}
