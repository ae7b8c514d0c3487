/** Writes the recording of a run: raw response bytes with their times, so that they can be measured again. */
import { closeSync, constants, openSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Redactor } from '../border/redact.js'
import { systemReason } from '../border/system-error.js'
import { makeFolder } from '../snapshot/store.js'
import { FILE_MODE, writeWhole } from '../snapshot/write.js'
import type { Exchange } from '../wire/exchange.js'
import { toRecorded } from '../wire/recording.js'
import { factsOf } from './measure.js'
import type { Prepared } from './prepare.js'
import type { RecordingEntry, RecordingHeader } from './recording-file.js'
import { RECORDING_ENDING, RECORDING_FORMAT } from './recording-file.js'
import type { SendContext } from './sender.js'

/** What the command line asks for. */
export interface RecordOption {
  dir: string
  /** Keep the request bodies too. */
  prompts: boolean
}

export interface Recorder {
  path: string
  exchange(exchange: Exchange, prepared: Prepared, context: SendContext): void
  end(entry: Omit<Extract<RecordingEntry, { kind: 'end' }>, 'kind'>): void
  close(): void
}

export interface RecorderContext {
  header: Omit<RecordingHeader, 'format'>
  /** How often the run was taken up again: each part is a file of its own. */
  part: number
  /** Begin of the run on the exchanges' clock: zero of every time in the file. */
  runStartNs: number
  redactor: Redactor
  /** The disk refused: the run goes on, the recording does not. */
  onProblem(message: string): void
}

export const RECORDING_WARNING =
  'the recording holds what the models answered, word by word; look through it before you hand it on'

/** Before the first request, so that a folder that cannot be written costs nothing. */
export async function openRecorder(
  { dir, prompts }: RecordOption,
  { header, part, runStartNs, redactor, onProblem }: RecorderContext,
): Promise<{ ok: true; recorder: Recorder } | { ok: false; message: string }> {
  const stem = part === 0 ? header.run : `${header.run}-${part + 1}`
  const path = join(dir, `${stem}.${header.scenario.name}${RECORDING_ENDING}`)
  let fd: number | null
  try {
    await makeFolder(resolve(dir))
    fd = openSync(
      path,
      constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_EXCL,
      FILE_MODE,
    )
  } catch (error) {
    return {
      ok: false,
      message: `${path}: cannot be written: ${systemReason(error)}; choose another --record`,
    }
  }

  function write(line: object): void {
    if (fd === null) return
    try {
      writeWhole(fd, Buffer.from(`${JSON.stringify(line)}\n`))
    } catch (error) {
      close()
      onProblem(`${path}: the recording ends here, since it cannot be written: ${systemReason(error)}`)
    }
  }
  function close(): void {
    const open = fd
    fd = null
    if (open === null) return
    try {
      closeSync(open)
    } catch (error) {
      onProblem(
        `${path}: what it ends with may be missing, since it could not be closed: ${systemReason(error)}`,
      )
    }
  }

  write({ format: RECORDING_FORMAT, ...header })
  const recorder: Recorder = {
    path,
    exchange(exchange, prepared, context) {
      const { request, target: live } = prepared
      const facts = factsOf(prepared, context, exchange)
      const entry: RecordingEntry = {
        kind: 'exchange',
        facts: { ...facts, intendedNs: facts.intendedNs - runStartNs },
        protocol: live.protocol.name,
        tokenizer: live.tokenizer.name,
        request: {
          method: request.method,
          path: redactor.text(request.path),
          body: prompts && request.body !== null ? redactor.text(request.body) : undefined,
        },
        exchange: toRecorded(exchange, runStartNs, redactor),
      }
      write(entry)
    },
    end: (entry) => write({ kind: 'end', ...entry }),
    close,
  }
  return { ok: true, recorder }
}
