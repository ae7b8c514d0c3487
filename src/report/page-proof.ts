/** Why the figures may be believed: the cache state that was met, the error of the instrument, where it all comes from. */
import { counts } from '../sample/counts.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { figure, money, percent, plural, whole } from './numbers.js'
import type { Block } from './page.js'
import { block } from './page-curves.js'
import { withoutEmpty } from './page-samples.js'
import { sideName, type Side, type Subject } from './page-subject.js'
import { extent, seriesOf, type Plot } from './plot.js'
import { left, right, type Table } from './table.js'

export function cacheBlocks(subject: Subject): Block[] {
  const table = cacheTable(subject)
  const plot = cachePlot(subject)
  return plot === null ? [{ kind: 'table', table }] : block(plot, table)
}

/** Cached tokens by the server's own count against those that were asked. */
function cachePlot(subject: Subject): Plot | null {
  const sides = subject.sides.map((side) => ({
    side,
    reported: side.samples.filter(
      ({ warmup, outcome, cachedTokens }) => !warmup && outcome === 'ok' && cachedTokens !== undefined,
    ),
  }))
  const most = extent(
    sides.flatMap(({ reported }) =>
      reported.flatMap(({ asked, cachedTokens }) => [asked.prefixTokens, cachedTokens!]),
    ),
  )[1]
  if (most === 0) return null
  const series = sides.flatMap(({ side, reported }) =>
    (['confirmed', 'contradicted'] as const).flatMap((state) => {
      const points = reported
        .filter(({ cacheState }) => cacheState === state)
        .map(({ asked, cachedTokens }) => [asked.prefixTokens, cachedTokens!] as const)
      if (points.length === 0) return []
      return [
        seriesOf(sideName(state, side, subject), state === 'confirmed' ? 2 : 'bad', {
          isBase: side.isBase,
          points,
        }),
      ]
    }),
  )
  const expected = seriesOf('as asked', 'plain', {
    line: [
      [0, 0],
      [most, most],
    ],
  })
  const axis = (label: string) =>
    ({ label, scale: 'linear', format: 'number', from: 0, to: most * 1.06 }) as const
  return {
    title: 'Cached tokens, asked and met',
    caption: "Points: samples, by the server's own count. Line: as many as were asked.",
    x: axis('cached tokens asked for'),
    y: axis('cached tokens reported'),
    series: [expected, ...series],
    marks: [],
  }
}

function cacheTable({ sides }: Subject): Table {
  const rows = sides.flatMap((side) => {
    const measured = side.samples.filter(({ warmup, outcome }) => !warmup && outcome === 'ok')
    return (['fresh', 'warm', 'any'] as const).flatMap((cache) => {
      const own = measured.filter(({ asked }) => asked.cache === cache)
      if (own.length === 0) return []
      const of = (state: string): number => own.filter(({ cacheState }) => cacheState === state).length
      return [
        [
          left(sides.length < 2 ? '' : side.isBase ? 'base' : 'candidate'),
          left(cache === 'any' ? 'left open' : cache),
          right(whole(of('confirmed'))),
          { ...right(whole(of('contradicted'))), ...(of('contradicted') > 0 && { tone: 'bad' as const }) },
          right(whole(of('unverified'))),
          right(whole(own.filter(counts).length)),
        ],
      ]
    })
  })
  const head = [
    left('of'),
    left('asked'),
    right('confirmed'),
    right('contradicted'),
    right('unverified'),
    right('in figures'),
  ]
  return withoutEmpty({ title: "cache state by the server's own count", head, rows })
}

