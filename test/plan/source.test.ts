import { expect, test } from 'vitest'
import { cellId, toCondition } from '../../src/plan/cell.js'
import type { CellLoad } from '../../src/plan/cell.js'
import type { Block, Next, Seen } from '../../src/plan/probe.js'
import { faultOfBlock } from '../../src/plan/check-ask.js'
import { adaptiveSource, chainedSource, ownPromptsSource, plannedSource } from '../../src/plan/source.js'
import { inOrder } from '../../src/plan/visit.js'
import { createRandom } from '../../src/random/random.js'
import { emptyCell } from '../probes/virtual-cache.js'

const alone: CellLoad = { kind: 'closed', concurrency: 1 }
const ask = (promptTokens: number): Block[number] => ({
  promptTokens,
  prefixTokens: 0,
  outputTokens: 16,
  cache: 'fresh',
})
const options = (targets: string[]) => ({
  probe: 'p',
  targets,
  load: alone,
  random: createRandom(3),
  firstBlock: 0,
  keep: () => true,
})

test('a cell is named by what makes it comparable, not by how often it was visited', () => {
  const once = toCondition({ ...ask(1024), outputTokens: 64 }, alone)
  expect(cellId('prompt-length', once)).toBe('prompt-length/1024/64/fresh/c1/reused')
  expect(cellId('prompt-length', { ...once, requests: 9 })).toBe(cellId('prompt-length', once))
  const warm = toCondition({ ...ask(1024), cache: 'warm', prefixTokens: 960, rate: 2.5 }, alone)
  expect(cellId('x', warm)).toBe('x/1024/16/warm960/poisson2.5-max256/reused')
})

test('two targets are visited at every cell before the next cell', () => {
  const source = plannedSource([[ask(64), ask(128), ask(256)]], options(['a', 'b']))
  const next = source.next()
  if ('done' in next) throw new Error('no block')
  const order = next.visits.map((visit) => `${visit.chains[0]![0]!.condition.promptTokens}${visit.target}`)
  expect(order.map((each) => each.slice(0, -1))).toEqual(['64', '64', '128', '128', '256', '256'])
  expect(new Set(order).size).toBe(6)
})

test('interleaved: block g of every probe comes before block g+1 of any', () => {
  const sources = ['x', 'y'].map((probe) =>
    plannedSource([[ask(64)], [ask(64)], [ask(64)]], { ...options(['a']), probe }),
  )
  const blocks = [...inOrder(sources, 'interleaved', createRandom(1))].map((each) => each.block)
  expect(blocks).toEqual([0, 0, 1, 1, 2, 2])
})

test('sequential: one probe after the other', () => {
  const sources = ['x', 'y'].map((probe) =>
    plannedSource([[ask(64)], [ask(64)]], { ...options(['a']), probe }),
  )
  expect([...inOrder(sources, 'sequential', createRandom(1))].map((each) => each.probe)).toEqual([
    'x',
    'x',
    'y',
    'y',
  ])
})

test('a cell that its target cannot show is dropped, and only there', () => {
  const keep = (target: string): boolean => target !== 'b'
  const next = plannedSource([[ask(64)]], { ...options(['a', 'b']), keep }).next()
  if ('done' in next) throw new Error('no block')
  expect(next.visits.map((visit) => visit.target)).toEqual(['a'])
})

test('an adaptive probe decides for each target by itself and ends with its reason', () => {
  const source = adaptiveSource(
    (seen) => (seen.blocks >= 2 ? { done: 'narrow enough' } : { ask: [ask(64)] }),
    (target) => ({ blocks: target === 'a' ? 5 : count++, cells: [], halfWidths: {} }),
    options(['a', 'b']),
  )
  let count = 0
  const blocks = [...inOrder([source], 'interleaved', createRandom(1))]
  expect(blocks.map((block) => block.visits.map((visit) => visit.target))).toEqual([['b'], ['b']])
  expect(source.next()).toEqual({ done: 'narrow enough' })
})

