/** Faults that no request can pass, or no file: refused by the command line with its exit code and a sentence. */
import { createServer as createPlain } from 'node:net'
import type { Server, Socket } from 'node:net'
import { createServer as createTls } from 'node:tls'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { encodeSnapshot } from '../../src/snapshot/format.js'
import { snapshotOf } from '../snapshot/data.js'
import type { CliResult } from '../support/cli.js'
import { runCli, workspace } from '../support/cli.js'
import { fakeTarget } from '../support/fake-target.js'
import type { Certificates } from '../wire/certificates.js'
import { makeCertificates } from '../wire/certificates.js'
import { closing, serve } from '../wire/rig.js'

let certificates: Certificates
beforeAll(() => {
  certificates = makeCertificates()
})

async function portOf(server: Server): Promise<number> {
  const sockets: Socket[] = []
  const port = await serve(server, sockets)
  onTestFinished(() => closing(server, sockets))
  return port
}

/** One request by the command line. */
const ask = (url: string): Promise<CliResult> =>
  runCli(['probe', url, '--model', 'm', '--requests', '1', '--prompt-tokens', '64'], {
    cwd: workspace().path,
  })

test('20: a host without an address exits 3 and is named', async () => {
  const { code, stderr } = await ask('http://nobody.invalid:1234/v1')
  expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringContaining('nobody.invalid') })
})

test.each(['expired', 'selfSigned', 'server'] as const)(
  '21: a certificate that does not hold (%s) exits 3, says "custom CA", never to switch checks off',
  async (which) => {
    const port = await portOf(createTls({ ...certificates[which] }, (socket) => void socket.resume()))
    const { code, stderr } = await ask(`https://127.0.0.1:${port}/v1`)
    expect(code).toBe(3)
    expect(stderr).toContain('custom CA')
    expect(stderr).not.toMatch(/REJECT_UNAUTHORIZED|insecure|disable/i)
  },
)

test('22: https to a plain port exits 3 and says http://', async () => {
  const port = await portOf(
    createPlain((socket) => socket.end('HTTP/1.1 400 Bad\r\ncontent-length: 0\r\n\r\n')),
  )
  const { code, stderr } = await ask(`https://127.0.0.1:${port}/v1`)
  expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringContaining('http://') })
})

test('22: http to a TLS port exits 3 and says https://', async () => {
  const port = await portOf(createTls({ ...certificates.server }))
  const { code, stderr } = await ask(`http://127.0.0.1:${port}/v1`)
  expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringContaining('https://') })
})

test('26: a captive HTML page with status 200 exits 3 and hears that it does not stream', async () => {
  const page = '<html><body>Sign in to the guest network</body></html>'
  const { url } = await fakeTarget((_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end(page)
  })
  const { code, stderr } = await ask(url)
  expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringMatching(/stream/) })
})

test('33: a snapshot that was cut exits 2 with the byte, one with a changed figure by its checksum', async () => {
  const here = workspace()
  const text = encodeSnapshot(snapshotOf())
  here.write('whole.json', text)
  here.write('cut.json', text.slice(0, 1000))
  here.write('changed.json', text.replace(/"seed": *\d+/, '"seed": 99'))
  const cut = await runCli(['compare', 'whole.json', 'cut.json'], { cwd: here.path })
  expect(cut).toMatchObject({ code: 2, stderr: expect.stringContaining('1000') })
  const changed = await runCli(['compare', 'whole.json', 'changed.json'], { cwd: here.path })
  expect(changed).toMatchObject({ code: 2, stderr: expect.stringContaining('checksum') })
})

test('34: a snapshot of a newer format exits 5 and names both formats', async () => {
  const here = workspace()
  const text = encodeSnapshot(snapshotOf())
  here.write('whole.json', text)
  here.write('newer.json', text.replace('plumbline.snapshot/1', 'plumbline.snapshot/9'))
  const { code, stderr } = await runCli(['compare', 'whole.json', 'newer.json'], { cwd: here.path })
  expect(code).toBe(5)
  expect(stderr).toContain('plumbline.snapshot/9')
  expect(stderr).toContain('plumbline.snapshot/1')
})

test('38, 39, 40: a baseline that is 100,000 deep, holds a key twice, or __proto__, exits 2', async () => {
  const here = workspace()
  const text = encodeSnapshot(snapshotOf())
  here.write('whole.json', text)
  const bad = {
    deep: `{"format":"plumbline.snapshot/1","x":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
    twice: text.replace('{', '{"seed": 1, "seed": 2,'),
    proto: text.replace('{', '{"__proto__": {"partial": true},'),
  }
  for (const [name, content] of Object.entries(bad)) {
    here.write(`${name}.json`, content)
    const { code, stderr } = await runCli(['compare', `${name}.json`, 'whole.json'], { cwd: here.path })
    expect({ code, stderr }, name).toEqual({ code: 2, stderr: expect.stringContaining(`${name}.json`) })
    expect(stderr).not.toContain('    at ')
  }
})

test('41, 42, 43: laughs, 900 brackets and merge keys in a scenario exit 2, each with its place', async () => {
  const here = workspace()
  const laughs = ['a: &a [x, x, x, x, x, x, x, x, x]']
  for (let i = 1; i < 9; i++) {
    const [before, name] = [String.fromCharCode(96 + i), String.fromCharCode(97 + i)]
    laughs.push(`${name}: &${name} [${Array(9).fill(`*${before}`).join(', ')}]`)
  }
  const bad = {
    laughs: laughs.join('\n'),
    brackets: '['.repeat(900),
    merge: 'base: &b { model: m }\ntargets:\n  - { <<: *b, baseUrl: "http://127.0.0.1:1/v1" }\n',
  }
  const files = Object.entries(bad).map(([name, text]) => here.write(`${name}.yaml`, text))
  const { code, stderr } = await runCli(['validate', ...files], { cwd: here.path })
  expect(code).toBe(2)
  for (const name of Object.keys(bad)) expect(stderr).toMatch(new RegExp(`${name}\\.yaml:\\d+:\\d+: `))
  expect(stderr).toContain('not supported')
  expect(stderr).not.toContain('    at ')
})
