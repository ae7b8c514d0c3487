/** The file of `--samples`: one sample a line. */
import { open } from 'node:fs/promises'
import { terminalText } from '../border/escape.js'
import { systemReason } from '../border/system-error.js'
import type { Sample } from '../sample/sample.js'
import type { Io } from './io.js'

/** Asked before the first request: a file that cannot be written should cost nothing. */
export async function faultOfFile(file: string): Promise<string | null> {
  try {
    await (await open(file, 'a', 0o600)).close()
    return null
  } catch (error) {
    return `the samples cannot be written to ${file}: ${systemReason(error)}; choose another --samples`
  }
}

const LINES_A_WRITE = 1000

/** `isMore`: behind the samples of the scenario before. */
export async function writeSamples(
  file: string,
  isMore: boolean,
  samples: readonly Sample[],
  io: Io,
): Promise<void> {
  try {
    const handle = await open(file, isMore ? 'a' : 'w', 0o600)
    try {
      for (let i = 0; i < samples.length; i += LINES_A_WRITE) {
        const lines = samples.slice(i, i + LINES_A_WRITE).map((sample) => `${JSON.stringify(sample)}\n`)
        await handle.writeFile(lines.join(''))
      }
    } finally {
      await handle.close()
    }
  } catch (error) {
    io.err(`warning: the samples could not be written to ${terminalText(file)}: ${systemReason(error)}\n`)
  }
}
