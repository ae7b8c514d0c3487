/** Money on the simulated machine: the provider's own count is the judge. */
import { expect, it, vi } from 'vitest'
import { createRandom } from '../../src/random/random.js'
import type { RunResult } from '../../src/run/contract.js'
import { loadScenario } from '../../src/run/load-scenario.js'
import { run } from '../../src/run/run.js'
import type { Scenario } from '../../src/scenario/scenario.js'
import { judgeRun } from '../../src/schedule/judge.js'
import { loadTokenizer } from '../../src/tokens/load-tokenizer.js'
import { systemClock } from '../../src/units/time.js'
import type { Trouble } from './machine.js'
import { ROOT, switchOn } from './machine.js'
import type { Lie } from './provider.js'
import { createProvider, LIES } from './provider.js'
import { PRICE } from './setting.js'

// However busy the machine: what would hang is caught by virtual time.
vi.setConfig({ testTimeout: 300_000 })

const { count } = await loadTokenizer('o200k_base')
const OUT = `${ROOT}/results`
const YAML = `name: s
targets:
  - name: t
    baseUrl: http://provider.simulated/v1
    model: m
    tokenizer: o200k_base
    price: { inputPerM: ${PRICE.inputPerM}, outputPerM: ${PRICE.outputPerM} }
probes: [{ probe: prompt-length, promptTokens: [48], outputTokens: 6, blocks: 20 }]
errorLimit: 1
`

interface Spent {
  scenario: Scenario
  result: RunResult
  /** By the scheduler's judgement of the run. */
  spent: number
  charged: number
}

/** One run against a provider that tells these lies only, or none. */
async function runOnce(lies: readonly Lie[], trouble: Trouble = () => null): Promise<Spent> {
  const machine = switchOn(Date.parse('2027-05-01T00:00:00Z'), createRandom(1))
  try {
    const share = lies.length > 0 ? 1 : 0
    const mishaps = { broken: 0, hangs: 0, limited: 0, failing: 0, unauthorized: 0, lies: share }
    const random = createRandom('provider')
    const provider = createProvider({ machine, random, mishaps, count, price: PRICE, lies })
    const fd = machine.disk.open(`${ROOT}/s.yaml`, { create: true, exclusive: true, append: false }, 0)
    machine.disk.write(fd, Buffer.from(YAML), 0)
    machine.setTrouble(trouble)
    let seen: Spent | null = null
    machine.boot(async () => {
      const loaded = await loadScenario(`${ROOT}/s.yaml`, { env: {}, allowCode: false })
      if (!loaded.ok) throw new Error(loaded.problems.join('\n'))
      const { scenario } = loaded
      const never = new AbortController().signal
      const result = await run(scenario, {
        outDir: OUT,
        clock: systemClock,
        env: {},
        connect: provider.connect,
        fit: () => ({ curves: [], notes: [] }),
        control: { drain: never, cut: never },
        onEvent: () => undefined,
      })
      const { spent } = await judgeRun(scenario, result, OUT)
      const charged = provider.books.reduce((sum, { cost }) => sum + cost, 0)
      seen = { scenario, result, spent, charged }
    }, Infinity)
    await machine.runUntil(machine.utcMs() + 600_000)
    const found = seen as Spent | null
    if (found === null) throw new Error(`the process is ${machine.state()}: ${String(machine.crash())}`)
    return found
  } finally {
    machine.switchOff()
  }
}

it.each(LIES.map((lie) => [JSON.stringify(lie({ prompt_tokens: 60, completion_tokens: 6 })), lie] as const))(
  'a provider that reports %s for 60 and 6 tokens frees no money: the run counts no less than it charges',
  async (_, lie) => {
    const { spent, charged } = await runOnce([lie])
    expect(charged).toBeGreaterThan(0)
    expect(spent).toBeGreaterThanOrEqual(charged)
  },
)

it('a run whose snapshot the disk refuses has spent its money all the same', async () => {
  const { result, spent, charged } = await runOnce([], (call, path) =>
    call === 'open' && path.includes('.json') ? 'ENOSPC' : null,
  )
  expect(result).toMatchObject({ kind: 'refused', exit: 3 })
  expect(charged).toBeGreaterThan(0)
  expect(spent).toBeGreaterThanOrEqual(charged)
})
