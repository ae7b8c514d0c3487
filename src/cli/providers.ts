/** `plumbline providers`: the presets, and what each assumes. */
import { providers } from '../run/tables.js'
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
      io.out(`${table(['provider', 'base URL; the others need one in the scenario'], hosts)}\n`)
    }
    done(0)
  })
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const left = (text: string) => ({ text, right: false })
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
