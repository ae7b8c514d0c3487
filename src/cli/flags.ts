/** Options that several commands share, and how their values are read. */
import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import type { RecordOption } from '../run/recorder.js'

export interface RunFlags {
  json?: boolean
  samples?: string
  out?: string
  quiet?: boolean
  seed?: number
  budgetRequests?: number
  budgetTokens?: number
  budgetCost?: number
  dryRun?: boolean
  resume?: boolean
  workers?: number
  record?: string
  recordPrompts?: boolean
  code: boolean
}

export function wholeNumber(text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value))
    throw new InvalidArgumentError(`a whole number is needed, got '${text}'`)
  return value
}

function countingNumber(text: string): number {
  const value = wholeNumber(text)
  if (value < 1) throw new InvalidArgumentError(`a whole number from 1 up is needed, got '${text}'`)
  return value
}

/** 0 stands for a free one. */
export function portNumber(text: string): number {
  const value = wholeNumber(text)
  if (value > 65_535) throw new InvalidArgumentError(`a port is a number from 0 to 65535, got '${text}'`)
  return value
}

export function positiveNumber(text: string): number {
  const value = Number(text)
  if (!(value > 0) || !Number.isFinite(value))
    throw new InvalidArgumentError(`a number above 0 is needed, got '${text}'`)
  return value
}

export function wholeNumbers(text: string): number[] {
  return text.split(',').map((part) => {
    const value = wholeNumber(part.trim())
    if (value < 1) throw new InvalidArgumentError(`whole numbers from 1 up are needed, got '${part}'`)
    return value
  })
}

/** For an option that may stand several times. */
export function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value]
}

/** What `--record` and `--record-prompts` ask for. */
export function recordOption({ record, recordPrompts }: RunFlags): RecordOption | undefined {
  return record === undefined ? undefined : { dir: record, prompts: recordPrompts === true }
}

export function withRunFlags(command: Command): Command {
  return command
    .option('--json', 'one JSON document on stdout, everything else on stderr')
    .option('--samples <file>', 'write every sample to this file, one JSON object a line')
    .option('--out <dir>', 'folder of results (default: output.dir of the scenario, else results)')
    .option('--quiet', 'no progress')
    .option('--no-color', 'accepted for scripts: the output has no colours')
    .option('--seed <n>', 'seed of prompts and order', wholeNumber)
    .option('--budget-requests <n>', 'never send more requests than this', countingNumber)
    .option('--budget-tokens <n>', 'never use more prompt and output tokens than this', countingNumber)
    .option(
      '--budget-cost <amount>',
      "never spend more than this, in the currency of the targets' prices",
      positiveNumber,
    )
    .option(
      '--workers <n>',
      'threads that send and stamp, 0: the main one (default: as many as the load needs)',
      wholeNumber,
    )
    .option('--dry-run', 'print the plan, its tokens and its cost; send nothing')
    .option('--record <dir>', 'keep the raw answers with their arrival times, for plumbline replay')
    .option('--record-prompts', 'with --record: keep the prompts too')
    .option('--no-code', 'refuse probe files, which are code')
}
