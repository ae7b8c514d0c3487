import { readFileSync, readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { probes } from '../../src/run/tables.js'
import { scenarioJsonSchema } from '../../src/scenario/json-schema.js'
import { known } from './context.js'

const schema = scenarioJsonSchema(probes, known)
const folder = new URL('../../scenarios/', import.meta.url)

/** Every key that a property stands for, with its path. */
function* keys(node: unknown, path: string): Generator<[string, unknown]> {
  if (typeof node !== 'object' || node === null) return
  for (const [name, child] of Object.entries(node)) {
    if (
      name === 'properties' &&
      typeof child === 'object' &&
      child !== null &&
      !path.endsWith('.properties')
    ) {
      for (const [key, value] of Object.entries(child)) {
        yield [`${path}.${key}`, value]
        yield* keys(value, `${path}.${key}`)
      }
    } else {
      yield* keys(child, `${path}/${name}`)
    }
  }
}

const Described = z.object({ description: z.string().min(10) })

describe('the JSON Schema of scenarios', () => {
  test('every key at every depth has a description, and there are more than 80 of them', () => {
    const all = [...keys(schema, '')]
    expect(all.filter(([, value]) => !Described.safeParse(value).success).map(([path]) => path)).toEqual([])
    expect(all.length).toBeGreaterThan(80)
  })

  test('nothing of our own vocabulary is left in it', () => {
    expect(JSON.stringify(schema)).not.toContain('"phrase"')
  })

  test('scenarios/schema.json is what node scripts/write-schema.mjs writes', () => {
    const written: unknown = JSON.parse(readFileSync(new URL('schema.json', folder), 'utf8'))
    expect(written, 'stale: npm run build, then the script').toEqual(JSON.parse(JSON.stringify(schema)))
  })

  // zod reads JSON Schema back: a judge that is not the code that wrote it.
  const judge = z.fromJSONSchema(JSON.parse(JSON.stringify(schema)) as Parameters<typeof z.fromJSONSchema>[0])

  test.each(readdirSync(folder).filter((file) => file.endsWith('.yaml')))('%s fits it', (file) => {
    const value: unknown = parse(readFileSync(new URL(file, folder), 'utf8'))
    const judged = judge.safeParse(value)
    expect(judged.success ? [] : judged.error.issues).toEqual([])
  })

  const target = { baseUrl: 'http://localhost:1/v1', model: 'm' }
  test.each([
    ['an unknown key at the top', { targets: [target], probes: [], tragets: 1 }],
    ['no target', { probes: [] }],
    [
      'a setting that the probe does not have',
      { targets: [target], probes: [{ probe: 'prompt-length', promptTokns: [1] }] },
    ],
    ['a probe that is not there', { targets: [target], probes: [{ probe: 'prompt-lenght' }] }],
    ['a length below 1', { targets: [target], probes: [{ probe: 'prompt-length', promptTokens: [0] }] }],
    ['an unknown provider', { targets: [{ provider: 'opnai', model: 'm' }], probes: [] }],
    ['an unknown metric in a margin', { targets: [target], probes: [], gate: { margins: { ttff: 0.1 } } }],
  ])('%s does not fit it', (_, value) => {
    expect(judge.safeParse(value).success).toBe(false)
  })

  test('a probe file may have any settings', () => {
    const value = { targets: [target], probes: [{ probe: './mine.mjs', anything: 1 }] }
    expect(judge.safeParse(value).success).toBe(true)
  })
})
