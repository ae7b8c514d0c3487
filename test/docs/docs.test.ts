import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, normalize } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { problemText } from '../../src/border/problem.js'
import type { ExitCode } from '../../src/cli/io.js'
import { worst } from '../../src/cli/io.js'
import { dryRun } from '../../src/run/dry-run.js'
import { loadScenario } from '../../src/run/load-scenario.js'
import { probes } from '../../src/run/tables.js'
import { definitions } from '../../src/sample/sample.js'
import { expectedMetrics } from '../../src/scenario/expectation.js'
import { parseScenario } from '../../src/scenario/parse.js'
import { topLevel } from '../../src/scenario/schema.js'
import { targetSchema } from '../../src/scenario/target-schema.js'
import { rooms } from '../../scripts/rooms.mjs'
import { context, known } from '../scenario/context.js'
import { ensureBuilt } from '../support/build.js'
import { anchorsOf, blocksOf, commandsOf, linksOf, pages, proseOf, read, ROOT } from './pages.js'

const blocks = pages().flatMap(blocksOf)
const scenarios = readdirSync(`${ROOT}scenarios`).filter((name) => name.endsWith('.yaml'))

describe('YAML in the pages', () => {
  /** What a fragment leaves out. */
  const rest = {
    targets: 'targets: [{ name: gpt, provider: openai, model: gpt-4o-mini }]\n',
    probes: 'probes: [{ probe: prompt-length }]\n',
  }
  const yaml = blocks.filter(({ language, mark }) => language === 'yaml' && !mark.startsWith('file:'))

  it('there is some', () => expect(yaml.length).toBeGreaterThan(4))

  it.each(yaml.map((block) => [`${block.page}:${block.line}`, block] as const))(
    '%s is a scenario without a fault or a warning',
    (_, { text, mark }) => {
      const missing = Object.entries(rest).filter(([key]) => !new RegExp(`^${key}:`, 'm').test(text))
      const whole = mark === 'fragment' ? text + missing.map(([, part]) => part).join('') : text
      const parsed = parseScenario(whole, 'page.yaml', context)
      expect((parsed.ok ? parsed.warnings : parsed.problems).map(problemText)).toEqual([])
    },
  )
})

describe('the probes of docs/own-probe.md', () => {
  const folder = mkdtempSync(join(tmpdir(), 'plumbline-docs-'))
  for (const { mark, text } of blocks) {
    const name = /^file: ([\w.-]+)$/.exec(mark)?.[1]
    if (name !== undefined) writeFileSync(join(folder, name), text)
  }
  const load = async (name: string) => {
    const loaded = await loadScenario(join(folder, name), { env: {}, allowCode: true })
    if (!loaded.ok) throw new Error(loaded.problems.join('\n'))
    return loaded.scenario
  }
  beforeAll(() => () => rmSync(folder, { recursive: true, force: true }))

  it('chunk-edge plans 4 lengths in 20 blocks', async () => {
    const plan = await dryRun(await load('edge.yaml'), 1)
    if (plan.kind !== 'plan') throw new Error(plan.message)
    const cells = plan.cells.filter(({ cell }) => !cell.startsWith('warm-up/'))
    const lengths = cells.map(({ promptTokens, requests }) => promptTokens / requests)
    expect(lengths.sort((a, b) => a - b)).toEqual([1920, 2016, 2080, 2176])
    expect(cells.map(({ requests }) => requests)).toEqual([20, 20, 20, 20])
  })

  it('until-narrow asks while the slope is not known, and ends when it is or when its blocks are spent', async () => {
    const [use] = (await load('narrow.yaml')).probes
    if (use === undefined || !('next' in use.probe)) throw new Error('no adaptive probe')
    const { probe, settings } = use
    const random = { shuffle: <T>(items: readonly T[]) => [...items] } as never
    const seen = (soFar: number, halfWidths: Record<string, number>) =>
      probe.next(settings, { blocks: soFar, cells: [], halfWidths }, random)
    expect(seen(0, {})).toHaveProperty('ask.length', 3)
    expect(seen(6, { fresh: 0.2 })).toHaveProperty('ask')
    expect(seen(6, { fresh: 0.04 })).toHaveProperty('done')
    expect(seen(60, { fresh: 0.2 })).toHaveProperty('done')
  })

  it('both are refused without code', async () => {
    const loaded = await loadScenario(join(folder, 'edge.yaml'), { env: {}, allowCode: false })
    expect(loaded).toMatchObject({ ok: false })
  })
})

