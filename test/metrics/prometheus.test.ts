/** The text format of Prometheus, by the examples of its own page and by pages made of anything. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parsePrometheus } from '../../src/metrics/prometheus.js'

// https://prometheus.io/docs/instrumenting/exposition_formats/, "Text format example".
const OFFICIAL = String.raw`# HELP http_requests_total The total number of HTTP requests.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
http_requests_total{method="post",code="400"}    3 1395066363000

# Escaping in label values:
msdos_file_access_time_seconds{path="C:\\DIR\\FILE.TXT",error="Cannot find file:\n\"FILE.TXT\""} 1.458255915e9

# Minimalistic line:
metric_without_timestamp_and_labels 12.47

# A weird metric from before the epoch:
something_weird{problem="division by zero"} +Inf -3982045

# A histogram, which has a pretty complex representation in the text format:
# HELP http_request_duration_seconds A histogram of the request duration.
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{le="0.05"} 24054
http_request_duration_seconds_bucket{le="+Inf"} 144320
http_request_duration_seconds_sum 53423
http_request_duration_seconds_count 144320
`

describe('the official example', () => {
  const { series, faults } = parsePrometheus(OFFICIAL)

  it('has 9 series and no fault', () => {
    expect(faults).toBe(0)
    expect(series).toHaveLength(9)
  })

  it('keeps labels, escapes, infinities and leaves timestamps out', () => {
    expect(series[0]).toEqual({
      name: 'http_requests_total',
      labels: { method: 'post', code: '200' },
      value: 1027,
    })
    expect(series[2]).toEqual({
      name: 'msdos_file_access_time_seconds',
      labels: { path: 'C:\\DIR\\FILE.TXT', error: 'Cannot find file:\n"FILE.TXT"' },
      value: 1.458255915e9,
    })
    expect(series[3]).toEqual({ name: 'metric_without_timestamp_and_labels', labels: {}, value: 12.47 })
    expect(series[4]).toMatchObject({ labels: { problem: 'division by zero' }, value: Infinity })
    expect(series[6]).toMatchObject({ labels: { le: '+Inf' }, value: 144320 })
  })
})

describe('a line', () => {
  it.each([
    ['a NaN', { name: 'a', labels: {}, value: NaN }],
    ['a -Inf', { name: 'a', labels: {}, value: -Infinity }],
    ['vllm:x{model_name="a,b}",} 1.5e-3', { name: 'vllm:x', labels: { model_name: 'a,b}' }, value: 0.0015 }],
    ['a{ b = "c" , d = "" } 1', { name: 'a', labels: { b: 'c', d: '' }, value: 1 }],
    ['a{b="x # y"} 5 # {trace_id="z"} 0.5', { name: 'a', labels: { b: 'x # y' }, value: 5 }],
    ['a{} 5\r', { name: 'a', labels: {}, value: 5 }],
    ['a_total 5 1700000000.123', { name: 'a_total', labels: {}, value: 5 }],
  ])('%j is read', (line, expected) => {
    expect(parsePrometheus(line)).toEqual({ series: [expected], faults: 0 })
  })

  it.each(['a', '1a 5', 'a{b="c 5', 'a{b=c} 5', 'a five', 'a 0x10', '<html>', 'a{b="c"d="e"} 1', 'a 1 2 3'])(
    '%j is a fault and costs no other line',
    (line) => {
      expect(parsePrometheus(`x 1\n${line}\ny 2\n`)).toMatchObject({
        series: [{ name: 'x' }, { name: 'y' }],
        faults: 1,
      })
    },
  )

  it('that is not wanted is not looked into', () => {
    expect(parsePrometheus('a{broken 1\nb 2', (name) => name === 'b')).toMatchObject({
      series: [{ name: 'b' }],
      faults: 0,
    })
  })
})

const name = fc.stringMatching(/^[a-zA-Z_:][a-zA-Z0-9_:]{0,12}$/)
const labelName = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,8}$/)
const value = fc.oneof(fc.double(), fc.integer())
const written = (number: number): string =>
  Object.is(number, -0)
    ? '-0'
    : Number.isNaN(number)
      ? 'NaN'
      : Number.isFinite(number)
        ? String(number)
        : number > 0
          ? '+Inf'
          : '-Inf'
const escaped = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')

describe('any page', () => {
  it('that is written by the rules is read back', () => {
    const label = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\r'))
    const one = fc.record({ name, labels: fc.dictionary(labelName, label), value })
    fc.assert(
      fc.property(fc.array(one), (all) => {
        const lines = all.map((each) => {
          const labels = Object.entries(each.labels).map(([key, text]) => `${key}="${escaped(text)}"`)
          return `${each.name}${labels.length > 0 ? `{${labels.join(',')}}` : ''} ${written(each.value)}`
        })
        const { series, faults } = parsePrometheus(`# HELP x y\n${lines.join('\n')}\n# EOF\n`)
        expect(faults).toBe(0)
        expect(series).toEqual(all.map((each) => ({ ...each, labels: { ...each.labels } })))
      }),
    )
  })

  it('1,000,000 blanks behind a name are a fault, read in one pass', () => {
    // By the square of its length 32,000 took 2.5 s, in the event loop that stamps: this test would never end.
    expect(parsePrometheus(`name${' '.repeat(1_000_000)}`)).toEqual({ series: [], faults: 1 })
  })

  it('of any text never throws, and each of its lines is a series, a fault or nothing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii', maxLength: 300 }), (text) => {
        const { series, faults } = parsePrometheus(text)
        expect(series.length + faults).toBeLessThanOrEqual(text.split('\n').length)
      }),
    )
  })
})
