/** `plumbline providers`: the presets, and what each assumes. */
import { providers } from '../run/tables.js'
import { left } from '../report/table.js'
import { tableText } from '../report/terminal.js'
import type { Register } from './command.js'

export const providersCommand: Register = (command, io, done) => {
  command.option('--json', 'one JSON document on stdout').action((flags: { json?: boolean }) => {
    const all = Object.values(providers)
    if (flags.json === true) io.out(`${JSON.stringify(all, replaceRegExp, 1)}\n`)
    else {
      const keys = all.map(({ name, protocol, apiKeyEnv, cloud }) => {
        // A cloud has credentials of its own beside the variable.
        const key = [apiKeyEnv ?? (cloud === undefined ? 'no key' : ''), cloud ?? '']
        return [name, protocol, key.filter(Boolean).join(' or ')]
      })
      const hosts = all.flatMap(({ name, baseUrl }) => (baseUrl === null ? [] : [[name, shorten(baseUrl)]]))
      io.out(`${table(['provider', 'protocol', 'key'], keys)}\n\n`)
      io.out(`${table(['provider', 'base URL; the others need one in the scenario'], hosts)}\n\n`)
      io.out(
        `${table(['provider', 'models', 'as of', 'price list; the others have no price'], all.flatMap(lists))}\n`,
      )
      io.out(
        'Prices were entered by hand and are not looked up again: compare them with the\n' +
          'list before you cap money by them, and give a target its own price:\n' +
          '{ inputPerM, outputPerM, … }.\n',
      )
    }
    done(0)
  })
}

/** Where the prices of a preset come from, a row for each list. */
function lists({ name, prices }: NonNullable<(typeof providers)[string]>): string[][] {
  const all = Object.values(prices)
  const sources = [...new Set(all.map(({ asOf = '', source = '' }) => `${asOf} ${source}`))]
  return sources.map((list) => {
    const [asOf = '', source = ''] = list.split(' ')
    const models = all.filter((price) => price.asOf === asOf && price.source === source).length
    return [name, String(models), asOf, source.replace('https://', '')]
  })
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return tableText({ title: '', head: head.map(left), rows: rows.map((row) => row.map(left)) })
}

// What 80 columns leave beside the name; --json has the whole.
const LONGEST_URL = 66

function shorten(url: string): string {
  return url.length > LONGEST_URL ? `${url.slice(0, LONGEST_URL - 1)}…` : url
}

function replaceRegExp(_key: string, value: unknown): unknown {
  return value instanceof RegExp ? value.source : value
}
