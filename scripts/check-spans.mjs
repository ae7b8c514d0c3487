// @ts-check
/**
 * What `plumbline attribute` takes, as it is built: spans a second of one core (all processor time of the process, its
 * helpers and its start included) and peak memory, for a file of OTLP/JSON lines, plain and gzipped, one of protobuf
 * records and one JSON document; and its receiver at 5,000 spans a second and beyond what it can take. Of the spans 19
 * in 20 are on the curve. `npm run check:spans -- --gb 5` makes the files that long, `--only NAME` takes one of them,
 * `--keep DIR` leaves them there.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { fileURLToPath } from 'node:url'
import { createGzip } from 'node:zlib'
import { receiveAll } from './spans/receive.mjs'
import { baselineOfStream, spanPieces } from './spans/stream.mjs'

const root = new URL('../', import.meta.url)
const main = fileURLToPath(new URL('dist/src/cli/main.js', root))
const meter = fileURLToPath(new URL('scripts/spans/meter.mjs', root))
const { values } = parseArgs({
  options: {
    gb: { type: 'string', default: '0.5' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    keep: { type: 'string' },
  },
})
const MAX_RSS_MB = 256

/**
 * What is read, in which format it comes out, and how many spans a second are wanted; 0: only told.
 * @type {readonly { name: string, input: import('./spans/stream.mjs').Format, isGzip?: boolean, output: string, least: number }[]}
 */
const legs = [
  { name: 'lines', input: 'lines', output: 'terminal', least: 60_000 },
  { name: 'lines-ndjson', input: 'lines', output: 'ndjson', least: 0 },
  { name: 'lines-gzip', input: 'lines', isGzip: true, output: 'terminal', least: 0 },
  { name: 'protobuf', input: 'protobuf', output: 'terminal', least: 150_000 },
  { name: 'protobuf-ndjson', input: 'protobuf', output: 'ndjson', least: 0 },
  { name: 'document', input: 'document', output: 'terminal', least: 10_000 },
]

if (!existsSync(main)) throw new Error('run `npm run build` first')
const folder = values.keep ?? mkdtempSync(join(tmpdir(), 'plumbline-spans-'))
try {
  const baseline = await writeBaseline()
  let isGood = true
  for (const leg of legs) {
    if (values.only === undefined || values.only === leg.name)
      isGood = (await readAll(leg, baseline)) && isGood
  }
  if (values.only === undefined || values.only === 'receiver')
    isGood = (await receiveAll({ main, meter, baseline, seconds: 10 })) && isGood
  process.exitCode = isGood ? 0 : 1
} finally {
  if (values.keep === undefined) rmSync(folder, { recursive: true })
}

async function writeBaseline() {
  const { encodeSnapshot } = await import(new URL('dist/src/snapshot/format.js', root).href)
  const { SNAPSHOT_FORMAT } = await import(new URL('dist/src/snapshot/snapshot.js', root).href)
  const { definitions } = await import(new URL('dist/src/sample/sample.js', root).href)
  const path = join(folder, 'curve.json')
  writeFileSync(path, encodeSnapshot(baselineOfStream(SNAPSHOT_FORMAT, definitions)))
  return path
}

/** @param {typeof legs[number]} leg @param {string} baseline */
async function readAll({ name, input, isGzip = false, output, least }, baseline) {
  const { path, spans, bytes } = await fileOf(input, isGzip)
  const args = ['--import', meter, main, 'attribute', baseline, path, '--format', output]
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', output === 'ndjson' ? 'ignore' : 'pipe', 'pipe'],
  })
  let [told, said] = ['', '']
  child.stdout?.on('data', (part) => (told += String(part)))
  child.stderr?.on('data', (part) => (said += String(part)))
  const [code] = await once(child, 'close')
  const metered = /^meter (.*)$/m.exec(said)?.[1]
  if (code !== 0 || metered === undefined) throw new Error(`${name}: exit ${code}\n${said}`)
  const words = told + said
  if (!words.includes(spans.toLocaleString('en'))) throw new Error(`${name}: not ${spans} spans\n${words}`)
  const { cpuSeconds, seconds, rssMb } = JSON.parse(metered)
  const perSecond = Math.round(spans / cpuSeconds)
  const isGood = perSecond >= least && rssMb <= MAX_RSS_MB
  console.log(
    `${isGood ? 'good' : 'FAIL'}  ${name}: ${count(perSecond)} spans a second of one core` +
      `${least === 0 ? '' : ` (at least ${count(least)})`}, ${count(spans / seconds)} by the wall; ` +
      `${count(spans)} spans of ${Math.round(bytes / spans)} bytes, ${(bytes / 1e9).toFixed(2)} GB; ` +
      `peak memory ${rssMb} MB (at most ${MAX_RSS_MB})`,
  )
  if (values.keep === undefined) rmSync(path)
  return isGood
}

/** @param {number} value */
function count(value) {
  return Math.round(value).toLocaleString('en')
}

/** @param {import('./spans/stream.mjs').Format} format @param {boolean} isGzip */
async function fileOf(format, isGzip) {
  const path = join(folder, `${format}-${values.gb}-${values.seed}${isGzip ? '.gz' : ''}`)
  let spans = 0
  let bytes = 0
  const isThere = existsSync(path) && statSync(path).size > 0
  const file = isThere ? undefined : createWriteStream(path)
  const sink = isGzip ? createGzip({ level: 1 }) : file
  if (isGzip && file !== undefined) sink?.pipe(file)
  for (const piece of spanPieces(format, Number(values.gb) * 1e9, Number(values.seed))) {
    spans += piece.spans
    bytes += piece.bytes.length
    // The piece is used again: what is written must be gone, or a copy.
    if (file !== undefined && sink?.write(Buffer.from(piece.bytes)) === false) await once(sink, 'drain')
  }
  if (file !== undefined) {
    sink?.end()
    await once(file, 'finish')
  }
  return { path, spans, bytes }
}