export function instrumentBlocks({ snapshot }: Side): Block[] {
  const { error, loopDelay, timerNs, arrivals, overloaded, warnings } = snapshot.instrument
  const least = Math.min(...snapshot.summary.flatMap(({ ttft }) => ttft?.p50 ?? []))
  const facts: [string, string][] = [
    ['Verdict', overloaded ? 'overloaded: the client was the bottleneck' : 'the client kept up'],
    [
      'Timing error',
      error === null
        ? 'not calibrated'
        : `p50 ${figure(error.p50)} ms, p99 ${figure(error.p99)} ms, over ${plural(error.n, 'event')} in ${plural(error.streams, 'stream')}`,
    ],
    ...(error === null || !Number.isFinite(least)
      ? []
      : [
          [
            'Beside it',
            `the shortest median TTFT is ${figure(least)} ms: p50 of the error is ${percent(error.p50 / least)} of it`,
          ] as [string, string],
        ]),
    [
      'Event-loop delay',
      `p50 ${figure(loopDelay.p50)}, p99 ${figure(loopDelay.p99)}, max ${figure(loopDelay.max)} ms`,
    ],
    ['Clock', `smallest step ${whole(timerNs)} ns`],
  ]
  const table: Table = {
    title: 'arrivals, asked and delivered',
    head: [
      left('cell'),
      right('asked /s'),
      right('delivered /s'),
      right('gap CV'),
      right('dispersion'),
      right('start delay p99 ms'),
    ],
    rows: arrivals.map(({ cell, asked, delivered, gapCv, dispersion, startDelay }) => [
      left(cell),
      right(figure(asked)),
      right(figure(delivered)),
      right(figure(gapCv)),
      right(figure(dispersion)),
      right(figure(startDelay.p99)),
    ]),
  }
  return [
    { kind: 'facts', title: 'Before and during the run', facts },
    ...(arrivals.length > 0 ? [{ kind: 'table' as const, table }] : []),
    ...(warnings.length > 0 ? [{ kind: 'list' as const, title: 'Warnings', items: warnings }] : []),
  ]
}

export function provenanceBlocks(snapshot: Snapshot): Block[] {
  const { provenance, scenario, spent, targets } = snapshot
  const { harness, commit, node, os, cpu, seed, definitions } = provenance
  const tally = spent.cost === null ? '' : `, ${money(spent.cost)}`
  const facts: [string, string][] = [
    ['Snapshot', `${snapshot.id}, ${snapshot.startedAt} to ${snapshot.endedAt}`],
    ['Checksum', snapshot.checksum],
    ...targets.map(({ name, model, baseUrl, provider, protocol, region, tokenizer }): [string, string] => [
      `Target ${name}`,
      `${model} at ${baseUrl} (${[provider, protocol, region, `tokens by ${tokenizer}`].filter(Boolean).join(', ')})`,
    ]),
    ...routeFacts(snapshot),
    [
      'Sent',
      `${plural(spent.requests, 'request')}, ${whole(spent.promptTokens)} prompt and ${whole(spent.outputTokens)} output tokens${tally}`,
    ],
    [
      'Measured by',
      `Plumbline ${harness}${commit === null ? '' : ` at ${commit.slice(0, 12)}`}, Node ${node}, ${os}, ${cpu}`,
    ],
    ['Seed', String(seed)],
    ['Definitions', Object.values(definitions).join(', ')],
    ['Scenario', `${scenario.name}, ${scenario.hash}`],
  ]
  return [
    { kind: 'facts', title: snapshot.id, facts },
    ...(scenario.text === ''
      ? []
      : [{ kind: 'verbatim' as const, title: 'The scenario, as it was run', text: scenario.text }]),
  ]
}

/** What servers said of themselves, each different answer once. */
function routeFacts({ samples, targets }: Snapshot): [string, string][] {
  return targets.flatMap(({ name }) => {
    const own = samples.filter(({ target }) => target === name)
    return (['model', 'fingerprint', 'region', 'serviceTier', 'upstream'] as const).flatMap(
      (field): [string, string][] => {
        const said = new Map<string, number>()
        for (const { route } of own) {
          const value = route?.[field]
          if (value !== undefined) said.set(value, (said.get(value) ?? 0) + 1)
        }
        if (said.size === 0) return []
        const most = [...said].sort((a, b) => b[1] - a[1])
        const told = most.slice(0, 4).map(([value, n]) => (most.length === 1 ? value : `${value} (${n})`))
        const more = most.length > told.length ? ` and ${most.length - told.length} more` : ''
        return [[`Route: ${field}`, `${told.join(', ')}${more}`]]
      },
    )
  })
}
