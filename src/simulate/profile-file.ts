/** A provider described in a file: a profile, constants that differ, faults. */
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { problemText } from '../border/problem.js'
import { systemReason } from '../border/system-error.js'
import { readYaml } from '../border/yaml.js'

const ProfileFile = z.strictObject({
  profile: z.string(),
  set: z.record(z.string(), z.unknown()).default({}),
  faults: z.array(z.string()).default([]),
})

export type ProfileFileRead =
  | { ok: true; profile: string; set: Record<string, unknown>; fault: string }
  | { ok: false; problems: string[] }

export function isProfileFile(name: string): boolean {
  return /\.ya?ml$/i.test(name)
}

/** Each problem names the file, and line and column where there are such. */
export function readProfileFile(path: string): ProfileFileRead {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    return { ok: false, problems: [`profile file ${path} can't be read: ${systemReason(error)}`] }
  }
  const yaml = readYaml(text, path)
  if (!yaml.ok) return { ok: false, problems: yaml.problems.map(problemText) }
  const checked = ProfileFile.safeParse(yaml.value)
  if (checked.success) {
    const { profile, set, faults } = checked.data
    return { ok: true, profile, set, fault: faults.join(',') }
  }
  const problems = checked.error.issues.map((issue) => {
    const keys = issue.path.filter((key) => typeof key !== 'symbol')
    const { line, column } = yaml.around(keys)
    const where = keys.length === 0 ? 'the file' : keys.join('.')
    return `${path}:${line}:${column}: ${where}: ${issue.message}`
  })
  return { ok: false, problems }
}
