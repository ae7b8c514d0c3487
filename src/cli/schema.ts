/** `plumbline schema`: the JSON Schema of scenario files, for an editor. */
import { scenarioSchema } from '../index.js'
import type { Register } from './command.js'

export const schemaCommand: Register = (program, io, done) => {
  program
    .command('schema')
    .description('print the JSON Schema of scenario files, for completion in an editor')
    .option('--json', 'accepted: the schema is JSON')
    .action(() => {
      io.out(`${JSON.stringify(scenarioSchema(), null, 2)}\n`)
      done(0)
    })
}
