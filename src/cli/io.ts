/** What a command may touch of the world, and how it answers. */
import { once } from 'node:events'
import { terminalText } from '../border/escape.js'

/** What a command may touch of the world: its streams, its environment, its folder. */
export interface Io {
  /** The result: text for people, or one JSON document. */
  out(text: string): void
  /** Everything else: progress, notes, errors. */
  err(text: string): void
  /** Whether `err` is a terminal that takes control codes: not on a pipe, not in CI. */
  isLive: boolean
  /** Whether `out` is a terminal. */
  isTerminal: boolean
  /** Waits until `out` can take more; false once nobody reads it. */
  drained(): Promise<boolean>
  env: Readonly<Record<string, string | undefined>>
  cwd: string
}

/** The process's own. A reader that went away (`| head`) ends the output, not the run. */
export function processIo(): Io {
  const open = new Set<NodeJS.WriteStream>([process.stdout, process.stderr])
  for (const stream of open) stream.on('error', () => open.delete(stream))
  const write = (stream: NodeJS.WriteStream, text: string): void => {
    if (open.has(stream)) stream.write(text)
  }
  return {
    out: (text) => write(process.stdout, text),
    err: (text) => write(process.stderr, text),
    isTerminal: process.stdout.isTTY,
    async drained() {
      // A stream that breaks ends the wait too.
      if (open.has(process.stdout) && process.stdout.writableNeedDrain)
        await once(process.stdout, 'drain').catch(() => undefined)
      return open.has(process.stdout)
    },
    isLive: process.stderr.isTTY && !process.env['CI'] && process.env['TERM'] !== 'dumb',
    env: process.env,
    cwd: process.cwd(),
  }
}

/** Says what is wrong with a command or a file: sentences for people, and under `--json` one document as well. */
export function refuse(problems: readonly string[], isJson: boolean, io: Io, exit: ExitCode = 2): ExitCode {
  for (const problem of problems) io.err(`${terminalText(problem, 2000)}\n`)
  if (isJson) io.out(refusalJson(problems, exit))
  return exit
}

/** One line: `schedule` and `attribute` write an object a line. */
export function refusalJson(problems: readonly string[], exit: ExitCode = 2): string {
  return `${JSON.stringify({ exit, problems })}\n`
}

/** Exit codes in the order in which the first that applies is taken. */
const ORDER = [130, 2, 3, 5, 1, 4, 0] as const
export type ExitCode = (typeof ORDER)[number]

export function worst(codes: readonly ExitCode[]): ExitCode {
  return ORDER.find((code) => codes.includes(code)) ?? 0
}
