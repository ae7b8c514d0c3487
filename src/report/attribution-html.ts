/** Attributed spans as one HTML page: no script, nothing loaded from elsewhere. */
import { htmlAttribute, htmlText } from '../border/escape.js'
import type { Phase, Phases } from '../span/causes.js'
import { phaseOrder } from './attribution-bar.js'
import type { AttributionModel } from './attribution.js'

/** Dark enough on white for a bar, and told apart by people who see no red or green (Okabe & Ito 2008). */
const COLOURS: Readonly<Record<Phase, string>> = {
  network: '#999999',
  queue: '#d55e00',
  prefillFresh: '#0072b2',
  prefillCached: '#56b4e9',
  reasoning: '#cc79a7',
  decode: '#009e73',
  retry: '#000000',
  client: '#e69f00',
}

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#111}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}.bar{display:flex;height:1.2rem;margin:.3rem 0}
.bar span{display:block}.key span{display:inline-block;width:.8rem;height:.8rem;margin:0 .3rem 0 1rem}
small{color:#444}`

export function attributionHtml({ headline, sentences, groups, worst, notes }: AttributionModel): string {
  const items = (texts: readonly string[]): string =>
    texts.length === 0 ? '' : `<ul>${texts.map((text) => `<li>${htmlText(text)}</li>`).join('')}</ul>`
  const body = [
    `<h1>${htmlText(headline)}</h1>`,
    items(sentences),
    ...groups.map((group) => `<h2>${htmlText(group.title)}</h2>${items(group.sentences)}`),
    ...(worst.length > 0 ? [`<h2>The largest excess of each verdict</h2>${key()}`] : []),
    ...worst.map(
      (span) =>
        `<p>${htmlText(span.title)}</p>${bar(span.phases, span.phaseText)}<small>${htmlText(span.phaseText)}</small>${items(span.evidence)}`,
    ),
    ...notes.map((note) => `<p><small>note: ${htmlText(note)}</small></p>`),
  ]
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width,initial-scale=1">',
    `<title>${htmlText(headline)}</title><style>${STYLE}</style></head><body><main>`,
    ...body,
    '</main></body></html>',
    '',
  ].join('\n')
}

function bar(phases: Phases, label: string): string {
  const total = phaseOrder.reduce((sum, name) => sum + phases[name], 0)
  const parts = phaseOrder
    .filter((name) => phases[name] > 0)
    .map((name) => {
      const share = ((phases[name] / total) * 100).toFixed(2)
      return `<span style="width:${share}%;background:${COLOURS[name]}"></span>`
    })
  return `<div class="bar" role="img" aria-label="${htmlAttribute(label)}">${parts.join('')}</div>`
}

function key(): string {
  const parts = phaseOrder.map((name) => `<span style="background:${COLOURS[name]}"></span>${name}`)
  return `<p class="key"><small>${parts.join('')}</small></p>`
}
