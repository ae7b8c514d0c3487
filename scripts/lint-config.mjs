// @ts-check
/** Writes .oxlintrc.json from the table of rooms; with --check it fails where the file is stale. */
import { readFileSync, writeFileSync } from 'node:fs'
import { BORDER, EDGE, PROBES, rooms } from './rooms.mjs'

const FILE = new URL('../.oxlintrc.json', import.meta.url)

/** @param {string} name */
function mayImport(name) {
  const room = rooms[name]
  if (room === undefined) throw new Error(`no room ${name} in scripts/rooms.mjs`)
  const uses = new Set([name, ...room.uses])
  if (name !== BORDER) uses.add(BORDER)
  return { uses, types: new Set(room.types ?? []), files: room.files ?? [] }
}

/** A sentence for whoever meets the rule. @param {string} name */
function explain(name) {
  const { uses, types, files } = mayImport(name)
  const others = [...uses].filter((used) => used !== name)
  const parts = [others.length === 0 ? 'nothing of ours' : others.join(', ')]
  if (types.size > 0) parts.push(`types of ${[...types].join(', ')}`)
  parts.push(...files)
  return `${name} may import ${parts.join('; ')} (scripts/rooms.mjs).`
}

/**
 * Patterns of what a room may not import. Rooms are flat, so from `src/a/x.ts` a file of room b is always
 * `../b/y.js`, and from `probes/` it is `../src/b/y.js`.
 * @param {string} name
 */
function patterns(name) {
  const { uses, types, files } = mayImport(name)
  const up = name === PROBES ? '\\.\\./src/' : '\\.\\./'
  const message = explain(name)
  const others = Object.keys(rooms).filter((other) => other !== PROBES && !uses.has(other))
  const typesOnly = others.filter((other) => types.has(other))
  const partly = others.filter((other) => files.some((file) => file.startsWith(`${other}/`)))
  const never = others.filter((other) => !typesOnly.includes(other) && !partly.includes(other))
  const found = []
  if (never.length > 0) found.push({ regex: `^${up}(?:${never.join('|')})/`, message })
  if (typesOnly.length > 0) {
    found.push({
      regex: `^${up}(?:${typesOnly.join('|')})/`,
      allowTypeImports: true,
      message: `${message} Types only.`,
    })
  }
  for (const other of partly) {
    const allowed = files.filter((file) => file.startsWith(`${other}/`)).map((file) => `!../${file}.js`)
    found.push({ group: [`../${other}/*`, ...allowed], message })
  }
  if (name === PROBES)
    found.push({ regex: '^\\.\\./(?:[^s]|s[^r]|sr[^c]|src[^/])|^\\.\\./src/[^/]+$', message })
  else {
    if (!uses.has(EDGE)) found.push({ regex: '^\\.\\./[^/]+$', message })
    const outside = uses.has(PROBES) ? 'test|scripts|dist' : 'probes|test|scripts|dist'
    found.push({ regex: `^\\.\\./\\.\\./(?:${outside})/`, message })
  }
  found.push({ regex: '^\\./.+/', message: 'Rooms are flat: src/<room>/<file>.ts.' })
  return found
}

/** @param {string} name */
function override(name) {
  return {
    files: [name === PROBES ? 'probes/**' : `src/${name}/**`],
    rules: { 'no-restricted-imports': ['error', { patterns: patterns(name) }] },
  }
}

const config = {
  $schema: './node_modules/oxlint/configuration_schema.json',
  plugins: ['typescript', 'import', 'unicorn', 'oxc', 'promise', 'node'],
  categories: { correctness: 'error', suspicious: 'error' },
  env: { node: true, es2023: true },
  ignorePatterns: ['dist/**', 'results/**', 'test/fixtures/**', 'coverage/**'],
  rules: {
    'import/no-cycle': 'error',
    'oxc/no-barrel-file': ['error', { threshold: 0 }],
    'typescript/no-explicit-any': 'error',
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/no-unsafe-type-assertion': 'error',
    'typescript/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    'eslint/no-control-regex': 'off', // escapes are our trade
    'import/no-named-as-default-member': 'off', // fc.string() reads well
    'promise/always-return': 'off', // a last then() returns nothing
    'typescript/consistent-return': 'off', // the compiler knows better: noImplicitReturns
    'typescript/unbound-method': 'off', // functions over plain data have no `this` to lose
    'unicorn/consistent-function-scoping': 'off', // a function stands where it is used
    'unicorn/no-array-reverse': 'off', // of a fresh copy
    'unicorn/no-array-sort': 'off', // of a fresh copy
    'unicorn/no-useless-spread': 'off', // lists broken into lines by meaning
    'unicorn/require-post-message-target-origin': 'off', // for windows, not for workers
  },
  overrides: [
    { files: ['src/**', 'probes/**'], rules: { 'no-console': 'error' } },
    { files: ['src/cli/**'], rules: { 'no-console': 'off' } },
    { files: ['src/index.ts'], rules: { 'oxc/no-barrel-file': 'off' } },
    {
      files: ['test/**'],
      rules: { 'typescript/no-unsafe-type-assertion': 'off', 'typescript/no-misused-spread': 'off' },
    },
    ...Object.keys(rooms).map(override),
  ],
}

const text = `${JSON.stringify(config, null, 2)}\n`
if (process.argv.includes('--check')) {
  if (readFileSync(FILE, 'utf8') !== text) {
    console.error('.oxlintrc.json is stale: run `node scripts/lint-config.mjs` and commit it.')
    process.exitCode = 1
  }
} else writeFileSync(FILE, text)
