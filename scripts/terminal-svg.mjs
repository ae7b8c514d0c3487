// @ts-check
/** Draws a text file as a picture of a terminal: `node scripts/terminal-svg.mjs in.txt out.svg 'title'`. */
import { readFileSync, writeFileSync } from 'node:fs'

const FONT_PX = 13
const LINE_PX = 18
/** Width of a column. Every line is stretched to it, so that tables stand straight in whatever font there is. */
const COLUMN_PX = 7.8
const MARGIN_PX = 18
const BAR_PX = 34

/** What a line is, by its look; the first that fits. Colours by CSS, so that one file serves dark and light. */
const KINDS = /** @type {const} */ ([
  ['prompt', /^\$ /],
  ['warning', /^\s*(?:warning|note|stopped|error)\b|FAILED|NOT MET|OVERLOADED/],
  ['good', /^\s+met: /],
  ['head', /^(?=\S).*(?:, run |, cache |, output tokens |curves,|expectations|compared with)/],
  ['dim', /^\s+(?:prompt|load)\s{2,}|^\s+snapshot: /],
])

const [input, output, title = 'plumbline'] = process.argv.slice(2)
if (input === undefined || output === undefined) {
  console.error('usage: node scripts/terminal-svg.mjs <in.txt> <out.svg> [title]')
  process.exit(2)
}
const lines = readFileSync(input, 'utf8').trimEnd().split('\n')
writeFileSync(output, picture(lines, title))

/** @param {readonly string[]} texts @param {string} name */
function picture(texts, name) {
  const columns = Math.max(...texts.map((text) => text.length))
  const width = Math.ceil(columns * COLUMN_PX + 2 * MARGIN_PX)
  const height = BAR_PX + texts.length * LINE_PX + MARGIN_PX
  const rows = texts.map((text, i) => row(text, BAR_PX + (i + 1) * LINE_PX - 4)).filter((text) => text !== '')
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(name)}">
<title>${escaped(name)}</title>
<style>
  .card { fill: #fbfbfa; stroke: #d4d4d0 }
  text { font: ${FONT_PX}px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #24292f; white-space: pre }
  .prompt, .head { font-weight: 600 }
  .head { fill: #0550ae }
  .warning { fill: #9a4b00 }
  .good { fill: #116329 }
  .dim, .name { fill: #6b7178 }
  @media (prefers-color-scheme: dark) {
    .card { fill: #16191d; stroke: #363b42 }
    text { fill: #d6dae0 }
    .head { fill: #79b8ff }
    .warning { fill: #f0a35e }
    .good { fill: #7ecb8f }
    .dim, .name { fill: #8a929c }
  }
</style>
<rect class="card" x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="8"/>
<text class="name" x="${width / 2}" y="22" text-anchor="middle">${escaped(name)}</text>
${rows.join('\n')}
</svg>
`
}

/** @param {string} text @param {number} y */
function row(text, y) {
  const shown = text.trimEnd()
  if (shown === '') return ''
  const kind = KINDS.find(([, look]) => look.test(shown))?.[0]
  const indent = shown.length - shown.trimStart().length
  const x = MARGIN_PX + indent * COLUMN_PX
  const length = (shown.length - indent) * COLUMN_PX
  const style = kind === undefined ? '' : ` class="${kind}"`
  return `<text${style} x="${round(x)}" y="${y}" textLength="${round(length)}" lengthAdjust="spacingAndGlyphs" xml:space="preserve">${escaped(shown.trimStart())}</text>`
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 10) / 10
}

/** @param {string} text */
function escaped(text) {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
