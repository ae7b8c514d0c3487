/** `plumbline providers`: the presets, and what each assumes. */
import { providers } from '../index.js'
import { tableText } from '../report/terminal.js'
import type { Register } from './command.js'

export const providersCommand: Register = (program, io, done) => {
  program
    .command('providers')
    .description('list the providers that a scenario can name, and what each preset assumes')
    .option('--json', 'one JSON document on stdout')
    .action((flags: { json?: boolean }) => {
      const all = Object.values(providers)
      if (flags.json === true) io.out(`${JSON.stringify(all, replaceRegExp, 1)}\n`)
      else {
        const left = (text: string) => ({ text, right: false })
        const rows = all.map((each) => [
          left(each.name),
          left(each.protocol),
          left(each.apiKeyEnv ?? 'no key'),
          left(each.baseUrl ?? 'baseUrl needed'),
        ])
        io.out(
          `${tableText({ title: '', head: ['provider', 'protocol', 'key', 'base URL'].map(left), rows })}\n`,
        )
      }
      done(0)
    })
}

function replaceRegExp(_key: string, value: unknown): unknown {
  return value instanceof RegExp ? value.source : value
}
