import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { FAULT_NAMES } from '../../src/simulate/faults.js'
import { PHASE_NAMES } from '../../src/simulate/job.js'
import { PROFILE_NAMES } from '../../src/simulate/profiles.js'
import { profileOf } from './virtual.js'

const page = readFileSync(new URL('../../docs/simulator.md', import.meta.url), 'utf8')

it('docs/simulator.md names every profile, constant, fault and phase', () => {
  const constants = PROFILE_NAMES.flatMap((name) => Object.keys(profileOf(name).constants))
  const names = new Set([
    ...PROFILE_NAMES,
    ...constants.filter((name) => name !== 'slowness'),
    ...FAULT_NAMES,
    ...PHASE_NAMES,
  ])
  expect([...names].filter((name) => !page.includes(`\`${name}\``))).toEqual([])
})

it('docs/simulator.md states the constants of the engine profiles as they are', () => {
  const rows = page.split('\n').filter((line) => line.startsWith('| ') && line.includes('`'))
  const names = ['8b-a100', '8b-h100', '70b-h100x4', 'local-cpu']
  const key = /^\| [^|]*\| `(\w+)` \|/
  for (const row of rows.filter((line) => key.test(line) && line.split('|').length === 8)) {
    const name = key.exec(row)![1]!
    const stated = row
      .split('|')
      .slice(3, 7)
      .map((cell) => Number(cell.trim().replace(',', '')))
    const actual = names.map(
      (profile) => Object.entries(profileOf(profile).constants).find(([k]) => k === name)?.[1],
    )
    expect(stated, name).toEqual(actual)
  }
})
