/** A page as one self-contained HTML file: no script, no address but its own anchors, nothing that the style sheet's hash does not cover. */
import { createHash } from 'node:crypto'
import { cut } from '../border/escape.js'
import { figures, markup, type Markup, type Part } from './markup.js'
import type { Block, Page, Section } from './page.js'
import { BROAD, barsSvg, SLIM } from './plot-bars.js'
import { columnsSvg } from './plot-columns.js'
import { ratiosSvg } from './plot-ratios.js'
import { stripsSvg } from './plot-strips.js'
import { HALF, plotSvg, toneClass, WIDE } from './plot-svg.js'
import type { Tone } from './plot.js'
import { STYLE } from './html-style.js'
import type { Cell, Table } from './table.js'

export function pageHtml({ title, about, verdict, sections }: Page, version: string): string {
  const hash = createHash('sha256').update(STYLE).digest('base64')
  const policy = `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`
  const page = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${named(title)} · Plumbline</title>
<style>${{ markup: STYLE }}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the results</a>
<header>
<div class="top"><h1>${named(title)}</h1><p class="brand">${MARK}Plumbline report</p></div>
<p class="verdict ${verdict.tone}">${cut(verdict.text, MOST_OF_SENTENCE)}</p>
${verdict.more.length === 0 ? null : list('more', verdict.more)}
${list('about', about)}
</header>
<nav aria-label="Sections"><ul>${sections.map(({ id, title: name }) => markup`<li><a href="#${id}">${named(name)}</a></li>`)}</ul></nav>
<main id="main">
${sections.map(sectionHtml)}
</main>
<footer>Made by Plumbline ${version}. This file asks nothing of any network.</footer>
</body>
</html>
`
  return page.markup
}

/** A line, and the weight that hangs from it. */
const MARK = figuresOf(
  '<svg viewBox="0 0 13 22" aria-hidden="true"><path d="M6.5 0v10" fill="none" stroke="currentColor" stroke-width="1.4"/><path d="M2 10h9v3l-4.5 9-4.5-9z" fill="currentColor"/></svg>',
)

function figuresOf(own: string): Markup {
  return { markup: own }
}

const list = (name: string, items: readonly string[]): Markup =>
  markup`<ul class="${name}">${items.map((item) => markup`<li>${cut(item, MOST_OF_SENTENCE)}</li>`)}</ul>`

function sectionHtml({ id, title, lead, blocks }: Section): Markup {
  const shown = blocks.map((block, i) => blockHtml(block, `${id}-${i}`, title))
  return markup`<section aria-labelledby="${id}"><h2 id="${id}">${named(title)}</h2>${lead === null ? null : markup`<p class="lead">${lead}</p>`}<div class="blocks">${shown}</div></section>
`
}

interface Legend {
  name: string
  tone: Tone
  isBase?: boolean
  isArea?: boolean
}

function blockHtml(block: Block, id: string, section: string): Markup {
  switch (block.kind) {
    case 'plot': {
      const { plot, isWide, table, flags = [] } = block
      const { svg, notes } = plotSvg(plot, isWide ? WIDE : HALF, id)
      const legend = plot.series.length > 1 ? plot.series : []
      const words = [plot.caption, ...notes].join(' ')
      return figure({
        title: plot.title,
        section,
        legend,
        svg,
        words,
        table,
        isWide,
        flags,
      })
    }
    case 'bars': {
      const { bars, table } = block
      const parts = bars.bars.flatMap((bar) => bar.parts)
      const legend = [
        ...new Map(parts.map(({ name, tone }) => [name, { name, tone, isArea: true }])).values(),
      ]
      const svg = markup`<div class="desk">${barsSvg(bars, BROAD, id)}</div><div class="phone">${barsSvg(bars, SLIM, `${id}p`)}</div>`
      return figure({
        title: bars.title,
        section,
        legend,
        svg,
        words: bars.caption,
        table,
        isWide: true,
        isFluid: true,
      })
    }
    case 'strips': {
      const { strips, table } = block
      const { svg, notes } = stripsSvg(strips, id)
      const words = [strips.caption, ...notes].join(' ')
      return figure({
        title: strips.title,
        section,
        legend: [],
        svg,
        words,
        table,
        isWide: false,
        isFolded: true,
      })
    }
    case 'ratios': {
      const { ratios, table } = block
      return figure({
        title: ratios.title,
        section,
        legend: [],
        svg: ratiosSvg(ratios, id),
        words: ratios.caption,
        table,
        isWide: true,
      })
    }
    case 'columns': {
      const { columns, table } = block
      const legend = columns.kinds.map((kind) => ({ ...kind, isArea: true }))
      return figure({
        title: columns.title,
        section,
        legend,
        svg: columnsSvg(columns, id),
        words: columns.caption,
        table,
        isWide: true,
      })
    }
    case 'table':
      return markup`<div class="block wide">${tableHtml(block.table)}</div>`
    case 'facts':
      return markup`<div class="block wide">${heading(block.title, section)}<dl>${block.facts.map(([name, text]) => markup`<dt>${named(name)}</dt><dd>${cut(text, MOST_OF_SENTENCE)}</dd>`)}</dl></div>`
    case 'list':
      return markup`<div class="block wide">${heading(block.title, section)}${list('items', block.items)}</div>`
    case 'verbatim':
      return markup`<div class="block wide"><details><summary>${block.title}</summary><pre>${linesOf(block.text)}</pre></details></div>`
    default:
      return block satisfies never
  }
}

const linesOf = (text: string): Part => text.split(/\r?\n/).map((line) => markup`${line}\n`)
/** Names that others gave may be of any length; a page has room for these. */
const MOST_OF_NAME = 90
const MOST_OF_CELL = 400
const MOST_OF_SENTENCE = 1000
const named = (text: string): string => cut(text, MOST_OF_NAME)

const heading = (title: string, section: string): Part =>
  title === section ? null : markup`<h3>${named(title)}</h3>`

interface FigureParts {
  title: string
  section: string
  legend: readonly Legend[]
  flags?: readonly Cell[]
  svg: Markup
  words: string
  table: Table | null
  isWide: boolean
  /** It fits a phone by itself. */
  isFluid?: boolean
  /** The table is there for whoever wants it, one key away. @default as `isWide` */
  isFolded?: boolean
}

function figure({
  title,
  section,
  legend,
  flags = [],
  svg,
  words,
  table,
  isWide,
  isFluid = false,
  isFolded = isWide,
}: FigureParts): Markup {
  const keys = legend.length === 0 ? null : markup`<ul class="legend">${legend.map(key)}</ul>`
  // Broad pictures keep letters of a readable size on a phone: they scroll in their own frame there.
  const picture =
    isWide && !isFluid
      ? markup`<div class="picture scroll" tabindex="0" role="group" aria-label="${title}"><div class="broad">${svg}</div></div>`
      : markup`<div class="picture">${svg}</div>`
  const told =
    table === null
      ? null
      : isFolded
        ? markup`<details><summary>The figures</summary>${tableHtml(table)}</details>`
        : tableHtml(table)
  const note = markup`<p class="note">${words}</p>`
  const body = isWide
    ? markup`<div class="whole">${picture}${note}${told}</div>`
    : markup`<div class="pair"><div>${picture}${note}</div>${told}</div>`
  return markup`<figure class="block${isWide ? ' wide' : ''}"><figcaption>${flags.map(flag)}${heading(title, section)}${keys}</figcaption>${body}</figure>
`
}

const flag = ({ text, tone = 'good' }: Cell): Markup => markup`<span class="flag ${tone}-cell">${text}</span>`

function key({ name, tone, isBase = false, isArea = false }: Legend): Markup {
  const base = isBase ? ' base' : ''
  const dot = figures(tone === 'bad' ? 'M8 2l6 6m-6 0l6 -6' : 'M11 5h0')
  const sign = isArea
    ? markup`<path class="${toneClass(tone)} part" d="M1 0h20v10h-20z"/>`
    : markup`<path class="${toneClass(tone)} line${base}" d="M1 5h20"/><path class="${toneClass(tone)} dots sign" d="${dot}"/>`
  return markup`<li><svg viewBox="0 0 22 10" aria-hidden="true">${sign}</svg>${named(name)}</li>`
}

/** Wider ones may scroll, so they can be reached by the keyboard. */
const NARROW_COLUMNS = 4

/** With a word that would push the other columns out. */
const isLong = (text: string): boolean => text.split(/\s/).some((word) => word.length > 24)

const unbroken = (text: string): string =>
  cut(text, MOST_OF_CELL)
    .replaceAll(' %', '\u00A0%')
    // An interval stays on its line.
    .replace(/^(\[[^ ,]+,) ([^ ,]+\])$/, '$1\u00A0$2')

function tableHtml({ title, head, rows }: Table): Markup {
  const heads = head.map(
    (cell) => markup`<th scope="col"${cell.right ? markup` class="r"` : null}>${cell.text}</th>`,
  )
  const lines = rows.map(
    (row) =>
      markup`<tr>${row.map((cell, i) => {
        const names = [
          cell.right ? 'r' : '',
          isLong(cell.text) ? 'long' : '',
          cell.tone === undefined ? '' : `${cell.tone}-cell`,
        ]
          .filter(Boolean)
          .join(' ')
        const classes = names === '' ? null : markup` class="${names}"`
        return i === 0 && !cell.right
          ? markup`<th scope="row"${classes}>${unbroken(cell.text)}</th>`
          : markup`<td${classes}>${unbroken(cell.text)}</td>`
      })}</tr>`,
  )
  const table = markup`<table><caption>${cut(title, MOST_OF_CELL)}</caption><thead><tr>${heads}</tr></thead><tbody>${lines}</tbody></table>`
  return head.length <= NARROW_COLUMNS
    ? table
    : markup`<div class="scroll" tabindex="0" role="group" aria-label="${title}">${table}</div>`
}
