import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  csvCell,
  cut,
  htmlAttribute,
  htmlText,
  httpUrl,
  markdownCell,
  terminalText,
  workflowData,
  workflowOutput,
  workflowProperty,
  xmlText,
} from '../../src/border/escape.js'

const anyText = fc.string({ unit: 'binary', maxLength: 60 })

test.each([
  ['\x1b[31mred\x1b[0m', '\\x1b[31mred\\x1b[0m'],
  ['\x1b]0;title\x07', '\\x1b]0;title\\x07'],
  ['\x9b2J', '\\x9b2J'],
  ['a\nb\rc\td', 'a\\nb\\rc\\td'],
  ['admin\u202etxt.exe', 'admin\\u202etxt.exe'],
  ['a\u2028b\u200bc\ufeff', 'a\\u2028b\\u200bc\\ufeff'],
  ['\u{e0041}\ud800', '\\u{e0041}\\ud800'],
  ['é 漢字 🙂', 'é 漢字 🙂'],
])('fault 58: on a terminal %j is shown as %s', (text, shown) => {
  expect(terminalText(text)).toBe(shown)
})

test('fault 58: no text brings a control character to the terminal or passes the length', () => {
  fc.assert(
    fc.property(anyText, fc.integer({ min: 1, max: 80 }), (text, length) => {
      const shown = terminalText(text, length)
      expect(shown).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/)
      expect(shown.length).toBeLessThanOrEqual(length)
      expect(shown).not.toMatch(/\p{Cs}/u)
    }),
  )
})

test('a cut text ends in … and cuts no pair', () => {
  expect(cut('abcdef', 6)).toBe('abcdef')
  expect(cut('abcdef', 4)).toBe('abc…')
  expect(cut('ab🙂cd', 4)).toBe('ab…')
  expect(terminalText('x'.repeat(2000))).toHaveLength(500)
})

test.each([
  ['=1+1', `"'=1+1"`],
  ['+x', `"'+x"`],
  ['-x', `"'-x"`],
  ['@SUM(A1)', `"'@SUM(A1)"`],
  ['\tx', `"'\tx"`],
  ['\rx', `"'\rx"`],
  [' =x', `"' =x"`],
  ['＝x', `"'＝x"`],
  ['a,b', '"a,b"'],
  ['say "x"', '"say ""x"""'],
  ['a\nb', '"a\nb"'],
  ['plain', 'plain'],
  [-3.5, '-3.5'],
  [Number.NaN, ''],
  [null, ''],
  [undefined, ''],
  [true, 'true'],
])('fault 60: the CSV cell of %j is %s', (value, cell) => {
  expect(csvCell(value)).toBe(cell)
})

test('a CSV cell is read back as the text, but for the apostrophe before a formula', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const cell = csvCell(text)
      const read = cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell
      expect([text, `'${text}`]).toContain(read)
      expect(cell).not.toMatch(/^[=+\-@\t\r]/)
    }),
  )
})

test('fault 60: a workflow command holds one line and its own properties', () => {
  expect(workflowData('50 %\r\n::error::x')).toBe('50 %25%0D%0A::error::x')
  expect(workflowProperty('a,b:c\n%')).toBe('a%2Cb%3Ac%0A%25')
  expect(decodeURIComponent(workflowData('a%0Ab\n'))).toBe('a%0Ab\n')
})

test('fault 60: a value that knows the delimiter is refused', () => {
  expect(workflowOutput('verdict', 'ok\nx=y', 'r4nd0m')).toBe(
    'verdict<<ghadelimiter_r4nd0m\nok\nx=y\nghadelimiter_r4nd0m\n',
  )
  expect(() => workflowOutput('verdict', 'a\nghadelimiter_r4nd0m\nx=y', 'r4nd0m')).toThrow()
  expect(() => workflowOutput('a\nb', 'x', 'r4nd0m')).toThrow()
})

test.each([
  ['a|b', 'a\\|b'],
  ['**bold** `code` ~~x~~', '\\*\\*bold\\*\\* \\`code\\` \\~\\~x\\~\\~'],
  ['[x](javascript:1)', '\\[x\\](javascript:1)'],
  ['<img src=x onerror=1>', '&lt;img src=x onerror=1&gt;'],
  ['line\r\nline', 'line line'],
  ['@someone #12', '@\u200bsomeone #\u200b12'],
  ['https://evil.example', 'https\u200b://evil.example'],
  ['prompt-length 128', 'prompt-length 128'],
])('fault 59: the Markdown cell of %j is %j', (text, cell) => {
  expect(markdownCell(text)).toBe(cell)
})

test('fault 59: no text becomes a tag, an attribute or an entity of HTML or XML', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      expect(htmlText(text)).not.toMatch(/[<>\0]|&(?!amp;|lt;|gt;)/)
      expect(htmlAttribute(text)).not.toMatch(/[<>"'`=\n\r\0]|&(?!amp;|lt;|gt;|#\d+;)/)
      expect(xmlText(text)).not.toMatch(/[<>"'\n\r\0]|&(?!amp;|lt;|gt;|#\d+;)/)
    }),
  )
  expect(htmlText('</script><b>')).toBe('&lt;/script&gt;&lt;b&gt;')
  expect(xmlText(']]>\x1b\ud800')).toBe(']]&gt;\ufffd\ufffd')
})

test('fault 59: only http and https become links', () => {
  expect(httpUrl('https://host/a b')).toBe('https://host/a%20b')
  for (const text of [
    'javascript:alert(1)',
    ' JaVaScRiPt:1',
    'data:text/html,x',
    'java\nscript:1',
    '/relative',
    '',
  ]) {
    expect(httpUrl(text)).toBeNull()
  }
})