describe('commands in the pages and in the comments of scenarios', () => {
  const commands = [...pages(), ...scenarios.map((name) => `scenarios/${name}`)].flatMap(commandsOf)
  /** Flags of each command, by its own help. */
  const flags = new Map<string, Set<string>>()

  beforeAll(async () => {
    const main = join(await ensureBuilt(), 'src', 'cli', 'main.js')
    const help = async (...args: string[]): Promise<string> =>
      (await promisify(execFile)(process.execPath, [main, ...args, '--help'])).stdout
    const names = [...(await help()).matchAll(/^ {2}([a-z]+) {2,}\S/gm)].map((match) => match[1] ?? '')
    await Promise.all(
      names
        .filter((name) => name !== 'help')
        .map(async (name) => {
          const listed = [...(await help(name)).matchAll(/^ +(?:-\w, )?(--[a-z-]+)/gm)]
          flags.set(name, new Set(listed.map((match) => match[1] ?? '')))
        }),
    )
  }, 300_000) // it may have to build first

  it('each command exists, with each of its flags', () => {
    expect(commands.length).toBeGreaterThan(40)
    const wrong = commands.flatMap(({ page, words }) => {
      const [name = '', ...args] = words
      if (name === '' || name === '--version') return []
      const own = flags.get(name)
      if (own === undefined) return [`${page}: ${name} is no command`]
      return args
        .filter((arg) => arg.startsWith('--') && !own.has(arg.replace(/[=,].*$/, '')))
        .map((flag) => `${page}: ${name} has no ${flag}`)
    })
    expect(wrong).toEqual([])
  })

  it('each command that there is stands in the README or a page', () => {
    const named = new Set(commands.map(({ words }) => words[0]))
    expect([...flags.keys()].filter((name) => !named.has(name))).toEqual([])
  })

  it('each flag that there is stands in the README or a page', () => {
    const text = pages().map(read).join('\n')
    const all = new Set([...flags.values()].flatMap((own) => [...own]))
    all.delete('--help')
    expect(all.size).toBeGreaterThan(40)
    expect([...all].filter((flag) => !new RegExp(`${flag}(?![\\w-])`).test(text))).toEqual([])
  })

  it('each scenario that a command names is there', () => {
    const files = commands.flatMap(({ words }) =>
      words.filter((word) => /^scenarios\/[\w.-]+\.yaml$/.test(word)),
    )
    expect(files.filter((file) => !existsSync(ROOT + file))).toEqual([])
  })

  it('nobody is told to run npx plumbline, which on npm is another package', () => {
    expect(
      [...pages(), ...scenarios.map((name) => `scenarios/${name}`)].filter((page) =>
        /npx plumbline/.test(read(page)),
      ),
    ).toEqual([])
  })

  it('CONTRIBUTING names every npm script, and no page a script that is not there', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const contributing = read('CONTRIBUTING.md')
    const missing = Object.keys(scripts).filter(
      (name) => !new RegExp(`\`npm (?:run )?${name}\``).test(contributing),
    )
    const named = pages().flatMap((page) =>
      [...read(page).matchAll(/npm run ([\w:-]+)/g)].map((match) => match[1] ?? ''),
    )
    const files = pages().flatMap((page) =>
      [...read(page).matchAll(/scripts\/[\w-]+\.\w+/g)].map(([file]) => file),
    )
    expect(missing).toEqual([])
    expect(named.filter((name) => !(name in scripts))).toEqual([])
    expect(files.filter((file) => !existsSync(ROOT + file))).toEqual([])
  })
})

describe('the picture', () => {
  it('docs/quickstart.svg shows the summary that the README prints, line by line', () => {
    const printed =
      blocks.find(({ page, mark }) => page === 'README.md' && mark === 'paste: start')?.text ?? ''
    const summary = printed
      .slice(printed.indexOf('quickstart, run '))
      .split('\n')
      .map((line) => line.trim())
    const drawn = [...read('docs/quickstart.svg').matchAll(/^<text[^>]*>(.*)<\/text>$/gm)].map((match) =>
      (match[1] ?? '')
        .replaceAll('&lt;', '<')
        .replaceAll('&gt;', '>')
        .replaceAll('&quot;', '"')
        .replaceAll('&amp;', '&'),
    )
    expect(drawn.slice(2)).toEqual(summary.filter((line) => line !== ''))
  })
})

