/** Reads bytes as a file would be read. */
import { createIntake } from '../../src/span/intake.js'
import type { IntakeCounts, IntakeOptions } from '../../src/span/intake.js'
import { readStream } from '../../src/span/read-spans.js'
import type { Span } from '../../src/span/span.js'

export interface Read {
  spans: Span[]
  counts: IntakeCounts
}

/** In chunks of `step` bytes. */
export async function readBytes(
  bytes: Uint8Array,
  step = 65_536,
  options: IntakeOptions = {},
): Promise<Read> {
  const intake = createIntake(options)
  const spans: Span[] = []
  for await (const batch of readStream(chunksOf(bytes, step), intake)) spans.push(...batch)
  intake.end()
  return { spans: [...spans, ...intake.take()], counts: intake.counts }
}

export async function readText(text: string, step?: number): Promise<Read> {
  return readBytes(Buffer.from(text), step)
}

/** One value, as a document holds it. */
export function readValue(value: unknown, options: IntakeOptions = {}): Read {
  const intake = createIntake(options)
  intake.value(value)
  intake.end()
  return { spans: intake.take(), counts: intake.counts }
}

async function* chunksOf(bytes: Uint8Array, step: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step)
}
