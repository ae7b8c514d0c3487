/** One seed's month: a scheduled scenario on a simulated machine, with what goes wrong in a month, and whether the rules held. */
import { createHash } from 'node:crypto'
import { createRandom } from '../../src/random/random.js'
import type { Random } from '../../src/random/random.js'
import { loadTokenizer } from '../../src/tokens/load-tokenizer.js'
import { createDiary } from './diary.js'
import { ROOT, switchOn } from './machine.js'
import { unplanted } from './plants.js'
import type { Plant } from './plants.js'
import { createProvider } from './provider.js'
import { ledgerDays, moneyBroken, readResults, rulesBroken } from './rules.js'
import { FILE, FOLDER, OUT, runOnce, scenarioOf, serve } from './service.js'
import type { World } from './service.js'
import { DAYS, drawSetting, PRICE } from './setting.js'
import { dailyInstants } from './timetable.js'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

export interface Month {
  seed: number
  /** One for all that happened: the same seed gives the same. */
  trace: string
  /** Rules that did not hold. */
  broken: readonly string[]
  runs: number
  requests: number
  /** How often what was done to the program, by kind. */
  faults: Readonly<Record<string, number>>
}

export interface MonthOptions {
  /** A bug to be caught. @default none */
  plant?: Plant | undefined
  /** A shorter month. @default 30 */
  days?: number | undefined
  /** Told each event, with its time. */
  log?: ((line: string) => void) | undefined
}

/** Once: what is loaded while the machine is simulated would take real time. */
const tokenizer = await loadTokenizer('o200k_base')

export async function liveMonth(
  seed: number,
  { plant = unplanted, days = DAYS, log }: MonthOptions = {},
): Promise<Month> {
  const random = createRandom(`month/${seed}`)
  const setting = drawSetting(random.fork('setting'))
  const machine = switchOn(setting.startUtcMs, random.fork('machine'))
  try {
    const hash = createHash('sha256')
    const diary = createDiary(machine, (line) => {
      hash.update(line)
      log?.(`${new Date(machine.utcMs()).toISOString()} ${line}`)
    })
    const provider = createProvider({
      machine,
      random: random.fork('provider'),
      mishaps: setting.mishaps,
      count: tokenizer.count,
      price: PRICE,
    })
    plant.disk(machine.disk)
    const world: World = { setting, machine, provider, diary, plant, known: new Map() }
    diary.note(JSON.stringify(setting))
    await prepareDisk(world)
    await passMonth(world, days, random.fork('lives'))
    const results = await lookBack(world)
    hash.update(JSON.stringify(provider.books))
    return {
      seed,
      trace: hash.digest('hex'),
      broken: [...diary.broken, ...rulesBroken({ setting, diary, books: provider.books, ...results })],
      runs: diary.runs.length,
      requests: provider.books.length,
      faults: { ...Object.fromEntries(provider.struck), ...diary.faults },
    }
  } finally {
    machine.switchOff()
  }
}

/** The scenario's file, long on the disk. */
async function prepareDisk({ machine, setting }: World): Promise<void> {
  const { disk } = machine
  const fd = disk.open(FILE, { create: true, exclusive: true, append: false }, machine.nowMs())
  disk.write(fd, Buffer.from(setting.yaml), machine.nowMs())
  disk.sync(fd)
  disk.close(fd)
  const root = disk.open(ROOT, { create: false, exclusive: false, append: false }, machine.nowMs())
  disk.sync(root)
  disk.close(root)
}

/** Process after process until the month is over. */
async function passMonth(world: World, days: number, random: Random): Promise<void> {
  const { machine, setting, diary } = world
  const endMs = setting.startUtcMs + days * DAY_MS
  for (let n = 0; machine.utcMs() < endMs; n++) {
    const chance = random.fork(String(n))
    const untilMs = Math.min(endMs, machine.utcMs() + (0.3 + 5 * chance.exponential()) * DAY_MS)
    const { kill, powerCut, stop, clock } = setting.ends
    let draw = chance.next()
    const isDrawn = (share: number): boolean => (draw -= share) < 0
    const end = isDrawn(kill)
      ? 'kill'
      : isDrawn(powerCut)
        ? 'power cut'
        : isDrawn(stop)
          ? 'stop'
          : isDrawn(clock)
            ? 'clock'
            : 'none'
    const isDeath = end === 'kill' || end === 'power cut'
    const dieAtCall = isDeath && chance.int(2) === 0 ? Math.ceil(2000 ** chance.next()) : Infinity
    const stopper = { drain: new AbortController(), cut: new AbortController() }
    machine.setTrouble(troubleOf(world, chance.fork('disk')))
    machine.boot(() => serve(world, { drain: stopper.drain.signal, cut: stopper.cut.signal }), dieAtCall)
    await machine.runUntil(isDeath ? amidRun(world, untilMs, chance) : untilMs)
    if (machine.state() === 'running') await endLife(world, end, stopper, chance)
    settleAccounts(world, end)
    if (machine.state() === 'killed' && end === 'power cut') await machine.powerCut()
    await checkDisk(world)
    if (end !== 'clock') machine.idle(downtimeMs(chance))
  }
  // One more, in peace: it tells what fell into the pause before it.
  diary.watchedUntilMs = machine.utcMs()
  const stop = new AbortController()
  machine.setTrouble(() => null)
  machine.boot(() => serve(world, { drain: stop.signal, cut: stop.signal }), Infinity)
  await machine.runUntil(machine.utcMs() + 1_000)
  stop.abort()
  await machine.runUntil(machine.utcMs() + 30 * MINUTE_MS)
  settleAccounts(world, 'stop')
}