test('a decision is shown the blocks before its own and no other, so that a run taken up again decides as it did', () => {
  // Three blocks of an earlier part of the run are known from the start.
  const known = [0, 1, 2]
  const shown: number[][] = []
  const decide = (seen: Seen): Next => {
    shown.push(seen.cells.map(({ n }) => n))
    return seen.blocks >= 3 ? { done: 'enough' } : { ask: [ask(64 + seen.blocks)] }
  }
  const seen = (_: string, end: number): Seen => {
    const before = known.filter((block) => block < end)
    return { blocks: before.length, cells: before.map((n) => ({ ...emptyCell(ask(64)), n })), halfWidths: {} }
  }
  const blocks = [...inOrder([adaptiveSource(decide, seen, options(['a']))], 'interleaved', createRandom(1))]
  expect(shown).toEqual([[], [0], [0, 1], [0, 1, 2]])
  expect(blocks.map(({ visits }) => visits[0]?.chains[0]?.[0]?.condition.promptTokens)).toEqual([64, 65, 66])
})

test('a source that is busy is not asked; where all are, there is nothing to do but wait', () => {
  const busy = new Set(['x'])
  const sources = ['x', 'y'].map((probe) => plannedSource([[ask(64)]], { ...options(['a']), probe }))
  const order = inOrder(sources, 'interleaved', createRandom(1), ({ probe }) => busy.has(probe))
  expect(order.next().value).toMatchObject({ probe: 'y' })
  expect(order.next().value).toBeNull()
  busy.clear()
  expect(order.next().value).toMatchObject({ probe: 'x' })
  expect(order.next().done).toBe(true)
})

test('a design goes on from its plan to its decisions under one name', () => {
  const then = adaptiveSource(
    () => ({ done: 'found' }),
    () => ({ blocks: 1, cells: [], halfWidths: {} }),
    options(['a']),
  )
  const source = chainedSource(plannedSource([[ask(64)]], options(['a'])), then)
  expect(source.total).toBeNull()
  expect(source.next()).toMatchObject({ block: 0 })
  expect([source.next(), source.next()]).toEqual([{ done: 'found' }, { done: 'found' }])
})

test('each target has its own reason, under its name; one that all share stands alone', () => {
  const reasonOf = (reasons: Record<string, string>) => {
    const seen = (target: string) => ({ blocks: target === 'a' ? 1 : 2, cells: [], halfWidths: {} })
    const decide = (_: Seen, __: unknown, { target }: { target: string }): Next => ({
      done: reasons[target]!,
    })
    return adaptiveSource(decide, seen, options(['a', 'b'])).next()
  }
  expect(reasonOf({ a: 'knee at 4', b: 'knee at 16' })).toEqual({ done: 'a: knee at 4; b: knee at 16' })
  expect(reasonOf({ a: 'knee at 4', b: 'knee at 4' })).toEqual({ done: 'knee at 4' })
})

test('what two deciding parts under one name found is told of both', () => {
  const deciding = (done: string) =>
    adaptiveSource(
      () => ({ done }),
      () => ({ blocks: 1, cells: [], halfWidths: {} }),
      options(['a']),
    )
  const source = chainedSource(deciding('40 % saved'), deciding('found'))
  const done = '40 % saved; found'
  expect([source.next(), source.next()]).toEqual([{ done }, { done }])
})

test('a probe whose last 3 blocks brought no sample is stopped: what it asks for cannot be measured', () => {
  const source = adaptiveSource(
    () => ({ ask: [ask(64)] }),
    (_, end) => ({
      blocks: end,
      cells: [{ ...emptyCell(ask(64)), errors: Math.min(end, 2) }],
      halfWidths: {},
    }),
    options(['a']),
  )
  const blocks = [...inOrder([source], 'interleaved', createRandom(1))]
  expect(blocks).toHaveLength(5)
  expect(source.next()).toEqual({ done: expect.stringContaining('3 blocks') })
})