describe('links', () => {
  it.each(pages())('%s: every link leads to a file, and to a heading of it', (page) => {
    const broken = linksOf(page).filter((link) => {
      const [path = '', anchor] = link.split('#')
      const file = path === '' ? page : normalize(join(dirname(page), path))
      if (!existsSync(ROOT + file)) return true
      return anchor !== undefined && !anchorsOf(file).has(anchor)
    })
    expect(broken).toEqual([])
  })
})

describe('what the pages say of the code', () => {
  /** A record, so that a new exit code without a line here fails to compile. */
  const codes: Record<ExitCode, true> = { 0: true, 1: true, 2: true, 3: true, 4: true, 5: true, 130: true }

  it.each(['README.md', 'docs/ci.md'])('%s has a row for every exit code, and for no other', (page) => {
    const table = proseOf(page).split('## Exit codes')[1]?.split('\n## ')[0] ?? ''
    const rows = [...table.matchAll(/^\| (\d+) \|/gm)].map((match) => Number(match[1]))
    expect(rows).toEqual(Object.keys(codes).map(Number))
  })

  it('README has the order in which the first exit code is taken', () => {
    const order = /in the order ([\d, ]+)\./.exec(read('README.md'))?.[1]?.split(', ').map(Number)
    let left = Object.keys(codes).map(Number) as ExitCode[]
    const taken: number[] = []
    while (left.length > 0) {
      const first = worst(left)
      taken.push(first)
      left = left.filter((code) => code !== first)
    }
    expect(order).toEqual(taken)
  })

  it.each([
    ['docs/scenarios.md', 'keys of the top level', Object.keys(topLevel)],
    ['docs/scenarios.md', 'keys of a target', Object.keys(targetSchema(known).shape)],
    ['docs/scenarios.md', 'metrics of an expectation', expectedMetrics],
    ['docs/scenarios.md', 'probes', Object.keys(probes)],
    [
      'docs/scenarios.md',
      'settings of probes',
      Object.values(probes).flatMap(({ defaults }) => Object.keys(defaults as object)),
    ],
    ['docs/metrics.md', 'metrics with a definition', Object.keys(definitions)],
    [
      'README.md',
      'metrics with a definition',
      Object.keys(definitions).filter((name) => name !== 'cacheState'),
    ],
    ['CHANGELOG.md', 'definition ids', Object.values(definitions)],
    ['ARCHITECTURE.md', 'rooms', Object.keys(rooms).filter((room) => room !== 'probes')],
  ])('%s names all %s', (page, _, names) => {
    const text = proseOf(page)
    expect(names.filter((name) => !text.includes(`\`${name}\``))).toEqual([])
  })

  it('docs/scenarios.md has the defaults of the probes', () => {
    const rows = proseOf('docs/scenarios.md').split('\n')
    for (const [name, { defaults }] of Object.entries(probes)) {
      const row = rows.find((line) => line.startsWith(`| \`${name}\` |`)) ?? ''
      for (const [key, value] of Object.entries(defaults as Record<string, unknown>)) {
        const plain = typeof value === 'string' ? value : JSON.stringify(value)
        const shown = Array.isArray(value) ? `[${value.join(', ')}]` : plain
        expect(row, `${name}.${key}`).toContain(`\`${key}\` ${shown}`)
      }
    }
  })

  it('docs/scenarios.md names every provider', () => {
    const text = proseOf('docs/scenarios.md')
    expect(known.providers.filter((name) => !new RegExp(`\\b${name}\\b`).test(text))).toEqual([])
  })

  it('docs/metrics.md names every outcome', () => {
    const schema = read('src/sample/sample.ts') + read('src/wire/exchange.ts')
    const kinds = [...schema.matchAll(/^ {2}\| '([\w-]+)'/gm)].map((match) => match[1] ?? '')
    const text = proseOf('docs/metrics.md')
    expect(kinds.length).toBeGreaterThan(20)
    expect(kinds.filter((kind) => !text.includes(`\`${kind}\``))).toEqual([])
  })
})
