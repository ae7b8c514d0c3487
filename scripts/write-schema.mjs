/** Writes scenarios/schema.json from the built code: `node scripts/write-schema.mjs` after `npm run build`. */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'
import { presets } from '../dist/src/provider/presets.js'
import { probes, protocols } from '../dist/src/run/tables.js'
import { scenarioJsonSchema } from '../dist/src/scenario/json-schema.js'
import { PROFILE_NAMES } from '../dist/src/simulate/profiles.js'

const schema = scenarioJsonSchema(probes, {
  providers: presets.map(({ name }) => name),
  protocols: Object.values(protocols).map(({ name }) => name),
  profiles: PROFILE_NAMES,
})
const file = fileURLToPath(new URL('../scenarios/schema.json', import.meta.url))
writeFileSync(file, await format(JSON.stringify(schema), { ...(await resolveConfig(file)), parser: 'json' }))