test('the turns of a conversation stay in order in one chain, the conversations do not', () => {
  const turn = (conversation: number, index: number) => ({
    conversation,
    turn: index,
    promptTokens: 10,
    outputTokens: 8,
  })
  const file = Array.from({ length: 12 }, (_, c) => [turn(c, 0), turn(c, 1)])
  const next = ownPromptsSource(file, 1, options(['a'])).next()
  if ('done' in next) throw new Error('no block')
  const chains = next.visits[0]!.chains
  expect(chains.map((chain) => chain.map((request) => request.own!.turn))).toEqual(file.map(() => [0, 1]))
  expect(chains.map((chain) => chain[0]!.own!.conversation)).not.toEqual(file.map((_, c) => c))
})

test('a probe that stands twice counts its blocks on, so that no two share a number', () => {
  const first = plannedSource([[ask(64)], [ask(64)]], options(['a']))
  const second = plannedSource([[ask(128)]], { ...options(['a']), firstBlock: 2 })
  const blocks = [...inOrder([first, second], 'sequential', createRandom(1))]
  expect(blocks.map((each) => each.block)).toEqual([0, 1, 2])
  expect(blocks.flatMap((each) => each.visits.map((visit) => visit.block))).toEqual([0, 1, 2])
})

test.each([
  [{ promptTokens: 0 }, /promptTokens 0/],
  [{ promptTokens: 1.5 }, /promptTokens 1.5/],
  [{ outputTokens: Number.NaN }, /outputTokens NaN/],
  [{ cache: 'warm' as const, prefixTokens: 64 }, /warm prefix of 64 in 64/],
  [{ concurrency: 0 }, /concurrency 0/],
  [{ concurrency: 2, rate: 1 }, /both concurrency and rate/],
  [{ rate: -1 }, /rate -1/],
])('a probe that asks for %j is told so', (fields, fault) => {
  expect(faultOfBlock([{ ...ask(64), ...fields }])).toMatch(fault)
  expect(faultOfBlock([ask(64)])).toBeNull()
})

test('an adaptive probe that asks for nothing its target can show is done, and does not spin', () => {
  const seen = () => ({ blocks: 0, cells: [], halfWidths: {} })
  const hopeless = adaptiveSource(() => ({ ask: [ask(64)] }), seen, { ...options(['a']), keep: () => false })
  expect(hopeless.next()).toEqual({ done: 'stopped, since its probe asked for nothing that a can show' })
  const empty = adaptiveSource(() => ({ ask: [] }), seen, options(['a']))
  expect(empty.next()).toHaveProperty('done')
})

test.each<[string, () => Next, RegExp]>([
  [
    'throws',
    () => {
      throw new Error('no such length')
    },
    /next\(\) failed: no such length/,
  ],
  ['answers nothing', () => JSON.parse('null') as Next, /neither/],
  ['asks for nonsense', () => ({ ask: [{ ...ask(64), outputTokens: 0 }] }), /outputTokens 0/],
])('an adaptive probe that %s ends with the reason, and not the run', (_, decide, reason) => {
  const source = adaptiveSource(decide, () => ({ blocks: 0, cells: [], halfWidths: {} }), options(['a']))
  const next = source.next()
  expect('done' in next && next.done).toMatch(reason)
})

test('a source that is broken off tells what is left of each target that is not done', () => {
  const decide = (_: Seen, __: unknown, { target }: { target: string }): Next =>
    target === 'a' ? { done: 'enough' } : { ask: [ask(64)] }
  const seen = (): Seen => ({ blocks: 0, cells: [], halfWidths: {} })
  const source = adaptiveSource(decide, seen, options(['a', 'b']), (_, at) => `${at.target} at ${at.block}`)
  source.next()
  expect(source.left?.()).toBe('b at 1')
  expect(chainedSource(source, plannedSource([], options(['a']))).left?.()).toBe('b at 1')
  expect(adaptiveSource(decide, seen, options(['b'])).left?.(), 'nothing is known to be wanted').toBeNull()
})
