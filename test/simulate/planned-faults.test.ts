import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseSimulateOptions, type SimulateOptions } from '../../src/simulate/options.js'
import { startSimulator } from '../../src/simulate/server.js'

interface Told {
  labels: string[]
  faults: string[]
  phases: Record<string, number>
  region: string
}

/** Asks so many times, with a header each, and gives the statuses and what the truth file holds. */
async function ask(
  options: SimulateOptions,
  headers: readonly string[],
): Promise<{ statuses: number[]; truth: Told[] }> {
  const truth = join(mkdtempSync(join(tmpdir(), 'faults-')), 'truth.ndjson')
  const set = { base: 1, fresh: 0, tpot: 0.1, ...options.set }
  const simulator = await startSimulator({ profile: 'exact', ...options, set, truth, faultsByHeader: true })
  const statuses: number[] = []
  try {
    for (const fault of headers) {
      const response = await fetch(`${simulator.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'x-plumbline-fault': fault },
        body: JSON.stringify({
          model: 'exact',
          max_tokens: 3,
          messages: [{ role: 'user', content: 'Hello.' }],
        }),
      })
      await response.text()
      statuses.push(response.status)
    }
  } finally {
    await simulator.close()
  }
  const lines = readFileSync(truth, 'utf8').split('\n')
  return { statuses, truth: lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Told) }
}

describe('faults of a server', () => {
  it('hold for their share of the requests, on the wire too', async () => {
    const { statuses } = await ask(
      { fault: 'html-502 share=.5' },
      Array.from({ length: 40 }, () => ''),
    )
    const failed = statuses.filter((status) => status === 502).length
    expect(statuses.filter((status) => status === 200)).toHaveLength(40 - failed)
    // Outside in 3 of 100,000 binomials.
    expect(failed).toBeGreaterThan(6)
    expect(failed).toBeLessThan(34)
  })

  it('are over when their time is over', async () => {
    const { statuses, truth } = await ask({ fault: 'html-502 from=1h, network:20 from=1h, queueing:5' }, [''])
    expect(statuses).toEqual([200])
    expect(truth[0]!.labels).toEqual(['queueing'])
  })

  it('several at once: labels and milliseconds of each are in the truth', async () => {
    const fault = 'slow-replica:3, queueing:30, network:20, route-change:1 region=far'
    const { truth } = await ask({ fault }, [''])
    expect(truth[0]!.labels).toEqual(['queueing', 'route-change', 'network'])
    expect(truth[0]!.region).toBe('far')
    expect(truth[0]!.phases['queue']).toBeGreaterThan(5)
    // A far round trip on a connection that is there: 97 ms in the median, and what the fault adds.
    expect(truth[0]!.phases['network']).toBeGreaterThan(80)
  })

  it('come by request header for one request alone', async () => {
    const { truth } = await ask({}, ['queueing:30, crlf', ''])
    expect(truth.map(({ labels }) => labels)).toEqual([['queueing'], []])
    expect(truth.map(({ faults }) => faults)).toEqual([['crlf', 'queueing:30'], []])
  })

  it('that befall a replica, or lie with the client, are refused in a header with a 400', async () => {
    const { statuses } = await ask({}, ['noisy-neighbour', 'slow-replica:2', 'retry', 'nonsense'])
    expect(statuses).toEqual([400, 400, 400, 400])
  })
})

describe('a profile file', () => {
  const write = (text: string): string => {
    const path = join(mkdtempSync(join(tmpdir(), 'profile-')), 'mine.yaml')
    writeFileSync(path, text)
    return path
  }

  it('names a profile, constants and faults; the command line has the last word', () => {
    const file = write(
      'profile: 8b-h100\nset: { replicas: 4, noise: 0 }\nfaults: [slow-replica:2 from=3m, crlf]\n',
    )
    const parsed = parseSimulateOptions({ profile: file, set: { replicas: 2 }, fault: 'gzip' })
    if (!parsed.ok) throw new Error(parsed.problems.join('; '))
    const { profile, incidents, onWire } = parsed.options
    expect(profile.constants).toMatchObject({ replicas: 2, noise: 0 })
    expect(incidents).toMatchObject([{ cause: 'slow-replica', value: 2, fromMs: 180_000 }])
    expect(onWire.map(({ name }) => name)).toEqual(['crlf', 'gzip'])
  })

  it.each([
    ['profile: 8b-h100\nsets: {}\n', /mine\.yaml:1:1: the file: Unrecognized key: "sets"/],
    ['profile: 8b-h100\nfaults: crlf\n', /mine\.yaml:2:9: faults: /],
    ['profile: [\n', /mine\.yaml:/],
    ['profile: 8b-h1000\n', /profile '8b-h1000' is unknown/],
  ])('%j is refused, with its place', (text, problem) => {
    const parsed = parseSimulateOptions({ profile: write(text) })
    expect(parsed.ok ? '' : parsed.problems[0]).toMatch(problem)
  })

  it('that is not there is named', () => {
    const parsed = parseSimulateOptions({ profile: '/nowhere/mine.yaml' })
    expect(parsed.ok ? '' : parsed.problems[0]).toMatch(/^profile file \/nowhere\/mine\.yaml can't be read: /)
  })
})
