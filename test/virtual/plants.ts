/** Bugs planted on purpose: a world that does not catch them proves nothing. */
import type { Outcome } from '../../src/schedule/job.js'
import type { Ledger } from '../../src/schedule/ledger.js'
import type { Transport, TransportOptions } from '../../src/wire/transport.js'
import type { Disk } from './disk.js'

type Connect = (options: TransportOptions) => Transport

/** What of the program or its disk is put out of order. */
export interface Plant {
  ledger(ledger: Ledger): Ledger
  connect(connect: Connect): Connect
  remember<A extends unknown[]>(remember: (...args: A) => Promise<void>): (...args: A) => Promise<void>
  outcome(outcome: Outcome): Outcome
  disk(disk: Disk): void
}

export const unplanted: Plant = {
  ledger: (ledger) => ledger,
  connect: (connect) => connect,
  remember: (remember) => remember,
  outcome: (outcome) => outcome,
  disk: () => undefined,
}

export const plants = {
  'the reservation is left out': {
    ...unplanted,
    ledger: (ledger) => ({
      ...ledger,
      reserve: (run, atMs) => ledger.reserve({ ...run, amount: 0 }, atMs),
    }),
  },
  'a run settles for half of what it spent': {
    ...unplanted,
    outcome: (outcome) => ({ ...outcome, spent: outcome.spent / 2 }),
  },
  'every request is sent twice': {
    ...unplanted,
    connect: (connect) => (options) => {
      const transport = connect(options)
      return {
        ...transport,
        async send(request, how) {
          await transport.send(request, how)
          return transport.send(request, how)
        },
      }
    },
  },
  'Retry-After is not heard': {
    ...unplanted,
    connect: (connect) => (options) => {
      const transport = connect(options)
      return {
        ...transport,
        async send(request, how) {
          const exchange = await transport.send(request, how)
          const kept = Object.entries(exchange.headers).filter(([name]) => !name.startsWith('retry-after'))
          return { ...exchange, headers: Object.fromEntries(kept) }
        },
      }
    },
  },
  'a firing that was taken is forgotten': {
    ...unplanted,
    remember: () => () => Promise.resolve(),
    ledger: (ledger) => ({ ...ledger, last: () => null }),
  },
  'nothing is synced': { ...unplanted, disk: (disk) => void (disk.sync = () => undefined) },
  'a line of the journal is told and not written': {
    ...unplanted,
    disk(disk) {
      const { write } = disk
      let n = 0
      disk.write = (fd, bytes, nowMs, most) => {
        const isSample = Buffer.from(bytes.subarray(0, 24)).includes('"kind":"sample"')
        return isSample && ++n % 7 === 0 ? bytes.length : write(fd, bytes, nowMs, most)
      }
    },
  },
  'a line of the journal is written twice, as two samples': {
    ...unplanted,
    disk(disk) {
      const { write } = disk
      disk.write = (fd, bytes, nowMs, most) => {
        const text = Buffer.from(bytes)
        const isSample = text.subarray(0, 24).includes('"kind":"sample"')
        const written = write(fd, bytes, nowMs, most)
        // The same line again, as another sample.
        if (isSample && written === bytes.length)
          write(fd, Buffer.from(text.toString().replace('"id":"s-', '"id":"t-')), nowMs)
        return written
      }
    },
  },
} as const satisfies Record<string, Plant>
