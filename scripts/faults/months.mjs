// @ts-check
/** Months on a simulated machine, by a program of their own: what befell the runs in them, and the rules that did not hold. */
import { fileURLToPath } from 'node:url'
import { startProgram } from './rig.mjs'

const CHECK = fileURLToPath(new URL('../check-months.mjs', import.meta.url))
const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const LONGEST_MS = 4 * 3600_000
const BROKEN = 'does not hold: '

/** @param {number} seeds a month each @returns {Promise<{ line: string, broken: string[] }>} */
export async function months(seeds) {
  const { code, stdout, stderr } = await startProgram(CHECK, ['--seeds', String(seeds)], ROOT, {}, LONGEST_MS)
    .ended
  const lines = stdout.split('\n').filter((line) => line !== '')
  const broken = lines.filter((line) => line.startsWith(BROKEN)).map((line) => line.slice(BROKEN.length))
  if (code !== 0 && broken.length === 0) broken.push(`ended ${code}: ${stderr.slice(-500)}`)
  return { line: `months: ${lines.slice(0, 2).join('; ')}`, broken }
}
