/** One request taken apart: what each phase should cost by the curves, for the longest shapes that were measured. */
import type { Curve } from '../curve/curve.js'
import { predict, type Shape } from '../curve/predict.js'
import { phases as phaseNames, type Phase } from '../span/causes.js'
import { figure, whole } from './numbers.js'
import type { Block } from './page.js'
import { totalMs, type Bar } from './plot-bars.js'
import type { Side, Subject } from './page-subject.js'
import type { Tone } from './plot.js'
import { left, right } from './table.js'

const PHASES: Readonly<Record<Phase, { name: string; tone: Tone }>> = {
  network: { name: 'network, gateway', tone: 'plain' },
  queue: { name: 'queue, others in flight', tone: 3 },
  prefillFresh: { name: 'prefill', tone: 0 },
  prefillCached: { name: 'cached prefix', tone: 1 },
  reasoning: { name: 'reasoning', tone: 5 },
  decode: { name: 'decode', tone: 2 },
  retry: { name: 'retry', tone: 'bad' },
  client: { name: 'client', tone: 4 },
}

/** Milliseconds of a request of this shape; null where the curves do not reach it. They add up to what `predict` says. */
export function phasesOf(curves: readonly Curve[], shape: Shape): Partial<Record<Phase, number>> | null {
  const { ttft, tpot } = predict(curves, shape)
  if ('outside' in ttft || 'outside' in tpot) return null
  const value = (law: Curve['law'], name: string): number =>
    curves.find((curve) => curve.law === law)?.parameters[name]?.value ?? 0
  const fresh = shape.promptTokens - shape.cachedTokens
  return {
    network: value('prefill', 'base'),
    queue: value('contention', 'ttftPerPeer') * (shape.concurrency - 1),
    prefillFresh: (value('prefill', 'fresh') * fresh + value('prefill', 'curve') * fresh ** 2) / 1000,
    prefillCached: (value('prefill', 'hit') * shape.cachedTokens) / 1000,
    decode: tpot.ms * (shape.outputTokens - 1),
  }
}

/** Null where prefill and decode are not both known. */
export function requestBlock(subject: Subject): Block | null {
  const shapes = shapesOf(subject)
  const bars = shapes.flatMap(({ label, shape }) =>
    subject.sides.flatMap((side): Bar[] => {
      const phases = phasesOf(side.curves, shape)
      if (phases === null) return []
      const name = subject.sides.length < 2 ? label : `${label}: ${side.isBase ? 'base' : 'candidate'}`
      return [{ label: name, isBase: side.isBase, parts: partsOf(phases) }]
    }),
  )
  if (bars.length === 0) return null
  const names = [...new Set(bars.flatMap(({ parts }) => parts.map(({ name }) => name)))]
  return {
    kind: 'bars',
    bars: {
      title: 'One request, taken apart',
      caption: 'What each phase should cost by the fitted curves, in ms.',
      bars,
    },
    table: {
      title: 'phases, ms',
      head: [left('request'), ...names.map(right), right('in all')],
      rows: bars.map((bar) => [
        left(bar.label),
        ...names.map((name) => right(figure(bar.parts.find((part) => part.name === name)?.ms))),
        right(figure(totalMs(bar))),
      ]),
    },
  }
}

export function partsOf(phases: Partial<Record<Phase, number>>): Bar['parts'] {
  return phaseNames.flatMap((phase) => {
    const ms = phases[phase] ?? 0
    return ms > 0 ? [{ ...PHASES[phase], ms }] : []
  })
}

/** The longest prompt that both laws know, fresh and warm; and the busiest moment beside a quiet one. */
function shapesOf({ sides }: Subject): { label: string; shape: Shape }[] {
  const side = sides.at(-1)
  if (side === undefined) return []
  const long = longest(side)
  const busy = side.contended.reduce<Shape | null>(
    (most, { fresh, cached, outputTokens, concurrency }) =>
      concurrency > (most?.concurrency ?? 1)
        ? { promptTokens: fresh + cached, cachedTokens: 0, outputTokens, concurrency }
        : most,
    null,
  )
  const shapes: { how: string; shape: Shape }[] = []
  if (long !== null) {
    shapes.push({ how: 'fresh', shape: long })
    const warm = side.rows.filter(({ warm: isWarm }) => isWarm)
    const cachedTokens = Math.max(
      0,
      ...warm.map(({ cached }) => cached).filter((cached) => cached < long.promptTokens),
    )
    if (cachedTokens > 0) shapes.push({ how: 'warm prefix', shape: { ...long, cachedTokens } })
  }
  if (busy !== null) {
    shapes.push({ how: 'alone', shape: { ...busy, concurrency: 1 } })
    shapes.push({ how: `${whole(busy.concurrency)} in flight`, shape: busy })
  }
  return shapes.map(({ how, shape }) => ({
    label: `${whole(shape.promptTokens)} tokens in, ${whole(shape.outputTokens)} out, ${how}`,
    shape,
  }))
}

function longest({ rows }: Side): Shape | null {
  const known = rows.filter(({ concurrency, tpot }) => concurrency === 1 && tpot !== null)
  return known.reduce<Shape | null>((most, { fresh, cached, outputTokens }) => {
    const promptTokens = fresh + cached
    const isLonger = promptTokens + outputTokens > (most === null ? 0 : most.promptTokens + most.outputTokens)
    return isLonger ? { promptTokens, cachedTokens: 0, outputTokens, concurrency: 1 } : most
  }, null)
}
