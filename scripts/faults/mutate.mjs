// @ts-check
/** Changes valid input at random: bits, cuts, repeats, pieces that parsers stumble over, values that no field expects. */

/** What parsers stumble over, anywhere: of texts, of JSON, of streams and YAML, of bytes. @type {readonly string[]} */
const PIECES = [
  ...['\0', '\r\n', '\n\n', '\u2028', '\ufeff', '\\ud800', '\\u0000', '\t', '\x80', '\xff'],
  ...['"', '\\', '[', ']', '{', '}', '[[[[[[[[', ',', ':', '__proto__', 'constructor'],
  ...['data: ', 'event: ', '[DONE]', '&a ', '*a', '<<: ', '!!binary ', '---\n', '? ', '| ', '> ', '%YAML'],
  ...['#', '${', '$$', '\x0a\x10', '\xff\xff\xff\xff\x0f'],
]
/** What may stand where a value stands. @type {readonly string[]} */
const VALUES = [
  ...[
    '-1',
    '0',
    '-0',
    '0.1',
    '1e308',
    '1e999',
    '-1e308',
    'NaN',
    '9007199254740993',
    '4294967296',
    '-2147483649',
  ],
  ...[
    'null',
    'true',
    'false',
    '""',
    '"x"',
    '"-1"',
    '"__proto__"',
    '"\\ud800"',
    '"\\u0000"',
    '[]',
    '{}',
    '[[]]',
  ],
  ...['{"__proto__":{}}', `"${'a'.repeat(5000)}"`, '"9999-12-31T23:59:60Z"', '"18446744073709551616"'],
]
const SCALAR = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\b(?:true|false|null)\b/g

/** A valid example, changed some times. @param {readonly (string | Buffer)[]} from @param {() => number} random @returns {Buffer} */
export function mutated(from, random) {
  const below = (/** @type {number} */ n) => Math.floor(random() * n)
  const one = (/** @type {readonly string[]} */ of) => Buffer.from(of[below(of.length)] ?? '', 'latin1')
  /** @type {Buffer} */
  let bytes = Buffer.from(from[below(from.length)] ?? '')
  for (let changes = below(6); changes >= 0; changes--) {
    const at = below(bytes.length + 1)
    const length = below(Math.min(64, bytes.length - at) + 1)
    const left = bytes.subarray(0, at)
    const middle = bytes.subarray(at, at + length)
    const right = bytes.subarray(at + length)
    switch (below(12)) {
      case 0:
      case 1:
        if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << below(8))
        break
      case 2:
        bytes = Buffer.concat([left, right])
        break
      case 3:
        bytes = Buffer.concat([left, middle, middle, right])
        break
      case 4:
        bytes = Buffer.concat([left, one(PIECES), bytes.subarray(at)])
        break
      case 5:
        bytes = Buffer.concat([left, Buffer.from(Array.from({ length: below(16) }, () => below(256))), right])
        break
      case 6:
        bytes = Buffer.concat([left, ...Array.from({ length: below(500) }, () => one(PIECES)), right])
        break
      case 7: {
        const piece = one(PIECES)
        bytes = Buffer.concat([left, ...Array.from({ length: below(500) }, () => piece), right])
        break
      }
      case 8:
        // A cut leaves little to be read, so it is the rarer one.
        if (random() < 0.4) bytes = Buffer.from(left)
        break
      default:
        bytes = withValue(bytes, one(VALUES), below)
    }
  }
  return bytes
}

/** Another value in the place of a string, number or word. @param {Buffer} bytes @param {Buffer} value @param {(n: number) => number} below @returns {Buffer} */
function withValue(bytes, value, below) {
  const found = [...bytes.toString('latin1').matchAll(SCALAR)]
  const chosen = found[below(found.length)]
  if (chosen === undefined) return bytes
  return Buffer.concat([
    bytes.subarray(0, chosen.index),
    value,
    bytes.subarray(chosen.index + chosen[0].length),
  ])
}
