/** `plumbline schema`: the JSON Schema of scenario files, for an editor. */
import { scenarioSchema } from '../run/schema.js'
import type { Register } from './command.js'

export const schemaCommand: Register = (command, io, done) => {
  command.option('--json', 'accepted: the schema is JSON').action(() => {
    io.out(`${JSON.stringify(scenarioSchema(), null, 2)}\n`)
    done(0)
  })
}