/** Some moment of a run that is due by then, where there is one. */
function amidRun({ setting, machine }: World, untilMs: number, chance: Random): number {
  const dues = dailyInstants(setting, machine.utcMs(), untilMs)
  const due = dues[chance.int(Math.max(1, dues.length))]
  return due === undefined ? untilMs : due + chance.int(40_000)
}

function downtimeMs(chance: Random): number {
  return chance.int(4) === 0 ? chance.exponential() * DAY_MS : 5_000 + chance.exponential() * 2 * MINUTE_MS
}

async function endLife(
  { machine, diary }: World,
  end: string,
  stopper: { drain: AbortController; cut: AbortController },
  chance: Random,
): Promise<void> {
  const stop = async (): Promise<void> => {
    diary.stopped(machine.nowMs())
    stopper.drain.abort()
    if (chance.int(3) === 0) {
      await machine.runUntil(machine.utcMs() + 1_000)
      stopper.cut.abort()
    }
    await machine.runUntil(machine.utcMs() + 30 * MINUTE_MS)
    if (machine.state() === 'running') diary.break('a stopped process is still there after half an hour')
  }
  if (end === 'kill' || end === 'power cut') await machine.kill()
  else if (end === 'stop') await stop()
  else if (end === 'clock') {
    const byMs = Math.round((chance.next() - 0.4) * 2 ** chance.int(13) * 2000)
    diary.fault('clock set')
    diary.note(`clock set by ${byMs}`)
    machine.setClock(byMs)
    await machine.runUntil(machine.utcMs() + 2 * DAY_MS * chance.next())
    if (machine.state() === 'running') await stop()
  } else await stop()
}

function settleAccounts({ machine, diary }: World, end: string): void {
  const state = machine.state()
  diary.note(`${end}: ${state} after ${machine.calls()} calls`)
  if (state === 'killed') diary.fault(end)
  if (state === 'crashed') diary.break(`the process crashed: ${String(machine.crash())}`)
  diary.died(machine.nowMs(), end === 'power cut')
}

/** What fails on the disk, by chance or because it is full. */
function troubleOf({ setting, machine, diary }: World, chance: Random) {
  const { fails, short, fullDay } = setting.disk
  const fullFromMs = fullDay === null ? Infinity : setting.startUtcMs + fullDay * DAY_MS
  const isFull = (): boolean => machine.utcMs() >= fullFromMs && machine.utcMs() < fullFromMs + DAY_MS
  const grows = new Set(['write', 'mkdir', 'open'])
  return (call: string, path: string): string | null => {
    const code =
      isFull() && grows.has(call) && (call !== 'open' || path.endsWith('.tmp') || path.endsWith('.journal'))
        ? 'ENOSPC'
        : chance.next() < fails
          ? (['EIO', 'ENOSPC', 'EMFILE'] as const)[chance.int(3)]!
          : call === 'write' && chance.next() < short
            ? 'short'
            : null
    if (code === null) return null
    diary.fault(code === 'short' ? 'short write' : `disk ${code}`)
    diary.note(`disk: ${call} ${path} ${code}`)
    if (code !== 'short') diary.diskFailed(path)
    return code
  }
}

/** Carries out `work` in a process of its own on a disk without faults. */
async function inspect<T>({ machine, diary }: World, work: () => Promise<T>): Promise<T | null> {
  let found: T | null = null
  machine.setTrouble(() => null)
  machine.boot(async () => {
    found = await work()
  }, Infinity)
  await machine.runUntil(machine.utcMs() + 60 * MINUTE_MS)
  if (machine.state() === 'ended') return found
  diary.break(`a look at the disk ended ${machine.state()}: ${String(machine.crash())}`)
  if (machine.state() === 'running') await machine.kill()
  return null
}

/** What every death must leave: files that can be read, and a ledger that knows what was spent. */
async function checkDisk(world: World): Promise<void> {
  const { diary, machine, setting, provider } = world
  const results = await inspect(world, () => readResults(FOLDER, world.known))
  diary.break(...(results?.unreadable ?? []))
  const ledger = ledgerDays(machine.disk, `${OUT}/.schedule/ledger.ndjson`)
  diary.break(...moneyBroken(diary.runs, provider.books, ledger, setting.caps))
}

/** A last run by hand, in peace, takes up what dead runs left; then everything told must be found. */
async function lookBack(world: World) {
  const { diary, provider } = world
  await inspect(world, async () => {
    const scenario = await scenarioOf(world)
    if (scenario === null) return
    const entry = diary.runBegins()
    provider.setRun(entry.number)
    const never = new AbortController().signal
    await runOnce(world, scenario, entry, { drain: never, cut: never })
  })
  const results = await inspect(world, () => readResults(FOLDER, world.known))
  return { results: results ?? { unreadable: [], journals: [], snapshots: new Map() } }
}
